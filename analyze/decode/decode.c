/* frame in, packet out: link, IP, then TCP or ICMP. */
#include <string.h>

#include "decode/layers.h"

static void set_ip(struct packet *packet, const struct ip *ip)
{
	packet->source = ip->source;
	packet->destination = ip->destination;
	packet->protocol = ip->protocol;
	packet->ttl = ip->ttl;
	packet->tos = ip->tos;
	packet->ip_id = ip->id;
	packet->dont_fragment = ip->dont_fragment;
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

static bool decode_ip(struct span *span, unsigned version, struct packet *packet)
{
	struct ip ip = { 0 };
	bool sound = decode_ip_header(span, version, false, &ip, &packet->end);
	if (ip.known)
		set_ip(packet, &ip);
	return sound;
}

static void decode_transport(struct span *span, struct packet *packet)
{
	bool v4 = packet->source.family == 4;

	packet->end = DECODE_OTHER;
	if (packet->oddities & ODD_LATER_FRAGMENT)
		return;
	if (packet->protocol == IP_TCP)
		decode_tcp(span, packet);
	else if (packet->protocol == (v4 ? IP_ICMP : IP_ICMP6))
		decode_icmp(span, packet);
}

void decode(const struct frame *frame, struct packet *packet)
{
	memset(packet, 0, sizeof(*packet)); /* padding too: packets may be compared whole */
	packet->number = frame->number;
	packet->time_ns = frame->time_ns;
	packet->interface = frame->interface;
	packet->direction = frame->direction;
	packet->wscale = 255;

	struct span span = {
		.held = cursor_over(frame->bytes, frame->captured),
		.length = frame->on_wire > frame->captured ? frame->on_wire : frame->captured,
	};
	unsigned version = 0;
	if (!decode_link(frame, &span, packet, &version))
		return;
	if (!decode_ip(&span, version, packet))
		return;
	decode_transport(&span, packet);
}
