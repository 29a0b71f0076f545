/* template: the guide's texts and commands with what is known filled in; used by guide.c, and by
 * next.c of reason/. */
#ifndef GUIDE_TEMPLATE_H
#define GUIDE_TEMPLATE_H

#include "sshwhy/arena.h"
#include "sshwhy/guide.h"

/* `template` with every {name} replaced, in `arena`. With a `shell` values are quoted
 * for it; with SHELL_NONE, the text is prose and they stand as they are. What is not known,
 * or cannot be an honest value (control characters, a leading '-' that would make it
 * an option), stays readable: <vm-name>. NULL `values`: nothing is known. */
const char *template_fill(struct arena *arena, const char *template, enum shell shell,
			  const struct guide_values *values);

#endif
