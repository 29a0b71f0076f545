/* frame in, packet out: one layer after the other, as each says what it carries. */
#include <string.h>

#include "decode/layers.h"

/* Headers in a packet; VLAN tags count one each. Real stacks (Ethernet, two tags, IP,
 * UDP, VXLAN, Ethernet, IP, GRE, IP, TCP) stay far below. */
#define LAYERS_DEEP 24

static enum layer (*const readers[LAYERS])(struct span *span, struct packet *packet) = {
	[LAYER_CAPTURED_ETHERNET] = read_captured_ethernet,
	[LAYER_SLL] = read_sll,
	[LAYER_SLL2] = read_sll2,
	[LAYER_FAMILY] = read_family,
	[LAYER_RADIOTAP] = read_radiotap,
	[LAYER_AVS] = read_avs,
	[LAYER_PRISM] = read_prism,
	[LAYER_PPI] = read_ppi,
	[LAYER_DOT11] = read_dot11,
	[LAYER_PPP_SERIAL] = read_ppp_serial,
	[LAYER_PPP_DIRECTED] = read_ppp_directed,
	[LAYER_HDLC] = read_hdlc,
	[LAYER_ETHERNET] = read_ethernet,
	[LAYER_VLAN] = read_vlan,
	[LAYER_LLC] = read_llc,
	[LAYER_MPLS] = read_mpls,
	[LAYER_PPP] = read_ppp,
	[LAYER_PPPOE] = read_pppoe,
	[LAYER_IP] = read_ip,
	[LAYER_IP4] = read_ip4,
	[LAYER_IP6] = read_ip6,
	[LAYER_GRE] = read_gre,
	[LAYER_ETHERIP] = read_etherip,
	[LAYER_UDP] = read_udp,
	[LAYER_TCP] = read_tcp,
	[LAYER_ICMP] = read_icmp,
};

/* The header of BSD's loopback is that of its tun devices too (VPNs): only the addresses
 * tell whether a packet left the machine. */
static bool stays_here(const struct packet *packet)
{
	return address_is_loopback(&packet->source) || address_is_loopback(&packet->destination) ||
	       (packet->source.family != 0 && address_equal(&packet->source, &packet->destination));
}

void decode(const struct frame *frame, struct packet *packet)
{
	memset(packet, 0, sizeof(*packet)); /* padding too: packets may be compared whole */
	packet->number = frame->number;
	packet->time_ns = frame->time_ns;
	packet->interface = frame->interface;
	packet->direction = frame->direction;
	packet->wscale = 255;
	packet->end = DECODE_OTHER;

	struct span span = {
		.held = cursor_over(frame->bytes, frame->captured),
		.length = frame->on_wire > frame->captured ? frame->on_wire : frame->captured,
	};
	enum layer layer = layer_of_link(frame->link);
	for (unsigned depth = 0; layer != LAYER_END && depth < LAYERS_DEEP; depth++) {
		packet->end = DECODE_OTHER; /* unless the reader knows better */
		layer = readers[layer](&span, packet);
	}
	if (frame->link == LINK_NULL || frame->link == LINK_LOOP)
		packet->loopback = stays_here(packet);
}
