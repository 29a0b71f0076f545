/* explain: the guide (guide.h) as `sshwhy explain` prints it, for people and for scripts; used by
 * that command alone. */
#ifndef SSHWHY_EXPLAIN_H
#define SSHWHY_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "sshwhy/cause.h"

/* `sshwhy explain CAUSE`: source, what it is, how the guide checks it, the fixes. */
void explain_cause(enum cause cause, FILE *out);
/* `sshwhy explain`: every cause, a line each, under its source. */
void explain_list(FILE *out);
bool explain_cause_json(enum cause cause, FILE *out);

#endif
