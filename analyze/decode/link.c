/* Link headers (LINKTYPE_* of tcpdump.org): which network protocol follows, which
 * way the frame went, and whether it ever left the machine. */
#include <string.h>

#include "decode/layers.h"

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,     /* IEEE 802.1Q */
	ETHERTYPE_VLAN_S = 0x88a8,   /* IEEE 802.1ad */
	ETHERTYPE_VLAN_OLD = 0x9100, /* stacked tags before 802.1ad */
};

enum {
	ARPHRD_LOOPBACK = 772,
	SLL_OTHER_HOST = 3,
	SLL_OUTGOING = 4,
};

/* Network protocol of an EtherType, behind any stack of VLAN tags. */
static bool by_ethertype(uint16_t type, struct span *span, struct packet *packet, unsigned *version)
{
	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_VLAN_S || type == ETHERTYPE_VLAN_OLD) {
		struct cursor tag;
		if (!span_take(span, 4, &tag, &packet->end))
			return false;
		cursor_skip(&tag, 2);
		type = cursor_be16(&tag);
	}
	packet->end = DECODE_OTHER;
	*version = type == ETHERTYPE_IPV4 ? 4 : type == ETHERTYPE_IPV6 ? 6 : 0;
	return *version != 0;
}

static bool link_ethernet(struct span *span, struct packet *packet, unsigned *version)
{
	static const uint8_t nobody[12];
	struct cursor header;
	if (!span_take(span, 14, &header, &packet->end))
		return false;
	/* Linux gives the frames of lo an Ethernet header without addresses. */
	const uint8_t *addresses = cursor_take(&header, sizeof(nobody));
	packet->loopback = memcmp(addresses, nobody, sizeof(nobody)) == 0;
	return by_ethertype(cursor_be16(&header), span, packet, version);
}

static void cooked(struct packet *packet, uint16_t hardware, unsigned type)
{
	packet->loopback = hardware == ARPHRD_LOOPBACK;
	if (type == SLL_OUTGOING)
		packet->direction = DIRECTION_OUT;
	else if (type < SLL_OTHER_HOST) /* to us, broadcast, multicast */
		packet->direction = DIRECTION_IN;
}

static bool link_sll(struct span *span, struct packet *packet, unsigned *version)
{
	struct cursor header;
	if (!span_take(span, 16, &header, &packet->end))
		return false;
	uint16_t type = cursor_be16(&header);
	uint16_t hardware = cursor_be16(&header);
	cursor_skip(&header, 10); /* address length, address */
	cooked(packet, hardware, type);
	return by_ethertype(cursor_be16(&header), span, packet, version);
}

static bool link_sll2(struct span *span, struct packet *packet, unsigned *version)
{
	struct cursor header;
	if (!span_take(span, 20, &header, &packet->end))
		return false;
	uint16_t protocol = cursor_be16(&header);
	cursor_skip(&header, 6); /* reserved, interface index */
	uint16_t hardware = cursor_be16(&header);
	cooked(packet, hardware, cursor_u8(&header));
	return by_ethertype(protocol, span, packet, version);
}

/* The family is in the byte order of the capturing machine (NULL) or of the
 * network (LOOP), and its number for IPv6 is each system's own. */
static bool link_family(struct span *span, struct packet *packet, unsigned *version)
{
	struct cursor header;
	if (!span_take(span, 4, &header, &packet->end))
		return false;
	struct cursor again = header;
	uint32_t family = cursor_be32(&header);
	if (family > 0xffff)
		family = cursor_le32(&again);
	packet->loopback = true;
	packet->end = DECODE_OTHER;
	switch (family) {
	case 2:
		*version = 4;
		return true;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		*version = 6;
		return true;
	default:
		return false;
	}
}

bool decode_link(const struct frame *frame, struct span *span, struct packet *packet,
		 unsigned *version)
{
	switch (frame->link) {
	case LINK_ETHERNET:
		return link_ethernet(span, packet, version);
	case LINK_LINUX_SLL:
		return link_sll(span, packet, version);
	case LINK_LINUX_SLL2:
		return link_sll2(span, packet, version);
	case LINK_NULL:
	case LINK_LOOP:
		return link_family(span, packet, version);
	case LINK_RAW:
	case LINK_RAW_BSD:
		*version = 0;
		return true;
	case LINK_IPV4:
		*version = 4;
		return true;
	case LINK_IPV6:
		*version = 6;
		return true;
	default:
		packet->end = DECODE_OTHER;
		return false;
	}
}
