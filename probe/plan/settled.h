/* settled: what is known well enough, of each thing that the plan asks. Reads, and changes
 * nothing. Used by plan.c and heavy.c. */
#ifndef PLAN_SETTLED_H
#define PLAN_SETTLED_H

#include "plan/state.h"

/* What this machine itself does with the connection. */
bool machine_settled(const struct plan *plan, const struct moment *moment);

/* Where the answer comes from, and that it was compared with other ports' answers. */
bool place_settled(const struct plan *plan, const struct moment *moment);

/* Whether the reference answers; it is waited for until so long after the start. */
bool reference_settled(const struct plan *plan, const struct moment *moment, int64_t patience_ns);

/* What the kernel's connection and the conversation on it come to. */
bool conversation_settled(const struct plan *plan, const struct moment *moment);

/* SSH answers as it should, with the VM's own key. */
bool all_is_well(const struct moment *moment);

/* One cause is so probable that nothing more need be asked. */
bool is_confident(const struct plan *plan, const struct moment *moment);

#endif
