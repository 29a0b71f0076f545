/* listen: what a server says up to its identification string, without a word to it.
 *
 * Lines before the identification string are taken out of the socket; the
 * identification string and all behind it stay in, for libssh to find.
 */
#ifndef PROBE_LISTEN_H
#define PROBE_LISTEN_H

#include <stdbool.h>

enum heard {
	HEARD_NOTHING, /* not one byte so far */
	HEARD_TEXT,    /* bytes, and they may still become SSH */
	HEARD_IDENT,   /* the socket's next bytes are the identification string, complete */
	HEARD_OTHER,   /* never will */
	HEARD_ENDLESS, /* lines and lines (SSH_STREAM_MAX bytes of them) */
	HEARD_CLOSED,  /* the server hung up (FIN) */
	HEARD_RESET,   /* or the connection broke: `error` says how */
};

struct listener;

struct listener *listener_new(int fd); /* borrows fd; NULL: out of memory */
void listener_free(struct listener *listener);

/* Hears what is there now; never waits. */
enum heard listener_hear(struct listener *listener, int *error);

bool listener_has_bytes(const struct listener *listener);
bool listener_has_version_2(const struct listener *listener);
unsigned listener_lines(const struct listener *listener);
const char *listener_first_line(const struct listener *listener); /* lives as long as it */
const char *listener_ident(const struct listener *listener);

#endif
