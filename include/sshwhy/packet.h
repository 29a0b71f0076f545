/* packet: a frame decoded once, as a plain value; made by decode(), used by the tracker and by
 * traffic.
 *
 * RFC 791, RFC 8200 (IPv6), RFC 9293 and RFC 7323 (TCP), RFC 792, RFC 4443 and
 * RFC 4884 (ICMP); behind VLAN tags, PPP, MPLS or IEEE 802.11, and within tunnels (IP in
 * IP, GRE, VXLAN, Geneve, EtherIP, ERSPAN), where the innermost IP packet is the one that
 * is told. decode() allocates nothing, calls no clock, and never reads outside
 * frame->bytes[0 .. captured). The payload pointer borrows from the frame.
 */
#ifndef SSHWHY_PACKET_H
#define SSHWHY_PACKET_H

#include "sshwhy/address.h"
#include "sshwhy/frame.h"

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
	TCP_SYN_ECN = TCP_SYN | TCP_ECE | TCP_CWR, /* offers ECN: RFC 3168 6.1.1 */
};

/* How far the decoding came. Cut short and malformed are different facts: the
 * first is the capture's doing (snaplen), the second the sender's. */
enum decode_end {
	DECODE_COMPLETE,  /* up to and including the TCP or ICMP header */
	DECODE_CUT_SHORT, /* the capture holds fewer bytes than the frame had, or only another
			   * fragment of a tunnel's packet holds them */
	DECODE_MALFORMED, /* a length lies, a header is impossible */
	DECODE_OTHER,	  /* sound, but neither TCP nor ICMP over IP (ARP, UDP, ...) */
};

/* What is odd without being an error; bits of packet.oddities. */
enum oddity {
	ODD_BAD_TCP_OPTIONS =
		1 << 0, /* the option list runs past the header; those before it hold */
	ODD_IP_OPTIONS = 1 << 1,
	ODD_RESERVED_BITS = 1 << 2, /* TCP reserved bits set */
	ODD_RST_PAYLOAD = 1 << 3,   /* RFC 9293 3.5.3 allows it; middleboxes do it */
	ODD_SYN_PAYLOAD = 1 << 4,
	ODD_ZERO_TOTAL_LENGTH = 1 << 5, /* IPv4 total length 0: TSO; the frame's length is used */
	ODD_TRAILER = 1 << 6,		/* bytes after the IP packet (Ethernet padding) */
	ODD_LATER_FRAGMENT = 1 << 7,	/* fragment offset > 0: no transport header */
	ODD_FIRST_FRAGMENT = 1 << 8,	/* more fragments follow */
	ODD_ENCRYPTED = 1 << 9,		/* IEEE 802.11: opaque from there on */
};

enum ip_protocol { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMP6 = 58 };

/* The packet that an ICMP error quotes: what the reporting box had in hand.
 * RFC 792 promises the IP header and 8 bytes; sequence is known from there on,
 * flags and window only where the quote holds them. */
struct quote {
	bool present;
	bool has_ports;	   /* at least 4 transport bytes: ports */
	bool has_sequence; /* at least 8: the TCP sequence number too */
	bool has_flags;	   /* at least 16: acknowledgement, flags, window too */
	struct address source, destination;
	uint8_t protocol; /* enum ip_protocol */
	uint8_t ttl;	  /* as it arrived at the box that reports */
	uint8_t tos;
	uint16_t ip_id;
	uint16_t source_port, destination_port;
	uint32_t sequence, acknowledgement;
	uint8_t flags;
	uint16_t window;
	uint16_t mss; /* 0: not quoted or absent */
};

struct packet {
	/* from the frame */
	uint64_t number;
	int64_t time_ns;
	uint32_t interface;
	enum direction direction;
	bool loopback; /* the frame's link header says it never left the machine */

	enum decode_end end;
	uint32_t oddities;

	/* IP, of the innermost header that could be read; valid when source.family != 0 */
	struct address source, destination;
	uint8_t protocol; /* last header: enum ip_protocol */
	uint8_t ttl;	  /* or hop limit */
	uint8_t tos;	  /* or traffic class */
	uint16_t ip_id;	  /* IPv4, or the IPv6 fragment header's low 16 bits */
	bool dont_fragment;

	/* TCP; valid when protocol == IP_TCP and end == DECODE_COMPLETE */
	uint16_t source_port, destination_port;
	uint32_t sequence, acknowledgement;
	uint8_t flags; /* enum tcp_flag */
	uint16_t window;
	uint16_t mss;	/* 0: no such option */
	uint8_t wscale; /* 255: no such option */
	bool sack_permitted;
	bool has_timestamp;
	uint32_t timestamp_value, timestamp_echo;
	bool has_sack;

	/* ICMP or ICMPv6; valid when protocol says so and end == DECODE_COMPLETE */
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_mtu; /* 3/4 and packet too big, else 0 */
	struct quote quote;

	const uint8_t *payload; /* TCP payload, NULL when there is none */
	uint32_t payload_captured;
	uint32_t payload_length; /* as the headers say; > captured when cut short */
};

/* Decodes `frame` into `packet` (every field is set). Never fails: packet->end
 * says how it went. */
void decode(const struct frame *frame, struct packet *packet);

/* Whether UDP to this port is a tunnel's, so that decode() looks into it. */
bool decode_opens_udp(uint16_t destination_port);

/* Sequence numbers wrap: RFC 9293 3.4 compares them modulo 2^32. */
static inline bool sequence_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* How far away the sender of a packet with this TTL is: 1 on this link. Stacks start with 64,
 * 128 or 255. */
static inline uint8_t hops_away(uint8_t ttl)
{
	unsigned initial = ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
	return (uint8_t)(initial - ttl + 1);
}

/* No router has lessened it: whoever sent the packet is on this link. */
static inline bool ttl_is_undiminished(uint8_t ttl)
{
	return hops_away(ttl) == 1;
}

#endif
