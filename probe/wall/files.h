/* files: which files this process may open from now on (landlock; where the kernel lacks it, all
 * that its user may). */
#ifndef PROBE_WALL_FILES_H
#define PROBE_WALL_FILES_H

#include <stddef.h>

#include "sshwhy/error.h"

/* Whether the kernel can close any. */
bool files_can_close(void);

/* None but these, for reading; NULL among them is none. Nor may TCP ports be bound or connected.
 * Needs no_new_privs. Of a process with several threads it holds for the calling one. */
bool files_close(const char *const *readable, size_t count, struct error *error);

#endif
