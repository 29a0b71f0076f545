/* Link headers (LINKTYPE_* of tcpdump.org): which network protocol follows, which
 * way the frame went, and whether it ever left the machine. */
#include <string.h>

#include "decode/layers.h"

enum ethertype {
	ETHERTYPE_LENGTH_MAX = 1500, /* IEEE 802.3: up to here it is a length */
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_TRANSPARENT = 0x6558, /* Ethernet within GRE and others */
	ETHERTYPE_VLAN = 0x8100,	/* IEEE 802.1Q */
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_UPSTREAM = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,  /* a session; 0x8863 only finds one */
	ETHERTYPE_VLAN_S = 0x88a8, /* IEEE 802.1ad */
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN_OLD = 0x9100, /* stacked tags before 802.1ad */
};

enum {
	ARPHRD_LOOPBACK = 772,
	ARPHRD_RADIOTAP = 803,
	ARPHRD_NETLINK = 824,
	SLL_OTHER_HOST = 3,
	SLL_OUTGOING = 4,
	SLL_LLC = 4, /* instead of an EtherType */
};

enum layer layer_of_link(uint32_t link)
{
	switch ((enum link_type)link) { /* no default: a type left out does not compile */
	case LINK_ETHERNET:
		return LAYER_CAPTURED_ETHERNET;
	case LINK_LINUX_SLL:
		return LAYER_SLL;
	case LINK_LINUX_SLL2:
		return LAYER_SLL2;
	case LINK_NULL:
	case LINK_LOOP:
		return LAYER_FAMILY;
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
		return LAYER_IP;
	case LINK_IPV4:
		return LAYER_IP4;
	case LINK_IPV6:
		return LAYER_IP6;
	case LINK_PPP:
		return LAYER_PPP;
	case LINK_PPP_SERIAL:
		return LAYER_PPP_SERIAL;
	case LINK_PPP_ETHER:
		return LAYER_PPPOE;
	case LINK_PPP_DIRECTED:
		return LAYER_PPP_DIRECTED;
	case LINK_HDLC:
		return LAYER_HDLC;
	case LINK_MPLS:
		return LAYER_MPLS;
	case LINK_DOT11:
		return LAYER_DOT11;
	case LINK_PRISM:
		return LAYER_PRISM;
	case LINK_RADIOTAP:
		return LAYER_RADIOTAP;
	case LINK_AVS:
		return LAYER_AVS;
	case LINK_PPI:
		return LAYER_PPI;
	}
	return LAYER_END;
}

enum layer layer_of_ethertype(uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IPV4:
		return LAYER_IP4;
	case ETHERTYPE_IPV6:
		return LAYER_IP6;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_VLAN_S:
	case ETHERTYPE_VLAN_OLD:
		return LAYER_VLAN;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_UPSTREAM:
		return LAYER_MPLS;
	case ETHERTYPE_PPPOE:
		return LAYER_PPPOE;
	case ETHERTYPE_PPP:
		return LAYER_PPP;
	case ETHERTYPE_TRANSPARENT:
		return LAYER_ETHERNET;
	default:
		return LAYER_END;
	}
}

static enum layer ethernet(struct span *span, struct packet *packet, const uint8_t **addresses)
{
	struct cursor header;
	if (!span_take(span, 14, &header, &packet->end))
		return LAYER_END;
	*addresses = cursor_take(&header, 12);
	uint16_t type = cursor_be16(&header);
	return type <= ETHERTYPE_LENGTH_MAX ? LAYER_LLC : layer_of_ethertype(type);
}

enum layer read_ethernet(struct span *span, struct packet *packet)
{
	const uint8_t *addresses;
	return ethernet(span, packet, &addresses);
}

enum layer read_captured_ethernet(struct span *span, struct packet *packet)
{
	static const uint8_t nobody[12];
	const uint8_t *addresses = NULL;
	enum layer next = ethernet(span, packet, &addresses);
	/* Linux gives the frames of lo an Ethernet header without addresses. */
	packet->loopback = addresses != NULL && memcmp(addresses, nobody, sizeof(nobody)) == 0;
	return next;
}

enum layer read_vlan(struct span *span, struct packet *packet)
{
	struct cursor tag;
	if (!span_take(span, 4, &tag, &packet->end))
		return LAYER_END;
	cursor_skip(&tag, 2); /* priority, VLAN */
	return layer_of_ethertype(cursor_be16(&tag));
}

/* RFC 1042: the SNAP header, whose last two bytes are an EtherType. */
enum layer read_llc(struct span *span, struct packet *packet)
{
	struct cursor llc, snap;
	if (!span_take(span, 3, &llc, &packet->end))
		return LAYER_END;
	uint16_t access_points = cursor_be16(&llc);
	if (access_points != 0xaaaa || cursor_u8(&llc) != 3)
		return LAYER_END;
	if (!span_take(span, 5, &snap, &packet->end))
		return LAYER_END;
	uint8_t vendor = cursor_u8(&snap);
	uint16_t organisation = cursor_be16(&snap);
	/* 00-00-00, or 00-00-F8 for what bridges passed on (IEEE 802.1H) */
	if (vendor != 0 || (organisation != 0 && organisation != 0x00f8))
		return LAYER_END;
	return layer_of_ethertype(cursor_be16(&snap));
}

static enum layer cooked(struct packet *packet, uint16_t hardware, unsigned type, uint16_t protocol)
{
	packet->loopback = hardware == ARPHRD_LOOPBACK;
	if (type == SLL_OUTGOING)
		packet->direction = DIRECTION_OUT;
	else if (type < SLL_OTHER_HOST) /* to us, broadcast, multicast */
		packet->direction = DIRECTION_IN;
	if (hardware == ARPHRD_RADIOTAP)
		return LAYER_RADIOTAP;
	if (hardware == ARPHRD_NETLINK) /* the protocol is no EtherType */
		return LAYER_END;
	return protocol == SLL_LLC ? LAYER_LLC : layer_of_ethertype(protocol);
}

enum layer read_sll(struct span *span, struct packet *packet)
{
	struct cursor header;
	if (!span_take(span, 16, &header, &packet->end))
		return LAYER_END;
	uint16_t type = cursor_be16(&header);
	uint16_t hardware = cursor_be16(&header);
	cursor_skip(&header, 10); /* address length, address */
	return cooked(packet, hardware, type, cursor_be16(&header));
}

enum layer read_sll2(struct span *span, struct packet *packet)
{
	struct cursor header;
	if (!span_take(span, 20, &header, &packet->end))
		return LAYER_END;
	uint16_t protocol = cursor_be16(&header);
	cursor_skip(&header, 6); /* reserved, interface index */
	uint16_t hardware = cursor_be16(&header);
	return cooked(packet, hardware, cursor_u8(&header), protocol);
}

/* The family is in the byte order of the capturing machine (NULL) or of the
 * network (LOOP), and its number for IPv6 is each system's own. */
enum layer read_family(struct span *span, struct packet *packet)
{
	struct cursor header;
	if (!span_take(span, 4, &header, &packet->end))
		return LAYER_END;
	struct cursor again = header;
	uint32_t family = cursor_be32(&header);
	if (family > 0xffff)
		family = cursor_le32(&again);
	switch (family) {
	case 2:
		return LAYER_IP4;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return LAYER_IP6;
	default:
		return LAYER_END;
	}
}
