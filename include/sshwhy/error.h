/* error: values that go up, made by whatever can fail; each caller may add context, and the command
 * (probe/cli) prints them once.
 *
 * A function that can fail takes `struct error *` last and returns false (or
 * NULL) after filling it. The text is one line without a newline; the exit
 * code is one of those below: scripts know them (those from 64 on are sysexits.h's).
 */
#ifndef SSHWHY_ERROR_H
#define SSHWHY_ERROR_H

#include <stdbool.h>

enum exit_code {
	EXIT_HEALTHY = 0,
	EXIT_FAULT = 1,
	EXIT_AMBIGUOUS = 2,
	EXIT_UNKNOWN = 3,
	EXIT_USAGE = 64,
	EXIT_MALFORMED = 65,
	EXIT_NO_INPUT = 66,
	EXIT_UNAVAILABLE = 69,
	EXIT_CANNOT_WRITE = 73,
	EXIT_NOT_PERMITTED = 77,
	EXIT_INTERRUPTED = 130,
};

struct error {
	enum exit_code code;
	char text[400];
};

/* Fills `error` (may be NULL) and returns false, so that a caller can write
 * `return error_set(...)`. */
bool error_set(struct error *error, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text already there; returns false. */
bool error_context(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
