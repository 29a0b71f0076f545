/* PPP (RFC 1661) in its framings: HDLC-like (RFC 1662), over Ethernet (RFC 2516), and
 * Cisco's HDLC, which shares serial lines with it. */
#include "decode/layers.h"

enum {
	PPP_IP4 = 0x0021,
	PPP_IP6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_MPLS_UPSTREAM = 0x0283,

	HDLC_ALL_STATIONS = 0xff,
	HDLC_UNNUMBERED = 0x03,
	CISCO_UNICAST = 0x0f,
	CISCO_MULTICAST = 0x8f,

	PPPOE_VERSION_TYPE = 0x11,
	PPPOE_SESSION = 0,
};

static bool take_byte(struct span *span, uint8_t *byte, struct packet *packet)
{
	struct cursor part;
	if (!span_take(span, 1, &part, &packet->end))
		return false;
	*byte = cursor_u8(&part);
	return true;
}

static enum layer layer_of_ppp(uint16_t protocol)
{
	switch (protocol) {
	case PPP_IP4:
		return LAYER_IP4;
	case PPP_IP6:
		return LAYER_IP6;
	case PPP_MPLS:
	case PPP_MPLS_UPSTREAM:
		return LAYER_MPLS;
	default: /* negotiation; compressed headers; encrypted (RFC 1968) */
		return LAYER_END;
	}
}

/* RFC 1661 2: "the least significant bit of the least significant octet MUST equal 1,
 * and [that] of the most significant octet MUST equal 0", so that a receiver knows a
 * protocol that was compressed to one octet (6.5). */
static enum layer by_protocol(struct span *span, uint8_t first, struct packet *packet)
{
	uint8_t second;
	if (first & 1)
		return layer_of_ppp(first);
	if (!take_byte(span, &second, packet))
		return LAYER_END;
	return layer_of_ppp((uint16_t)(first << 8 | second));
}

/* Behind the address octet of HDLC-like framing. */
static enum layer framed(struct span *span, struct packet *packet)
{
	uint8_t control, first;
	if (!take_byte(span, &control, packet))
		return LAYER_END;
	if (control != HDLC_UNNUMBERED || !take_byte(span, &first, packet))
		return LAYER_END;
	return by_protocol(span, first, packet);
}

/* Behind the address octet of Cisco's. */
static enum layer cisco(struct span *span, struct packet *packet)
{
	struct cursor rest;
	if (!span_take(span, 3, &rest, &packet->end))
		return LAYER_END;
	cursor_skip(&rest, 1); /* control: 0 */
	return layer_of_ethertype(cursor_be16(&rest));
}

enum layer read_ppp(struct span *span, struct packet *packet)
{
	uint8_t first;
	if (!take_byte(span, &first, packet))
		return LAYER_END;
	/* RFC 1661 2 reserves what a protocol of 0xff would be. */
	if (first == HDLC_ALL_STATIONS)
		return framed(span, packet);
	return by_protocol(span, first, packet);
}

enum layer read_ppp_serial(struct span *span, struct packet *packet)
{
	uint8_t address;
	if (!take_byte(span, &address, packet))
		return LAYER_END;
	if (address == CISCO_UNICAST || address == CISCO_MULTICAST)
		return cisco(span, packet);
	if (address == HDLC_ALL_STATIONS)
		return framed(span, packet);
	return by_protocol(span, address, packet);
}

/* Linux's pppd: which way a packet went stands where the address was. */
enum layer read_ppp_directed(struct span *span, struct packet *packet)
{
	uint8_t outgoing;
	if (!take_byte(span, &outgoing, packet))
		return LAYER_END;
	if (outgoing <= 1)
		packet->direction = outgoing ? DIRECTION_OUT : DIRECTION_IN;
	return framed(span, packet);
}

enum layer read_hdlc(struct span *span, struct packet *packet)
{
	uint8_t address;
	return take_byte(span, &address, packet) ? cisco(span, packet) : LAYER_END;
}

enum layer read_pppoe(struct span *span, struct packet *packet)
{
	struct cursor header;
	if (!span_take(span, 6, &header, &packet->end))
		return LAYER_END;
	uint8_t version_type = cursor_u8(&header);
	uint8_t code = cursor_u8(&header);
	cursor_skip(&header, 2); /* session */
	uint16_t length = cursor_be16(&header);
	if (version_type != PPPOE_VERSION_TYPE || code != PPPOE_SESSION)
		return LAYER_END;
	if (length > span->length) {
		packet->end = DECODE_MALFORMED;
		return LAYER_END;
	}
	span_limit(span, length);
	return LAYER_PPP;
}
