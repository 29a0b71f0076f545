#include "sshwhy/run.h"

#include <string.h>

const char *const vantage_names[VANTAGES] = { "client", "internet", "vnet", "vm" };
const char *const deployment_names[DEPLOYMENTS] = { "unknown", "arm", "classic" };
const char *const path_kind_names[PATH_KINDS] = { "internet", "vpn", "expressroute" };
const char *const way_names[WAYS] = { "unknown", "kernel", "raw", "link-layer" };
const char *const purpose_names[PURPOSES] = { "none",	   "ssh",	 "sweep", "control",
					      "elsewhere", "in-session", "small", "reference",
					      "fragment",  "ack",	 "plain" };
const char *const event_names[EVENTS] = {
	"resolved", "route",	 "neighbour", "open",  "connect",  "refused", "ssh",   "host-key",
	"kex",	    "auth",	 "capture",   "limit", "rules",	   "rule",    "owner", "config",
	"mode",	    "reference", "place",     "name",  "listener", "local",
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
