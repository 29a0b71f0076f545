#include "route/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "route/netlink.h"

enum { KNOWN = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP };

struct neighbour_entry {
	uint16_t state; /* NUD_* */
	uint8_t link_address[8];
	size_t length; /* of the address; 0: none is told */
};

static void begin_request(union netlink_request *request, uint16_t type, uint16_t flags,
			  const struct route *route, uint8_t head_flags)
{
	struct ndmsg head = { .ndm_family = route->next_hop.family == 6 ? AF_INET6 : AF_INET,
			      .ndm_ifindex = (int)route->index,
			      .ndm_flags = head_flags };

	netlink_begin(request, type, flags, &head, sizeof(head));
	netlink_put_address(request, NDA_DST, &route->next_hop);
}

static int take_attribute(const struct nlattr *attribute, void *context)
{
	struct neighbour_entry *entry = context;
	size_t length = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) == NDA_LLADDR && length <= sizeof(entry->link_address)) {
		entry->length = length;
		netlink_value(attribute, entry->link_address, length);
	}
	return MNL_CB_OK;
}

static int take_entry(const struct nlmsghdr *message, void *context)
{
	struct neighbour_entry *entry = context;
	const struct ndmsg *head = netlink_body(message, sizeof(*head));

	if (head == NULL)
		return MNL_CB_ERROR;
	entry->state = head->ndm_state;
	return mnl_attr_parse(message, sizeof(*head), take_attribute, entry);
}

/* False when the kernel has no entry (ENOENT: it never asked). */
static bool look_up(struct netlink *netlink, const struct route *route,
		    struct neighbour_entry *entry)
{
	union netlink_request request;
	int refusal;

	memset(entry, 0, sizeof(*entry));
	begin_request(&request, RTM_GETNEIGH, 0, route, 0);
	return netlink_ask(netlink, &request, take_entry, entry, &refusal, NULL) && refusal == 0;
}

/* The kernel's table has an entry for it, which has not failed. */
static bool is_present(struct netlink *netlink, const struct route *route)
{
	struct neighbour_entry entry;

	return look_up(netlink, route, &entry) && (entry.state & NUD_FAILED) == 0;
}

enum neighbour neighbour_lookup(struct netlink *netlink, const struct route *route,
				uint8_t link_address[8], size_t *length)
{
	struct neighbour_entry entry;

	*length = 0;
	memset(link_address, 0, 8);
	if (!route->has_link_address)
		return NEIGHBOUR_KNOWN; /* tunnels and lo: frames go out without one */
	if (!look_up(netlink, route, &entry))
		return NEIGHBOUR_UNASKED;
	if ((entry.state & NUD_FAILED) != 0)
		return NEIGHBOUR_SILENT;
	if ((entry.state & KNOWN) == 0 || entry.length == 0)
		return NEIGHBOUR_ASKED;
	memcpy(link_address, entry.link_address, sizeof(entry.link_address));
	*length = entry.length;
	return NEIGHBOUR_KNOWN;
}

/* NTF_USE: as if a packet wanted to go there. The entry is an ordinary one of the
 * neighbour cache and ages like it. One that is there already is left alone: the kernel would
 * forget it, a permanent one too, and what may be at fault would be mended unseen. */
bool neighbour_ask(struct netlink *netlink, const struct route *route)
{
	union netlink_request request;
	int refusal;

	if (!route->has_link_address || is_present(netlink, route))
		return true;
	begin_request(&request, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE, route, NTF_USE);
	return netlink_ask(netlink, &request, NULL, NULL, &refusal, NULL) && refusal == 0;
}
