#include "plan/agenda.h"

#include <string.h>

bool agenda_empty(const struct agenda *agenda)
{
	return agenda->first == agenda->end;
}

void agenda_clear(struct agenda *agenda)
{
	agenda->first = agenda->end = 0;
}

static void move_to_front(struct agenda *agenda)
{
	agenda->end -= agenda->first;
	memmove(agenda->due, agenda->due + agenda->first, agenda->end * sizeof(*agenda->due));
	agenda->first = 0;
}

/* Of two that are due at the same time, the first that was added is the first to leave. */
void agenda_add(struct agenda *agenda, int64_t due_ns, const struct action *action)
{
	if (agenda->end == AGENDA_MAX && agenda->first > 0)
		move_to_front(agenda);
	if (agenda->end == AGENDA_MAX)
		return; /* never: see AGENDA_MAX */
	size_t at = agenda->end++;
	for (; at > agenda->first && agenda->due[at - 1].due_ns > due_ns; at--)
		agenda->due[at] = agenda->due[at - 1];
	agenda->due[at] = (struct due){ .due_ns = due_ns, .action = *action };
}

int64_t agenda_due(const struct agenda *agenda)
{
	return agenda_empty(agenda) ? INT64_MAX : agenda->due[agenda->first].due_ns;
}

bool agenda_take(struct agenda *agenda, int64_t now_ns, struct action *action)
{
	if (agenda_due(agenda) > now_ns)
		return false;
	*action = agenda->due[agenda->first++].action;
	if (agenda_empty(agenda))
		agenda_clear(agenda);
	return true;
}
