/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers, of packets and of quoted packets. */
#include "decode/layers.h"

enum {
	IP4_FIXED = 20,
	IP6_FIXED = 40,
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,
};

enum ip6_extension {
	IP6_HOP_BY_HOP = 0,
	IP6_ROUTING = 43,
	IP6_FRAGMENT = 44,
	IP6_AUTHENTICATION = 51,
	IP6_DESTINATION = 60,
	IP6_MOBILITY = 135,
	IP6_HIP = 139,
	IP6_SHIM6 = 140,
};

/* Cuts the span to the `length` bytes that the header says follow its fixed part.
 * What lies behind them is padding of the link: RFC 894 "the data field should be
 * padded (with octets of zero) [...] This padding is not part of the IP packet". */
static bool limit(struct span *span, uint32_t length, struct ip *ip, enum decode_end *end)
{
	if (length > span->length) {
		*end = DECODE_MALFORMED;
		return false;
	}
	ip->trailer = length < span->length && !span->open;
	span_limit(span, length);
	span->open = false;
	return true;
}

static bool limit4(struct span *span, uint32_t total, uint32_t header, struct ip *ip,
		   enum decode_end *end)
{
	ip->zero_length = total == 0;
	if (ip->zero_length) /* segmentation is the network card's: it will fill this in */
		return true;
	if (total < header) {
		*end = DECODE_MALFORMED;
		return false;
	}
	return limit(span, total - IP4_FIXED, ip, end);
}

static bool header4(struct span *span, bool quoted, struct ip *ip, enum decode_end *end)
{
	struct cursor fixed, options;
	if (!span_take(span, IP4_FIXED, &fixed, end))
		return false;
	uint8_t first = cursor_u8(&fixed);
	uint32_t length = (first & 0x0fu) * 4;
	/* RFC 791: "the minimum value for a correct header is 5" */
	if (first >> 4 != 4 || length < IP4_FIXED) {
		*end = DECODE_MALFORMED;
		return false;
	}
	ip->tos = cursor_u8(&fixed);
	uint16_t total = cursor_be16(&fixed);
	ip->id = cursor_be16(&fixed);
	uint16_t fragment = cursor_be16(&fixed);
	ip->dont_fragment = fragment & IP4_DF;
	ip->more_fragments = fragment & IP4_MF;
	ip->fragment_offset = fragment & IP4_OFFSET;
	ip->ttl = cursor_u8(&fixed);
	ip->protocol = cursor_u8(&fixed);
	cursor_skip(&fixed, 2); /* the checksum may be the network card's to fill in */
	ip->source = address_v4(cursor_take(&fixed, 4));
	ip->destination = address_v4(cursor_take(&fixed, 4));
	ip->options = length > IP4_FIXED;
	ip->known = true;

	if (!quoted && !limit4(span, total, length, ip, end))
		return false;
	return span_take(span, length - IP4_FIXED, &options, end);
}

static bool fragment6(struct span *span, struct ip *ip, enum decode_end *end)
{
	struct cursor header;
	if (!span_take(span, 8, &header, end))
		return false;
	ip->protocol = cursor_u8(&header);
	cursor_skip(&header, 1);
	uint16_t fragment = cursor_be16(&header);
	ip->fragment_offset = fragment >> 3;
	ip->more_fragments = fragment & 1;
	ip->id = (uint16_t)(cursor_be32(&header) & 0xffff);
	return true;
}

static bool extension6(struct span *span, struct ip *ip, enum decode_end *end)
{
	struct cursor start, rest;
	if (!span_take(span, 8, &start, end))
		return false;
	uint8_t next = cursor_u8(&start);
	uint8_t length = cursor_u8(&start);
	/* RFC 8200 4.3: "Length of the [...] header in 8-octet units, not including the
	 * first 8 octets"; RFC 4302 2.2: "in 32-bit words (4-byte units), minus 2". */
	uint32_t more = ip->protocol == IP6_AUTHENTICATION ? length * 4u : length * 8u;
	if (!span_take(span, more, &rest, end))
		return false;
	ip->options = true;
	ip->protocol = next;
	return true;
}

/* Ends, as every header consumes at least 8 bytes. */
static bool extensions6(struct span *span, struct ip *ip, enum decode_end *end)
{
	for (;;) {
		switch (ip->protocol) {
		case IP6_HOP_BY_HOP:
		case IP6_ROUTING:
		case IP6_AUTHENTICATION:
		case IP6_DESTINATION:
		case IP6_MOBILITY:
		case IP6_HIP:
		case IP6_SHIM6:
			if (!extension6(span, ip, end))
				return false;
			break;
		case IP6_FRAGMENT:
			if (!fragment6(span, ip, end))
				return false;
			/* RFC 8200 4.5: only the first fragment has the headers up to the
			 * upper layer's; what follows here is a piece of the payload. */
			if (ip->fragment_offset > 0)
				return true;
			break;
		default:
			return true;
		}
	}
}

static bool limit6(struct span *span, uint32_t length, struct ip *ip, enum decode_end *end)
{
	/* RFC 2675 3: "The Payload Length field in the IPv6 header must be set to zero in
	 * every packet that carries the Jumbo Payload option"; Linux leaves it zero above
	 * 64 KiB of segmentation offload even without. No TCP packet is empty. */
	ip->zero_length = length == 0 && (ip->protocol == IP6_HOP_BY_HOP || ip->protocol == IP_TCP);
	return ip->zero_length || limit(span, length, ip, end);
}

static bool header6(struct span *span, bool quoted, struct ip *ip, enum decode_end *end)
{
	struct cursor fixed;
	if (!span_take(span, IP6_FIXED, &fixed, end))
		return false;
	uint32_t first = cursor_be32(&fixed);
	if (first >> 28 != 6) {
		*end = DECODE_MALFORMED;
		return false;
	}
	ip->tos = (uint8_t)(first >> 20 & 0xff);
	uint16_t length = cursor_be16(&fixed);
	ip->protocol = cursor_u8(&fixed);
	ip->ttl = cursor_u8(&fixed);
	ip->source = address_v6(cursor_take(&fixed, 16));
	ip->destination = address_v6(cursor_take(&fixed, 16));
	ip->known = true;

	if (!quoted && !limit6(span, length, ip, end))
		return false;
	return extensions6(span, ip, end);
}

/* Version nibble of the packet that follows; 0 when there is none to see. */
static unsigned version_of(const struct span *span)
{
	struct cursor look = span->held;
	return cursor_u8(&look) >> 4;
}

bool decode_ip_header(struct span *span, unsigned version, bool quoted, struct ip *ip,
		      enum decode_end *end)
{
	if (version == 0)
		version = version_of(span);
	if (version == 6)
		return header6(span, quoted, ip, end);
	/* Neither, or nothing there: IPv4's checks name the reason. */
	return header4(span, quoted, ip, end);
}
