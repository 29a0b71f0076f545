/* frame in, packet out: one layer after the other, as each says what it carries. */
#include <string.h>

#include "decode/layers.h"

/* Headers in a packet; VLAN tags count one each. Real stacks (Ethernet, two tags, IP,
 * UDP, VXLAN, Ethernet, IP, GRE, IP, TCP) stay far below. */
#define LAYERS_DEEP 24

static enum layer (*const readers[LAYERS])(struct span *span, struct packet *packet) = {
#define LAYER(id, reader) [LAYER_##id] = reader,
#include "decode/layers.def"
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
