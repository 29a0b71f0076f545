/* escape: bytes from outside made harmless for a terminal, a JSON string, a page; used by the
 * writers of report/, by the guide's commands and by the errors of probe/cli.
 *
 * What comes out is valid UTF-8 of printing characters only. Every byte of anything
 * else becomes the four characters \xNN: control characters (ESC and the C1 controls
 * among them), invalid UTF-8, and characters that print nothing or reorder what is
 * around them (bidi overrides, zero-width characters, line separators, tags). A backslash
 * becomes two, so that what was \xNN before can be told from what becomes it.
 * JSON strings and pages still need their own quoting on top.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESCAPE_TEXT 4096 /* room enough for every text a report holds */

/* Writes the safe form of the NUL-terminated `text` (NULL is "") into `out` and
 * returns `out`. What does not fit ends in "...", never inside a character;
 * `size` is at least 4. */
const char *escape_text(const char *text, char *out, size_t size);

/* The same for what a shell is to read: its backslashes stay single. Our own commands need no
 * escape, having only values that are clean. */
const char *escape_command(const char *command, char *out, size_t size);

/* Whether all characters of `text` print as they are; a backslash does. */
bool escape_is_clean(const char *text);

/* One character of UTF-8 at `bytes` (NUL-terminated): its length 1..4, or 0 when it
 * is no valid UTF-8 (overlong forms and surrogates, RFC 3629 3). */
size_t utf8_decode(const char *bytes, uint32_t *code);

/* Terminal columns that `length` bytes of safe text take. */
size_t utf8_columns(const char *text, size_t length);

#endif
