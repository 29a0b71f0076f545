/* opinion: the same conversation once more, by the person's own ssh.
 *
 * What it says is larger than what the library says, and named otherwise: a way that lets the
 * library pass may not let ssh pass. Where the library comes through, ssh's is the conversation
 * that is judged and waited for (track_judged()). Used by plan.c. */
#ifndef PLAN_OPINION_H
#define PLAN_OPINION_H

#include "plan/state.h"

bool opinion_is_wanted(const struct plan *plan, const struct moment *moment);
void opinion_begin(struct plan *plan, const struct moment *moment);

/* Whether a packet of this exchange may have made it wanted. */
bool opinion_is_due(const struct plan *plan, const struct exchange *exchange);

/* Whether a packet of this exchange has made it clear that ssh comes through; true once. */
bool opinion_is_heard(struct plan *plan, const struct exchange *exchange);

#endif
