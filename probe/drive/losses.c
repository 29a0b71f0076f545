#include "drive/losses.h"

#include <stdio.h>

/* EVENT_CAPTURE: what a capture has lost since this was last asked, perhaps nothing. */
static struct event losses_since(struct session *session, size_t capture, int64_t now_ns)
{
	uint64_t all = capture_dropped(session->wire->capture[capture]);
	uint64_t since = all - session->dropped[capture];
	session->dropped[capture] = all;
	return (struct event){ .kind = EVENT_CAPTURE,
			       .time_ns = now_ns,
			       .value = (int64_t)since,
			       .text = session->run->interfaces[capture].name };
}

void losses_forget(struct session *session)
{
	for (size_t i = 0; i < session->wire->capture_count; i++)
		(void)losses_since(session, i, 0);
}

void losses_tell_new(struct session *session, int64_t now_ns)
{
	for (size_t i = 0; i < session->wire->capture_count; i++) {
		struct event event = losses_since(session, i, now_ns);
		if (event.value == 0)
			continue;
		run_event(session->run, &event);
		plan_event(session->plan, &event);
	}
}

static uint64_t all_lost(const struct run *run)
{
	int64_t sum = 0;
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].kind == EVENT_CAPTURE)
			sum += run->events[i].value;
	return (uint64_t)sum;
}

static void tell_of_drops(struct session *session, int64_t now_ns)
{
	char text[128];
	for (size_t i = 0; i < session->wire->capture_count; i++) {
		struct event event = losses_since(session, i, now_ns);
		run_event(session->run, &event);
	}
	uint64_t lost = all_lost(session->run);
	if (lost == 0)
		return;
	snprintf(text, sizeof(text),
		 "silence: the capture was overrun and lost %llu frames, so that it proves nothing",
		 (unsigned long long)lost);
	run_event(session->run,
		  &(struct event){ .kind = EVENT_LIMIT, .time_ns = now_ns, .text = text });
}

static void tell_of_strays(struct session *session, int64_t now_ns)
{
	for (int kind = 0; kind < STRAYS; kind++) {
		struct event event = stray_event(plan_strays(session->plan), (enum stray)kind);
		event.time_ns = now_ns;
		if (event.value > 0)
			run_event(session->run, &event);
	}
}

void losses_tell(struct session *session, int64_t now_ns)
{
	tell_of_drops(session, now_ns);
	tell_of_strays(session, now_ns);
}
