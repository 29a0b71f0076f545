/* agenda: actions that wait for their time. The files of the plan add them, plan_next() takes
 * them out. */
#ifndef PLAN_AGENDA_H
#define PLAN_AGENDA_H

#include "plan/plan.h"

#define AGENDA_MAX 512 /* a pass is 7 sweeps at most, and none begins before the last has left */

struct agenda {
	struct due {
		int64_t due_ns;
		struct action action;
	} due[AGENDA_MAX]; /* in order of time, from `first` to before `end` */
	size_t first, end;
};

void agenda_add(struct agenda *agenda, int64_t due_ns, const struct action *action);
bool agenda_empty(const struct agenda *agenda);
void agenda_clear(struct agenda *agenda);

/* When the first action is due; INT64_MAX: there is none. */
int64_t agenda_due(const struct agenda *agenda);

/* Takes the first action out, if it is due. */
bool agenda_take(struct agenda *agenda, int64_t now_ns, struct action *action);

#endif
