#include "sshwhy/run.h"

#include <string.h>
#include <strings.h>

/* A row left out is found by unit/test_run. */
const char *const vantage_names[VANTAGES] = {
	[VANTAGE_CLIENT] = "client",
	[VANTAGE_INTERNET] = "internet",
	[VANTAGE_VNET] = "vnet",
	[VANTAGE_VM] = "vm",
};
const char *const deployment_names[DEPLOYMENTS] = {
	[DEPLOYMENT_UNKNOWN] = "unknown",
	[DEPLOYMENT_ARM] = "arm",
	[DEPLOYMENT_CLASSIC] = "classic",
};
const char *const path_kind_names[PATH_KINDS] = {
	[PATH_INTERNET] = "internet",
	[PATH_VPN] = "vpn",
	[PATH_EXPRESSROUTE] = "expressroute",
};
const char *const way_names[WAYS] = {
	[WAY_UNKNOWN] = "unknown",
	[WAY_KERNEL] = "kernel",
	[WAY_RAW] = "raw",
	[WAY_LINK] = "link-layer",
};
const char *const purpose_names[PURPOSES] = {
	[PURPOSE_NONE] = "none",	   [PURPOSE_SSH] = "ssh",
	[PURPOSE_SWEEP] = "sweep",	   [PURPOSE_CONTROL] = "control",
	[PURPOSE_ELSEWHERE] = "elsewhere", [PURPOSE_INSESSION] = "in-session",
	[PURPOSE_SMALL] = "small",	   [PURPOSE_REFERENCE] = "reference",
	[PURPOSE_FRAGMENT] = "fragment",   [PURPOSE_ACK] = "ack",
	[PURPOSE_PLAIN] = "plain",	   [PURPOSE_UNMARKED] = "unmarked",
	[PURPOSE_OPINION] = "opinion",
};

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);
	return a > b && strcasecmp(text + a - b, end) == 0;
}

enum deployment deployment_of(const char *host)
{
	if (ends_with(host, ".cloudapp.net"))
		return DEPLOYMENT_CLASSIC;
	return ends_with(host, ".cloudapp.azure.com") ? DEPLOYMENT_ARM : DEPLOYMENT_UNKNOWN;
}

const char *run_name(const struct run *run)
{
	if (run->via != NULL)
		return run->via;
	return run->hostname != NULL ? run->hostname : run->host;
}

static size_t text_length(const char *text)
{
	return text != NULL ? strnlen(text, EVENT_TEXT_MAX) : 0;
}

static void add_event(struct run *run, const struct event *event)
{
	struct event *events =
		arena_grow(&run->arena, (void *)run->events, run->event_count, sizeof(*events));
	struct event *copy = &events[run->event_count++];
	*copy = *event;
	copy->text = arena_copy(&run->arena, event->text, text_length(event->text));
	copy->detail = arena_copy(&run->arena, event->detail, text_length(event->detail));
	run->events = events;
}

void run_event(struct run *run, const struct event *event)
{
	size_t size = ARENA_COPIES * sizeof(*event) + text_length(event->text) +
		      text_length(event->detail);
	if (budget_spend(&run->events_kept, size, RUN_EVENTS_MOST))
		add_event(run, event);
}

static size_t frame_size(const struct frame *frame)
{
	return ARENA_COPIES * sizeof(*frame) + frame->captured;
}

bool run_has_room(struct run *run, const struct frame *frame)
{
	return budget_allows(&run->frames_kept, frame_size(frame), RUN_FRAMES_MOST);
}

bool run_frame(struct run *run, const struct frame *frame)
{
	if (!budget_spend(&run->frames_kept, frame_size(frame), RUN_FRAMES_MOST))
		return false;
	struct frame *frames =
		arena_grow(&run->arena, (void *)run->frames, run->frame_count, sizeof(*frames));
	struct frame *copy = &frames[run->frame_count++];
	*copy = *frame;
	copy->bytes = (const uint8_t *)arena_copy(&run->arena, frame->bytes, frame->captured);
	copy->number = run->frame_count;
	run->frames = frames;
	return true;
}

void run_tell_refused(struct run *run)
{
	uint64_t refused = run->frames_kept.refused + run->events_kept.refused;
	if (refused == 0)
		return;
	struct event limit = {
		.kind = EVENT_LIMIT,
		.time_ns = run->stopped_ns,
		.text = arena_format(&run->arena,
				     "what came when the run was full (%zu frames and %zu events; "
				     "%llu more): silence proves nothing",
				     run->frame_count, run->event_count,
				     (unsigned long long)refused),
	};
	add_event(run, &limit);
	add_event(run, &(struct event){ .kind = EVENT_CAPTURE,
					.time_ns = run->stopped_ns,
					.value = (int64_t)refused });
}

void run_free(struct run *run)
{
	arena_free(&run->arena);
	memset(run, 0, sizeof(*run));
}
