/* shell: how a command line is quoted (for template.c) and where it may be broken (for page.c of
 * report/). */
#ifndef GUIDE_SHELL_H
#define GUIDE_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#include "sshwhy/guide.h"

/* Whether the reader of a command line is inside quotes, one byte at a time. */
struct quoting {
	char escapes; /* shell_escape() of the shell */
	char open;    /* the quote that is open, 0 none */
	bool escaped; /* the next byte is taken as it is */
};

void quoting_step(struct quoting *quoting, char c);

/* The character that takes the meaning of the next one (and joins lines): '`' in
 * PowerShell, '\\' in every other. */
char shell_escape(enum shell shell);

/* Whether `value` is one plain argument in any of the shells, quotes or none. */
bool shell_is_plain(const char *value);

/* Writes `value` as one argument of `shell` into `out`, quoted unless it is plain.
 * `value` holds no control characters. False when `size` is too small. */
bool shell_quote(enum shell shell, const char *value, char *out, size_t size);

/* Where to break `text` so that its beginning takes at most `room` columns: before an
 * option or a pipe if that does not waste half the line, else between any two arguments, else
 * at the first chance there is. The index of a space to leave out; 0: nowhere. */
size_t shell_fold(enum shell shell, const char *text, size_t room);

#endif
