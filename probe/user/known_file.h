/* known_file: one known_hosts file that is asked for many hosts; read once, asked by analyze.
 *
 * Entries may be hashed, each with a salt of its own, so that every one is tried for every host:
 * the latest answers are remembered.
 */
#ifndef PROBE_USER_KNOWN_FILE_H
#define PROBE_USER_KNOWN_FILE_H

#include "user/known.h"

struct known_file;

/* NULL with errno: it is not there, or no plain file. `path` must live as long. */
struct known_file *known_file_open(const char *path);

/* The keys that it holds for `name` (known_name()); valid until the next question. */
const struct known *known_file_ask(struct known_file *file, const char *name);

void known_file_close(struct known_file *file); /* NULL is fine */

#endif
