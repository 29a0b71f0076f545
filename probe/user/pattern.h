/* pattern: ssh_config(5) PATTERNS (`*`, `?`, lists, negation); for ssh_config.c and known.c. */
#ifndef PROBE_USER_PATTERN_H
#define PROBE_USER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* Without regard to case, as OpenSSH compares host names. */
bool pattern_match(const char *text, const char *pattern, size_t length);

/* 1 when one of the list's patterns matches, -1 when a negated one does, else 0. The
 * list is `length` bytes of `list`, separated by `separators`. */
int pattern_list(const char *text, const char *list, size_t length, const char *separators);

#endif
