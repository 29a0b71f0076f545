#include "sshwhy/run.h"

#include <string.h>

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
	[PURPOSE_PLAIN] = "plain",
};

void run_event(struct run *run, const struct event *event)
{
	struct event *events =
		arena_grow(&run->arena, (void *)run->events, run->event_count, sizeof(*events));
	struct event *copy = &events[run->event_count++];
	*copy = *event;
	copy->text = arena_string(&run->arena, event->text != NULL ? event->text : "");
	copy->detail = arena_string(&run->arena, event->detail != NULL ? event->detail : "");
	run->events = events;
}

void run_frame(struct run *run, const struct frame *frame)
{
	struct frame *frames =
		arena_grow(&run->arena, (void *)run->frames, run->frame_count, sizeof(*frames));
	struct frame *copy = &frames[run->frame_count++];
	*copy = *frame;
	copy->bytes = (const uint8_t *)arena_copy(&run->arena, frame->bytes, frame->captured);
	copy->number = run->frame_count;
	run->frames = frames;
}

void run_free(struct run *run)
{
	arena_free(&run->arena);
	memset(run, 0, sizeof(*run));
}
