/* small: the same conversation once more, with small segments.
 *
 * Where it stops although bytes are acknowledged, this tells whether it is their size that stops
 * them. Used by plan.c. */
#ifndef PLAN_SMALL_H
#define PLAN_SMALL_H

#include "plan/state.h"

bool small_is_wanted(const struct plan *plan, const struct moment *moment);
void small_begin(struct plan *plan, const struct moment *moment);

/* It has begun, and has neither ended nor had the time that it needs. */
bool small_is_awaited(const struct plan *plan, const struct moment *moment);

#endif
