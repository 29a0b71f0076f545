/* What routers are called, and what names and addresses say of where they stand. */
#include <string.h>
#include <strings.h>

#include "observe/name.h"

static const struct event *name_event(const struct run *run, const struct address *hop)
{
	for (size_t i = 0; i < run->event_count; i++) {
		const struct event *event = &run->events[i];
		if (event->kind != EVENT_NAME || event->detail[0] == '\0')
			continue;
		struct address named = address_parse(event->text);
		if (address_equal(&named, hop))
			return event;
	}
	return NULL;
}

const char *hop_name(const struct run *run, const struct address *hop)
{
	const struct event *event = name_event(run, hop);
	return event != NULL ? event->detail : NULL;
}

/* Microsoft's routers answer to INTERFACE.ROLE.SITE.ntwk.msn.net. */
bool name_is_of_cloud(const char *name)
{
	static const char suffix[] = ".ntwk.msn.net";
	size_t length = name != NULL ? strlen(name) : 0;
	return length >= sizeof(suffix) &&
	       strcasecmp(name + length - (sizeof(suffix) - 1), suffix) == 0;
}

/* Whoever holds an address says what it is called: a name counts that has the address, too. Of a
 * private address name servers of the organisation's own say both. */
static bool is_called_of_cloud(const struct run *run, const struct address *hop)
{
	static const struct address carrier = { .family = 4, .bytes = { 100, 64 } };
	const struct event *event = name_event(run, hop);
	return event != NULL && event->value == 0 && !address_is_private(hop) &&
	       !address_same_prefix(hop, &carrier, 10) && name_is_of_cloud(event->detail);
}

/* The address blocks that routers of Microsoft's network answer from. */
bool hop_is_of_cloud(const struct run *run, const struct address *hop)
{
	static const struct {
		struct address block;
		unsigned bits;
	} blocks[] = {
		{ { .family = 4, .bytes = { 104, 44 } }, 16 },
		{ { .family = 6, .bytes = { 0x26, 0x03, 0x10 } }, 24 },
	};
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (address_same_prefix(hop, &blocks[i].block, blocks[i].bits))
			return true;
	return is_called_of_cloud(run, hop);
}
