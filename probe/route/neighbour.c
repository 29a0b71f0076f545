#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "route/neighbour.h"
#include "route/netlink.h"

enum { KNOWN = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP };

static bool ask(const struct route *route, struct netlink_reply *reply)
{
	struct netlink_request request;
	bool six = route->next_hop.family == 6;
	struct ndmsg head = { .ndm_family = six ? AF_INET6 : AF_INET,
			      .ndm_ifindex = (int)route->index };

	netlink_begin(&request, RTM_GETNEIGH, &head, sizeof(head));
	netlink_attribute(&request, NDA_DST, route->next_hop.bytes, six ? 16 : 4);
	/* ENOENT: never asked for; then the kernel has nothing to say */
	return netlink_ask(&request, reply, NULL) && reply->error == 0;
}

static bool link_address_in(struct cursor body, uint8_t link_address[8], size_t *length)
{
	uint16_t type;
	struct cursor value;

	while (netlink_next(&body, &type, &value)) {
		if (type != NDA_LLADDR || value.left == 0 || value.left > 8)
			continue;
		*length = value.left;
		netlink_value(value, link_address, value.left);
		return true;
	}
	return false;
}

bool neighbour_present(const struct route *route)
{
	struct netlink_reply reply;
	struct ndmsg head;

	if (!ask(route, &reply))
		return false;
	netlink_value(reply.body, &head, sizeof(head));
	return (head.ndm_state & NUD_FAILED) == 0;
}

int neighbour_lookup(const struct route *route, uint8_t link_address[8], size_t *length)
{
	struct netlink_reply reply;
	struct ndmsg head;

	*length = 0;
	memset(link_address, 0, 8);
	if (!route->has_link_address)
		return 1; /* tunnels and lo: frames go out without one */
	if (!ask(route, &reply))
		return 0;
	netlink_value(reply.body, &head, sizeof(head));
	cursor_skip(&reply.body, NLMSG_ALIGN(sizeof(head)));
	if ((head.ndm_state & NUD_FAILED) != 0)
		return -1;
	if ((head.ndm_state & KNOWN) == 0)
		return 0;
	return link_address_in(reply.body, link_address, length) ? 1 : 0;
}
