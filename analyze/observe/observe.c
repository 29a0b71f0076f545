#include "observe/observation.h"

#include <stdio.h>
#include <string.h>

#include "observe/path.h"

struct fact *fact_set(struct observation *o, enum answer answer, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	struct fact *fact = &o->facts->fact[answer_question(answer)];
	fact->answer = answer;
	fact->text = arena_string(o->arena, text);
	return fact;
}

void fact_packet(struct fact *fact, uint64_t frame)
{
	if (frame == 0 || fact->packet_count == FACT_PACKETS_MAX)
		return;
	for (size_t i = 0; i < fact->packet_count; i++)
		if (fact->packets[i] == frame)
			return;
	fact->packets[fact->packet_count++] = frame;
}

void fact_accident(struct fact *fact, enum answer instead, double chance)
{
	fact->instead = instead;
	fact->accident = chance < 1 ? chance : 1;
}

const struct event *find_event(const struct run *run, enum event_kind kind, size_t *index)
{
	while (*index < run->event_count) {
		const struct event *event = &run->events[(*index)++];
		if (event->kind == kind)
			return event;
	}
	return NULL;
}

static bool frames_lost(const struct run *run)
{
	const struct event *event;
	for (size_t i = 0; (event = find_event(run, EVENT_CAPTURE, &i)) != NULL;)
		if (event->value > 0)
			return true;
	return false;
}

/* The kernel's own connection; in somebody else's capture the last attempt. */
static const struct exchange *kernel_exchange(const struct track *track)
{
	const struct exchange *exchange, *last = NULL;
	for (size_t i = 0; (exchange = track_next(track, PURPOSE_SSH, &i)) != NULL;)
		if (exchange->way == WAY_KERNEL || exchange->way == WAY_UNKNOWN)
			last = exchange;
	return last;
}

void observe(const struct track *track, int64_t now_ns, struct arena *arena, struct facts *facts)
{
	memset(facts->fact, 0, sizeof(facts->fact));
	struct observation observation = {
		.track = track,
		.run = track->run,
		.arena = arena,
		.facts = facts,
		.now_ns = now_ns,
		.kernel = kernel_exchange(track),
		.has_edge = path_has_edge(track->run),
		.target_inside = path_inside(track->run, &track->run->address),
		/* somebody else's capture is of what it shows */
		.wire_is_loopback =
			!track->run->planned ||
			(track->run->interface != NULL && strcmp(track->run->interface, "lo") == 0),
		.frames_lost = frames_lost(track->run),
	};
	paths_build(track, now_ns, &facts->paths);
	observe_machine(&observation);
	observe_answers(&observation);
	observe_conversation(&observation);
	observe_answerer_passively(&observation);
	observe_files(&observation);
	observe_reference(&observation);
	observe_deep(&observation);
	observe_quotes(&observation);
}
