/* ICMP (RFC 792), ICMPv6 (RFC 4443), and the packets that their errors quote. */
#include "decode/layers.h"

enum icmp4_type {
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER_PROBLEM = 12,
	ICMP4_FRAGMENTATION_NEEDED = 4, /* code of UNREACHABLE */
};

enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER_PROBLEM = 4,
};

/* RFC 792: "Internet Header + 64 bits of Data Datagram"; RFC 1812 4.3.2.3: "as much
 * of the original datagram as possible". Whatever is there is read, no more claimed. */
static void quote_tcp(struct cursor tcp, struct quote *quote)
{
	quote->source_port = cursor_be16(&tcp);
	quote->destination_port = cursor_be16(&tcp);
	quote->has_ports = !tcp.failed;
	quote->sequence = cursor_be32(&tcp);
	quote->has_sequence = !tcp.failed;

	uint32_t acknowledgement = cursor_be32(&tcp);
	uint8_t offset = cursor_u8(&tcp) >> 4;
	uint8_t flags = cursor_u8(&tcp);
	uint16_t window = cursor_be16(&tcp);
	/* RFC 4884 3: "the 'original datagram' field MUST be zero padded": an offset no
	 * TCP header can have is padding behind a shorter quote. */
	if (tcp.failed || offset < 5)
		return;
	quote->has_flags = true;
	quote->acknowledgement = acknowledgement;
	quote->flags = flags;
	quote->window = window;

	cursor_skip(&tcp, 4);
	size_t length = (offset - 5u) * 4;
	struct tcp_options options; /* quotes end anywhere: a cut list is nothing odd */
	(void)decode_tcp_options(cursor_part(&tcp, length < tcp.left ? length : tcp.left),
				 &options);
	quote->mss = options.mss;
}

static void quote_ports(struct cursor udp, struct quote *quote)
{
	quote->source_port = cursor_be16(&udp);
	quote->destination_port = cursor_be16(&udp);
	quote->has_ports = !udp.failed;
}

static void decode_quote(struct span span, unsigned version, struct quote *quote)
{
	struct ip ip = { 0 };
	enum decode_end end; /* why a quote ends early makes no difference */
	bool whole = decode_ip_header(&span, version, true, &ip, &end);
	if (!ip.known)
		return;
	quote->present = true;
	quote->source = ip.source;
	quote->destination = ip.destination;
	quote->protocol = ip.protocol;
	quote->ttl = ip.ttl;
	quote->tos = ip.tos;
	quote->ip_id = ip.id;
	if (!whole || ip.fragment_offset > 0)
		return;
	if (ip.protocol == IP_TCP)
		quote_tcp(span.held, quote);
	else if (ip.protocol == IP_UDP)
		quote_ports(span.held, quote);
}

/* What the second word of an error says. */
struct icmp_error {
	bool quotes;
	uint32_t mtu;
	uint32_t quoted; /* bytes of original datagram; 0: all that follows */
};

static struct icmp_error error4(const struct packet *packet, uint32_t word)
{
	/* RFC 4884 4.1: "The length attribute represents the length of the padded
	 * 'original datagram' field [...] in 32-bit words". Older senders put 0. */
	uint32_t quoted = (word >> 16 & 0xff) * 4;
	switch (packet->icmp_type) {
	case ICMP4_UNREACHABLE:
		if (packet->icmp_code == ICMP4_FRAGMENTATION_NEEDED) /* RFC 1191 4 */
			return (struct icmp_error){ true, word & 0xffff, quoted };
		return (struct icmp_error){ true, 0, quoted };
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER_PROBLEM:
		return (struct icmp_error){ true, 0, quoted };
	case ICMP4_SOURCE_QUENCH:
	case ICMP4_REDIRECT:
		return (struct icmp_error){ true, 0, 0 };
	default:
		return (struct icmp_error){ 0 };
	}
}

static struct icmp_error error6(const struct packet *packet, uint32_t word)
{
	uint32_t quoted = (word >> 24) * 8; /* RFC 4884 4.4: "in 64-bit words" */
	switch (packet->icmp_type) {
	case ICMP6_UNREACHABLE:
	case ICMP6_TIME_EXCEEDED:
		return (struct icmp_error){ true, 0, quoted };
	case ICMP6_PACKET_TOO_BIG:
		return (struct icmp_error){ true, word, 0 };
	case ICMP6_PARAMETER_PROBLEM:
		return (struct icmp_error){ true, 0, 0 };
	default:
		return (struct icmp_error){ 0 };
	}
}

enum layer read_icmp(struct span *span, struct packet *packet)
{
	bool v4 = packet->source.family == 4;
	struct cursor header;
	if (!span_take(span, 8, &header, &packet->end))
		return LAYER_END;
	packet->icmp_type = cursor_u8(&header);
	packet->icmp_code = cursor_u8(&header);
	cursor_skip(&header, 2); /* checksum */
	uint32_t word = cursor_be32(&header);
	packet->end = DECODE_COMPLETE;

	struct icmp_error error = v4 ? error4(packet, word) : error6(packet, word);
	if (!error.quotes)
		return LAYER_END;
	packet->icmp_mtu = error.mtu;
	/* A length that lies beyond the message bounds nothing. */
	if (error.quoted > 0)
		span_limit(span, error.quoted);
	decode_quote(*span, v4 ? 4 : 6, &packet->quote);
	return LAYER_END;
}
