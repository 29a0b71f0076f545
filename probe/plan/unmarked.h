/* unmarked: does what ssh marks its packets with (DSCP, ECN) keep its SYNs from passing?
 *
 * Where the marked ones meet silence or a refusal, some without marks go to the SSH port, from a
 * local port of their own: in each pass after the first, and at once after a refusal. Used by
 * plan.c and by sweep.c's passes. */
#ifndef PLAN_UNMARKED_H
#define PLAN_UNMARKED_H

#include "plan/state.h"

/* Marked SYNs have drawn no SYN-ACK so far. */
bool unmarked_is_wanted(const struct plan *plan, const struct moment *moment);

/* They are refused, and none without marks has been sent. */
bool unmarked_is_due(const struct plan *plan, const struct moment *moment);
void unmarked_ask(struct plan *plan, const struct moment *moment);

bool unmarked_settled(const struct plan *plan, const struct moment *moment);

#endif
