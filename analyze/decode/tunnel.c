/* What carries packets of its own inside a packet: MPLS (RFC 3032), GRE (RFC 2784,
 * RFC 2890; RFC 2637 for PPP), EtherIP (RFC 3378), and over UDP VXLAN (RFC 7348) and
 * Geneve (RFC 8926). */
#include "decode/layers.h"

enum gre {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000, /* RFC 1701 only */
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACKNOWLEDGEMENT = 0x0080, /* version 1 only */
	GRE_VERSION = 0x0007,
	/* protocols that are no EtherTypes */
	GRE_ERSPAN2 = 0x88be, /* packets that a switch copies to an analyser */
	GRE_ERSPAN3 = 0x22eb,
};

enum udp_port {
	PORT_VXLAN = 4789,
	PORT_VXLAN_LINUX = 8472, /* the kernel's before there was a number */
	PORT_GENEVE = 6081,
};

/* RFC 4385 3: what follows the labels of a pseudowire begins with 0, so that it is
 * not taken for IP, whose version stands there. */
static enum layer behind_labels(struct span *span, struct packet *packet)
{
	struct span look = *span;
	struct cursor first, control;
	if (!span_take(&look, 1, &first, &packet->end))
		return LAYER_END;
	uint8_t version = cursor_u8(&first) >> 4;
	if (version == 4 || version == 6)
		return LAYER_IP;
	if (version != 0 || !span_take(span, 4, &control, &packet->end))
		return LAYER_END;
	return LAYER_ETHERNET;
}

enum layer read_mpls(struct span *span, struct packet *packet)
{
	struct cursor label;
	do {
		if (!span_take(span, 4, &label, &packet->end))
			return LAYER_END;
	} while (!(cursor_be32(&label) & 1 << 8)); /* RFC 3032 2.1: bottom of stack */
	return behind_labels(span, packet);
}

/* draft-foschiano-erspan: type II has a header only where GRE has sequence numbers. */
static enum layer erspan(struct span *span, struct packet *packet, uint16_t flags, uint16_t type)
{
	struct cursor header, platform;
	uint32_t length = type == GRE_ERSPAN3 ? 12 : flags & GRE_SEQUENCE ? 8 : 0;
	if (!span_take(span, length, &header, &packet->end))
		return LAYER_END;
	cursor_skip(&header, 11);
	bool more = type == GRE_ERSPAN3 && cursor_u8(&header) & 1;
	if (more && !span_take(span, 8, &platform, &packet->end))
		return LAYER_END;
	return LAYER_ETHERNET;
}

static uint32_t gre_options_length(uint16_t flags)
{
	uint32_t length = 0;
	if (flags & GRE_CHECKSUM)
		length += 4;
	if (flags & GRE_KEY)
		length += 4;
	if (flags & GRE_SEQUENCE)
		length += 4;
	if ((flags & GRE_VERSION) == 1 && flags & GRE_ACKNOWLEDGEMENT)
		length += 4;
	return length;
}

enum layer read_gre(struct span *span, struct packet *packet)
{
	struct cursor header, options;
	if (!span_take(span, 4, &header, &packet->end))
		return LAYER_END;
	uint16_t flags = cursor_be16(&header);
	uint16_t type = cursor_be16(&header);
	uint16_t version = flags & GRE_VERSION;
	if (flags & GRE_ROUTING || version > 1)
		return LAYER_END;
	if (!span_take(span, gre_options_length(flags), &options, &packet->end))
		return LAYER_END;
	if (version == 1 && !(flags & GRE_SEQUENCE)) /* an acknowledgement, no payload */
		return LAYER_END;
	if (type == GRE_ERSPAN2 || type == GRE_ERSPAN3)
		return erspan(span, packet, flags, type);
	return layer_of_ethertype(type);
}

enum layer read_etherip(struct span *span, struct packet *packet)
{
	struct cursor header;
	if (!span_take(span, 2, &header, &packet->end))
		return LAYER_END;
	return cursor_u8(&header) >> 4 == 3 ? LAYER_ETHERNET : LAYER_END;
}

static enum layer vxlan(struct span *span, struct packet *packet)
{
	struct cursor header;
	if (!span_take(span, 8, &header, &packet->end))
		return LAYER_END;
	/* RFC 7348 5: "the I flag MUST be set to 1 for a valid VXLAN Network ID" */
	return cursor_u8(&header) & 0x08 ? LAYER_ETHERNET : LAYER_END;
}

static enum layer geneve(struct span *span, struct packet *packet)
{
	struct cursor header, options;
	if (!span_take(span, 8, &header, &packet->end))
		return LAYER_END;
	uint8_t first = cursor_u8(&header);
	cursor_skip(&header, 1); /* flags */
	uint16_t type = cursor_be16(&header);
	if (first >> 6 != 0) /* version */
		return LAYER_END;
	if (!span_take(span, (first & 0x3fu) * 4, &options, &packet->end))
		return LAYER_END;
	return layer_of_ethertype(type);
}

bool decode_opens_udp(uint16_t destination_port)
{
	return destination_port == PORT_VXLAN || destination_port == PORT_VXLAN_LINUX ||
	       destination_port == PORT_GENEVE;
}

/* The destination port names the tunnel; the source port only spreads its flows. */
enum layer read_udp(struct span *span, struct packet *packet)
{
	struct cursor header;
	if (!span_take(span, 8, &header, &packet->end))
		return LAYER_END;
	cursor_skip(&header, 2);
	switch (cursor_be16(&header)) {
	case PORT_VXLAN:
	case PORT_VXLAN_LINUX:
		return vxlan(span, packet);
	case PORT_GENEVE:
		return geneve(span, packet);
	default:
		return LAYER_END;
	}
}
