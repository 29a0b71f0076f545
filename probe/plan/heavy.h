/* heavy: what --deep adds where all SYNs meet silence: fragments, bare ACKs, SYNs without
 * options, to the SSH port and to one that answers. Used by plan.c. */
#ifndef PLAN_HEAVY_H
#define PLAN_HEAVY_H

#include "plan/state.h"

/* Whether the heavier tests have told what they can, or are not needed; begins them. */
bool heavy_settled(struct plan *plan, const struct moment *moment);

#endif
