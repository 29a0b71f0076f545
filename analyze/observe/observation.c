#include "observe/observation.h"

#include <stdio.h>
#include <string.h>

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

void fact_forget(struct observation *o, enum question question)
{
	o->facts->fact[question] = (struct fact){ .answer = ANSWER_NONE };
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

void path_packets(struct fact *fact, const struct path *path)
{
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX; ttl++)
		if (path->hop[ttl].reply != REPLY_NONE)
			fact_packet(fact, path->hop[ttl].reply_frame);
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

const struct event *find_event_of(const struct run *run, enum event_kind kind, uint16_t local_port)
{
	const struct event *event;
	for (size_t i = 0; (event = find_event(run, kind, &i)) != NULL;)
		if (event->local_port == local_port)
			return event;
	return NULL;
}

bool capture_lost_frames(const struct run *run)
{
	const struct event *event;
	if (run->frames_kept.refused > 0) /* what a run had no room for is told at its end */
		return true;
	for (size_t i = 0; (event = find_event(run, EVENT_CAPTURE, &i)) != NULL;)
		if (event->value > 0)
			return true;
	return false;
}

const struct sent *opening(const struct exchange *kernel)
{
	for (unsigned i = 0; i < kernel->sent_count; i++)
		if (!kernel->sent[i].data && kernel->sent[i].reply == REPLY_SYN_ACK)
			return &kernel->sent[i];
	return &kernel->sent[0];
}

bool on_the_way(const struct run *run)
{
	return !run->planned && (run->vantage == VANTAGE_VM || run->vantage == VANTAGE_UNKNOWN);
}

bool at_the_vm(const struct run *run)
{
	return !run->planned && run->vantage == VANTAGE_VM;
}

bool connects(const struct observation *o)
{
	return o->kernel != NULL && fact_answer(o->facts, QUESTION_OUT) != ANSWER_OUT_DIVERTED &&
	       fact_answer(o->facts, QUESTION_IN) != ANSWER_IN_IGNORED;
}

bool converses(const struct observation *o)
{
	return connects(o) && o->kernel->connection != NULL &&
	       (o->kernel->connection->established || !on_the_way(o->run));
}

const char *setting_quoted(const struct observation *o, const char *keyword)
{
	const struct event *event;
	for (size_t i = 0; (event = find_event(o->run, EVENT_SETTING, &i)) != NULL;)
		if (strcmp(event->detail, keyword) == 0)
			return arena_format(o->arena, " (%s)", event->text);
	return "";
}
