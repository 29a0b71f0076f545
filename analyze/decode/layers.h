/* The layers of decode(): each reader consumes its header, leaves the rest, and says
 * what comes next.
 *
 * LAYER_END ends the decoding; packet->end then says how. Tunnels are layers too: the
 * innermost IP header that can be read is the packet's.
 */
#ifndef SSHWHY_DECODE_LAYERS_H
#define SSHWHY_DECODE_LAYERS_H

#include "sshwhy/cursor.h"
#include "sshwhy/packet.h"

/* What is left of a packet: the bytes that the capture holds, and how many there
 * were on the wire from the same place on. Never fewer than are held. */
struct span {
	struct cursor held;
	uint32_t length;
	bool open; /* a fragment: more follows in others, and `length` is only a bound */
};

/* Consumes `length` bytes into `part`. When that cannot be, `end` says whose doing
 * it is: the sender promised more than fits, or the capture kept less. */
static inline bool span_take(struct span *span, uint32_t length, struct cursor *part,
			     enum decode_end *end)
{
	if (length > span->length) {
		*end = DECODE_MALFORMED;
		return false;
	}
	*part = cursor_part(&span->held, length);
	if (part->failed) {
		*end = DECODE_CUT_SHORT;
		return false;
	}
	span->length -= length;
	return true;
}

/* Nothing behind `length` bytes belongs to what follows. */
static inline void span_limit(struct span *span, uint32_t length)
{
	if (span->length > length)
		span->length = length;
	if (span->held.left > length)
		span->held = cursor_over(span->held.at, length);
}

/* What is encapsulated goes on in other fragments: how long it is, its own header tells. */
static inline void span_open(struct span *span)
{
	span->length = 65535 > span->held.left ? 65535 : (uint32_t)span->held.left;
	span->open = true;
}

enum layer {
	LAYER_END,
	/* link headers, as captures begin with them */
	LAYER_CAPTURED_ETHERNET, /* tells whether the frame left the machine */
	LAYER_SLL,
	LAYER_SLL2,
	LAYER_FAMILY,
	LAYER_RADIOTAP,
	LAYER_AVS,
	LAYER_PRISM,
	LAYER_PPI,
	LAYER_DOT11,
	LAYER_PPP_SERIAL,
	LAYER_PPP_DIRECTED,
	LAYER_HDLC,
	/* what a link or a tunnel carries */
	LAYER_ETHERNET,
	LAYER_VLAN,
	LAYER_LLC,
	LAYER_MPLS,
	LAYER_PPP,
	LAYER_PPPOE,
	LAYER_IP, /* version 4 or 6: the packet itself tells */
	LAYER_IP4,
	LAYER_IP6,
	LAYER_GRE,
	LAYER_ETHERIP,
	LAYER_UDP,
	LAYER_TCP,
	LAYER_ICMP,
	LAYERS
};

enum layer layer_of_link(uint32_t link); /* enum link_type; LAYER_END: not known */
enum layer layer_of_ethertype(uint16_t type);

/* link.c */
enum layer read_captured_ethernet(struct span *span, struct packet *packet);
enum layer read_sll(struct span *span, struct packet *packet);
enum layer read_sll2(struct span *span, struct packet *packet);
enum layer read_family(struct span *span, struct packet *packet);
enum layer read_ethernet(struct span *span, struct packet *packet);
enum layer read_vlan(struct span *span, struct packet *packet);
enum layer read_llc(struct span *span, struct packet *packet);

/* wireless.c */
enum layer read_radiotap(struct span *span, struct packet *packet);
enum layer read_avs(struct span *span, struct packet *packet);
enum layer read_prism(struct span *span, struct packet *packet);
enum layer read_ppi(struct span *span, struct packet *packet);
enum layer read_dot11(struct span *span, struct packet *packet);

/* ppp.c */
enum layer read_ppp(struct span *span, struct packet *packet);
enum layer read_ppp_serial(struct span *span, struct packet *packet);
enum layer read_ppp_directed(struct span *span, struct packet *packet);
enum layer read_pppoe(struct span *span, struct packet *packet);
enum layer read_hdlc(struct span *span, struct packet *packet);

/* tunnel.c */
enum layer read_mpls(struct span *span, struct packet *packet);
enum layer read_gre(struct span *span, struct packet *packet);
enum layer read_etherip(struct span *span, struct packet *packet);
enum layer read_udp(struct span *span, struct packet *packet);

/* network.c */
enum layer read_ip(struct span *span, struct packet *packet);
enum layer read_ip4(struct span *span, struct packet *packet);
enum layer read_ip6(struct span *span, struct packet *packet);

/* tcp.c, icmp.c */
enum layer read_tcp(struct span *span, struct packet *packet);
enum layer read_icmp(struct span *span, struct packet *packet);

/* -- parts of these layers -------------------------------------------------------- */

/* Fields of an IPv4 or IPv6 header with its options or extension headers. */
struct ip {
	bool known; /* the fixed header was read: all fields hold */
	struct address source, destination;
	uint8_t protocol; /* the last header that could be reached */
	uint8_t ttl, tos;
	uint16_t id;
	bool dont_fragment, more_fragments;
	uint16_t fragment_offset; /* in units of 8 bytes */
	bool options;		  /* or extension headers other than the fragment header */
	bool zero_length;	  /* the length field holds 0 */
	bool trailer;		  /* the span held more than the packet */
};

/* `version` 0: as the packet itself says. `quoted`: an ICMP error quotes this header,
 * so what it says about the length of the packet says nothing about the bytes that
 * follow here. */
bool decode_ip_header(struct span *span, unsigned version, bool quoted, struct ip *ip,
		      enum decode_end *end);

struct tcp_options {
	uint16_t mss;
	uint8_t wscale; /* 255: none */
	bool sack_permitted, has_timestamp, has_sack;
	uint32_t timestamp_value, timestamp_echo;
};

/* False when the list is damaged; the options before the damage hold. */
bool decode_tcp_options(struct cursor list, struct tcp_options *options);

#endif
