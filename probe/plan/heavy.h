/* heavy: what --deep adds where all SYNs meet silence: fragments, bare ACKs, SYNs without
 * options, to the SSH port and to one that answers. Used by plan.c. */
#ifndef PLAN_HEAVY_H
#define PLAN_HEAVY_H

#include "plan/state.h"

/* They are wanted, and nothing else explains the silence: begins them. */
bool heavy_is_due(const struct plan *plan, const struct moment *moment);
void heavy_begin(struct plan *plan, const struct moment *moment);

/* A reset has come for an ACK: asks from how far away. */
bool heavy_ack_is_due(const struct plan *plan, const struct moment *moment);
void heavy_sweep_ack(struct plan *plan, const struct moment *moment);

/* They have begun, and have not yet told what they can. */
bool heavy_is_awaited(const struct plan *plan, const struct moment *moment);

#endif
