/* What routers are called, and what their names say of where they stand. */
#include <string.h>
#include <strings.h>

#include "observe/path.h"

const char *hop_name(const struct run *run, const struct address *hop)
{
	for (size_t i = 0; i < run->event_count; i++) {
		const struct event *event = &run->events[i];
		if (event->kind != EVENT_NAME || event->detail == NULL)
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
