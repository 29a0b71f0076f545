/* words: what the client has said in its conversation, once more.
 *
 * Copies of segments that the kernel has sent, by the link way and in the kernel's name: some to
 * be heard, where the kernel alone would wait ever longer; others with small TTLs, to see where
 * on the way they stop. Used by plan.c. */
#ifndef PLAN_WORDS_H
#define PLAN_WORDS_H

#include "plan/state.h"

/* Whether another copy should leave; and that copy. */
bool words_are_due(const struct plan *plan, const struct moment *moment);
void words_repeat(struct plan *plan, const struct moment *moment);

/* Whether a pass inside the connection would tell more; and that pass: a copy for each TTL that
 * ends before the VM, and a SYN with each to compare. */
bool words_pass_is_wanted(const struct plan *plan, const struct moment *moment);
void words_begin_pass(struct plan *plan, const struct moment *moment);

#endif
