#include "drive/hop.h"

#include <errno.h>

#include "drive/tell.h"
#include "route/neighbour.h"

struct next_hop {
	enum { NEXT_HOP_AWAITED, NEXT_HOP_KNOWN, NEXT_HOP_SILENT, NEXT_HOP_UNTOLD } state;
	uint8_t bytes[8]; /* its link-layer address */
	size_t length;
};

static struct next_hop find_next_hop(const struct session *session, const struct route *route)
{
	struct next_hop hop = { .state = NEXT_HOP_AWAITED };
	enum neighbour known = neighbour_lookup(session->netlink, route, hop.bytes, &hop.length);
	bool late = now_of(session) - session->run->started_ns > NEIGHBOUR_PATIENCE;
	if (known == NEIGHBOUR_KNOWN)
		hop.state = NEXT_HOP_KNOWN;
	else if (known == NEIGHBOUR_SILENT || (known == NEIGHBOUR_ASKED && late))
		hop.state = NEXT_HOP_SILENT;
	else if (late)
		hop.state = NEXT_HOP_UNTOLD;
	return hop;
}

void look_at_next_hop(struct session *session)
{
	char text[ADDRESS_TEXT];
	if (session->next_hop_settled)
		return;
	struct next_hop hop = find_next_hop(session, &session->route);
	if (hop.state == NEXT_HOP_AWAITED)
		return;
	session->next_hop_settled = true;
	if (hop.state == NEXT_HOP_UNTOLD) {
		tell_limit(session, "the next hop's address", "the kernel does not tell it");
		return;
	}
	if (hop.state == NEXT_HOP_KNOWN && session->crafts)
		courier_tell_next_hop(session->courier, session->index, hop.bytes, hop.length);
	tell_event(session, (struct event){ .kind = EVENT_NEIGHBOUR,
					    .error = hop.state == NEXT_HOP_KNOWN ? 0 : EHOSTUNREACH,
					    .value = session->route.on_link &&
						     session->route.has_link_address,
					    .text = address_text(&session->route.next_hop, text) });
}

void look_at_reference_hop(struct session *session)
{
	char text[ADDRESS_TEXT];
	const struct reference *reference = &session->reference;
	if (session->reference_hop_settled || reference->address.family == 0 ||
	    session->reference_route.error != 0)
		return;
	struct next_hop hop = find_next_hop(session, &session->reference_route);
	if (hop.state == NEXT_HOP_AWAITED)
		return;
	session->reference_hop_settled = true;
	if (hop.state == NEXT_HOP_UNTOLD) {
		tell_limit(session, "the reference's next hop", "the kernel does not tell it");
		return;
	}
	tell_event(session, (struct event){ .kind = EVENT_REFERENCE,
					    .remote_port = reference->port,
					    .error = hop.state == NEXT_HOP_KNOWN ? 0 : EHOSTUNREACH,
					    .text = address_text(&reference->address, text),
					    .detail = reference->host });
}
