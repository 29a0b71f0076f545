#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "route/neighbour.h"
#include "route/netlink.h"

/* NTF_USE: as if a packet wanted to go there. The entry is an ordinary one of the
 * neighbour cache and ages like it. One that is there already is left alone: the kernel would
 * forget it, a permanent one too, and what may be at fault would be mended unseen. */
bool neighbour_ask(const struct route *route)
{
	struct netlink_request request;
	struct netlink_reply reply;
	bool six = route->next_hop.family == 6;
	struct ndmsg head = { .ndm_family = six ? AF_INET6 : AF_INET,
			      .ndm_ifindex = (int)route->index,
			      .ndm_flags = NTF_USE };
	struct nlmsghdr *header = (struct nlmsghdr *)request.bytes;

	if (!route->has_link_address || neighbour_present(route))
		return true;
	netlink_begin(&request, RTM_NEWNEIGH, &head, sizeof(head));
	header->nlmsg_flags |= NLM_F_ACK | NLM_F_CREATE;
	netlink_attribute(&request, NDA_DST, route->next_hop.bytes, six ? 16 : 4);
	return netlink_ask(&request, &reply, NULL) && reply.error == 0;
}
