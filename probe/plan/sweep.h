/* sweep: SYNs with TTL 1, 2, ... to the SSH port and to the control ports, in passes.
 *
 * Used by plan.c, which decides when a pass begins, and by heavy.c. */
#ifndef PLAN_SWEEP_H
#define PLAN_SWEEP_H

#include "plan/state.h"

/* Begins a pass: the SSH port and the first control at every TTL, SYNs that are to arrive, and
 * those to ports where SSH may be instead. */
void sweep_begin_pass(struct plan *plan, const struct moment *moment);

/* Whether a further control is known to answer, and not yet from how far away: asks that. */
bool sweep_control_is_unmeasured(const struct plan *plan, const struct moment *moment);
void sweep_measure_controls(struct plan *plan, const struct moment *moment);

/* The greatest TTL that is worth asking. */
uint8_t sweep_end(const struct plan *plan, const struct moment *moment);

/* A control port that answers; 0: none does, as far as is known. */
uint16_t sweep_answering_control(const struct plan *plan);

/* Whether a due action is a SYN of a sweep whose end has been found meanwhile. */
bool sweep_is_over(const struct plan *plan, const struct action *action);

/* When a due action may leave: now, or later where the driver is late with a sweep. SYNs that
 * leave in a burst may overtake each other, and then the first to arrive is taken for the one
 * with the smallest TTL. */
int64_t sweep_departure(const struct plan *plan, int64_t now_ns, const struct action *action);

/* The action leaves now. */
void sweep_note_departure(struct plan *plan, int64_t now_ns, const struct action *action);

#endif
