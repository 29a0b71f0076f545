#include "drive/tell.h"

#include <stdio.h>
#include <string.h>

int64_t now_of(const struct session *session)
{
	return clock_ns(CLOCK_MONOTONIC) + session->clock_offset_ns;
}

void tell_event_at(struct session *session, int64_t time_ns, struct event event)
{
	event.time_ns = time_ns;
	run_event(session->run, &event);
	plan_event(session->plan, &event);
}

void tell_event(struct session *session, struct event event)
{
	tell_event_at(session, now_of(session), event);
}

static bool is_told(const struct run *run, const char *limit)
{
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].kind == EVENT_LIMIT && strcmp(run->events[i].text, limit) == 0)
			return true;
	return false;
}

void tell_limit(struct session *session, const char *what, const char *why)
{
	char text[256];
	snprintf(text, sizeof(text), "%s: %s", what, why);
	if (!is_told(session->run, text))
		tell_event(session, (struct event){ .kind = EVENT_LIMIT, .text = text });
}

void tell_shortage(struct session *session, enum asked asked, const char *what, int error)
{
	if (is_shortage(asked, error))
		tell_limit(session, what, strerror(error));
}
