/* neighbour: the next hop's link-layer address; looked up by the loop, for crafted frames. */
#ifndef PROBE_ROUTE_NEIGHBOUR_H
#define PROBE_ROUTE_NEIGHBOUR_H

#include "route/route.h"

enum neighbour {
	NEIGHBOUR_KNOWN,   /* bytes and length are filled */
	NEIGHBOUR_ASKED,   /* and not answered yet */
	NEIGHBOUR_SILENT,  /* asked, and not answered */
	NEIGHBOUR_UNASKED, /* nobody asks for it, or that cannot be found out */
};

/* The next hop's link-layer address from the kernel's neighbour table. Never sends. */
enum neighbour neighbour_lookup(struct netlink *netlink, const struct route *route,
				uint8_t link_address[8], size_t *length);

/* Has the kernel ask for it (ARP or neighbour discovery) although no packet of its own
 * may get so far. Needs CAP_NET_ADMIN; false without. */
bool neighbour_ask(struct netlink *netlink, const struct route *route);

#endif
