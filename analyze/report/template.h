/* template: the guide's texts and commands with what is known filled in. */
#ifndef REPORT_TEMPLATE_H
#define REPORT_TEMPLATE_H

#include "sshwhy/arena.h"
#include "sshwhy/explain.h"

/* `template` with every {name} replaced, in `arena`. With a `shell` values are quoted
 * for it; without, the text is prose and they stand as they are. What is not known,
 * or cannot be an honest value (control characters, a leading '-' that would make it
 * an option), stays readable: <vm-name>. NULL `values`: nothing is known. */
const char *template_fill(struct arena *arena, const char *template, const char *shell,
			  const struct explain_values *values);

#endif
