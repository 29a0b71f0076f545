/* What routers are called, and what names and addresses say of where they stand. */
#include <string.h>
#include <strings.h>

#include "observe/name.h"

const char *hop_name(const struct run *run, const struct address *hop)
{
	for (size_t i = 0; i < run->event_count; i++) {
		const struct event *event = &run->events[i];
		if (event->kind != EVENT_NAME || event->detail[0] == '\0')
			continue;
		struct address named = address_parse(event->text);
		if (address_equal(&named, hop))
			return event->detail;
	}
	return NULL;
}

/* Microsoft's routers answer to INTERFACE.ROLE.SITE.ntwk.msn.net. A name proves nothing:
 * whoever holds the address block says what it is called. It is believed of what no address
 * tells. */
bool name_is_of_cloud(const char *name)
{
	static const char suffix[] = ".ntwk.msn.net";
	size_t length = name != NULL ? strlen(name) : 0;
	return length >= sizeof(suffix) &&
	       strcasecmp(name + length - (sizeof(suffix) - 1), suffix) == 0;
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
	return name_is_of_cloud(hop_name(run, hop));
}
