#include "craft/craft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "craft/sender.h"
#include "craft/shape.h"

struct craft {
	struct sender *sender;
	struct address source, target;
	struct sockaddr_storage name; /* the target's, for the raw way */
	socklen_t name_length;
	struct sockaddr_ll next_hop;
	bool addressed; /* next_hop holds all that the link layer needs */
	bool martian;	/* the kernel would drop our frames unread */
	uint16_t mss;	/* what the route's MTU leaves */
};

static uint16_t default_mss(const struct route *route, bool six)
{
	uint32_t headers = six ? 60 : 40;
	uint32_t mtu = route->mtu > headers ? route->mtu : 1500;

	return (uint16_t)(mtu - headers < UINT16_MAX ? mtu - headers : UINT16_MAX);
}

static void set_target(struct craft *craft, const struct address *target, const struct route *route)
{
	bool six = target->family == 6;

	craft->target = *target;
	craft->source = route->source;
	craft->mss = default_mss(route, six);
	/* port 0: a raw IPv6 socket takes another number for a protocol and refuses it */
	craft->name_length = address_to_sockaddr(target, 0, route->scope, &craft->name);
	craft->next_hop = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = htons(six ? ETH_P_IPV6 : ETH_P_IP),
		.sll_ifindex = (int)route->index,
		.sll_hatype = route->hardware,
	};
	craft->addressed = !route->has_link_address;
	/* A frame put on lo comes in as from a wire, and IPv4 drops what arrives from a wire
	 * with an own source. That silence must not look like an answer. */
	craft->martian = route->local && !six;
}

struct craft *craft_share(struct sender *sender, const struct address *target,
			  const struct route *route, struct error *error)
{
	struct craft *craft;

	if (target->family == 0 || route->source.family != target->family) {
		error_set(error, EXIT_UNAVAILABLE, "no source address for the target");
		return NULL;
	}
	craft = calloc(1, sizeof(*craft));
	if (craft == NULL) {
		error_set(error, EXIT_UNAVAILABLE, "craft: out of memory");
		return NULL;
	}
	craft->sender = sender;
	set_target(craft, target, route);
	return craft;
}

void craft_close(struct craft *craft)
{
	free(craft);
}

void craft_link_address(struct craft *craft, const uint8_t *bytes, size_t length)
{
	if (length > sizeof(craft->next_hop.sll_addr))
		return;
	if (length != 0)
		memcpy(craft->next_hop.sll_addr, bytes, length);
	craft->next_hop.sll_halen = (unsigned char)length;
	craft->addressed = true;
}

static int send_link(const struct craft *craft, const uint8_t *packet, size_t length)
{
	if (craft->martian)
		return EOPNOTSUPP;
	if (!craft->addressed)
		return EHOSTUNREACH;
	return sender_link(craft->sender, packet, length, &craft->next_hop);
}

int craft_send(struct craft *craft, enum way way, const struct craft_segment *segment)
{
	uint8_t packet[PACKET_MAX];
	struct craft_segment filled = *segment;
	const struct shape *shapes = sender_shapes(craft->sender, craft->target.family);

	if (filled.mss == 0)
		filled.mss = craft->mss;
	size_t length = shape_fill(&shapes[shape_of(&filled)], &craft->source, &craft->target,
				   &filled, packet);
	if (length == 0)
		return EMSGSIZE;
	if (way == WAY_RAW)
		return sender_raw(craft->sender, packet, length, &craft->name, craft->name_length);
	return way == WAY_LINK ? send_link(craft, packet, length) : EINVAL;
}
