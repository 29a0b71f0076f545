/* The IP layer of a packet: its own fields, and what it carries. */
#include "decode/layers.h"

enum {
	PROTOCOL_IP4 = 4,  /* RFC 2003, RFC 2473 */
	PROTOCOL_IP6 = 41, /* RFC 4213 (6in4), RFC 2473 */
	PROTOCOL_GRE = 47,
	PROTOCOL_ETHERIP = 97,
	PROTOCOL_MPLS = 137, /* RFC 4023 */
};

/* Whatever was said of a tunnel's header is said anew of what it carries. */
static void set_ip(struct packet *packet, const struct ip *ip)
{
	packet->source = ip->source;
	packet->destination = ip->destination;
	packet->protocol = ip->protocol;
	packet->ttl = ip->ttl;
	packet->tos = ip->tos;
	packet->ip_id = ip->id;
	packet->dont_fragment = ip->dont_fragment;
	packet->oddities = 0;
	if (ip->options)
		packet->oddities |= ODD_IP_OPTIONS;
	if (ip->zero_length)
		packet->oddities |= ODD_ZERO_TOTAL_LENGTH;
	if (ip->trailer)
		packet->oddities |= ODD_TRAILER;
	if (ip->fragment_offset > 0)
		packet->oddities |= ODD_LATER_FRAGMENT;
	else if (ip->more_fragments)
		packet->oddities |= ODD_FIRST_FRAGMENT;
}

static enum layer tunnel_of(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_IP4:
		return LAYER_IP4;
	case PROTOCOL_IP6:
		return LAYER_IP6;
	case PROTOCOL_GRE:
		return LAYER_GRE;
	case PROTOCOL_ETHERIP:
		return LAYER_ETHERIP;
	case PROTOCOL_MPLS:
		return LAYER_MPLS;
	case IP_UDP:
		return LAYER_UDP;
	default:
		return LAYER_END;
	}
}

static enum layer carried(struct span *span, struct packet *packet)
{
	if (packet->oddities & ODD_LATER_FRAGMENT)
		return LAYER_END;
	if (packet->protocol == IP_TCP)
		return LAYER_TCP;
	if (packet->protocol == (packet->source.family == 4 ? IP_ICMP : IP_ICMP6))
		return LAYER_ICMP;
	enum layer tunnel = tunnel_of(packet->protocol);
	if (tunnel != LAYER_END && packet->oddities & ODD_FIRST_FRAGMENT)
		span_open(span);
	return tunnel;
}

static enum layer read_version(struct span *span, unsigned version, struct packet *packet)
{
	struct ip ip = { 0 };
	bool sound = decode_ip_header(span, version, false, &ip, &packet->end);
	if (ip.known)
		set_ip(packet, &ip);
	return sound ? carried(span, packet) : LAYER_END;
}

enum layer read_ip(struct span *span, struct packet *packet)
{
	return read_version(span, 0, packet);
}

enum layer read_ip4(struct span *span, struct packet *packet)
{
	return read_version(span, 4, packet);
}

enum layer read_ip6(struct span *span, struct packet *packet)
{
	return read_version(span, 6, packet);
}
