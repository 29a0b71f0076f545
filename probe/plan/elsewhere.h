/* elsewhere: is SSH on another port than the one that was asked for?
 *
 * The candidates are ports where sshd is moved to as a rule, asked with crafted SYNs; or, on the
 * VM itself, those where somebody is known to listen. Used by plan.c and by sweep.c's passes. */
#ifndef PLAN_ELSEWHERE_H
#define PLAN_ELSEWHERE_H

#include "plan/state.h"

/* Where sshd is moved to as a rule, the likeliest first; 0 behind the last. */
uint16_t elsewhere_usual(unsigned index);

void elsewhere_start(struct plan *plan);

/* Takes in an EVENT_LISTENER. */
void elsewhere_learn(struct plan *plan, const struct event *event);

/* SYNs to the candidates, where the port that was asked for does not accept. */
void elsewhere_ask(struct plan *plan, const struct moment *moment);

/* Whether a candidate is open; connects to those: only a banner says that it is SSH. */
bool elsewhere_is_open(const struct plan *plan, const struct moment *moment);
void elsewhere_connect(struct plan *plan, const struct moment *moment);

/* The last connection to a candidate has not been heard out yet. */
bool elsewhere_is_awaited(const struct plan *plan, const struct moment *moment);

/* Nothing more is to be had about other ports, or nobody asks. */
bool elsewhere_settled(const struct plan *plan, const struct moment *moment);

#endif
