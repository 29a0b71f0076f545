#include "craft/shape.h"

#include <libnet.h>
#include <stdlib.h>
#include <string.h>

/* Offsets inside the headers: RFC 791 3.1, RFC 8200 3, RFC 9293 3.1. */
enum {
	V4_TOS = 1,
	V4_LENGTH = 2,
	V4_ID = 4,
	V4_TTL = 8,
	V4_CHECKSUM = 10,
	V4_SOURCE = 12,
	V4_HEADER = 20,
	V6_CLASS = 0, /* four bits each in two bytes */
	V6_LENGTH = 4,
	V6_HOP_LIMIT = 7,
	V6_SOURCE = 8,
	V6_HEADER = 40,
	V6_FRAGMENT_ID = V6_HEADER + 4, /* RFC 8200 4.5 */
	V6_FRAGMENT_HEADER = 8,
	V6_MORE = 1,
	TCP_SOURCE_PORT = 0,
	TCP_DESTINATION_PORT = 2,
	TCP_SEQUENCE = 4,
	TCP_ACKNOWLEDGEMENT = 8,
	TCP_FLAGS = 13,
	TCP_WINDOW = 14,
	TCP_CHECKSUM = 16,
	TCP_HEADER = 20,
	SYN_MSS = TCP_HEADER + 2,
	SYN_TIMESTAMPS = TCP_HEADER + 8,
	SEGMENT_TIMESTAMPS = TCP_HEADER + 4,
};

struct options {
	const uint8_t *bytes;
	uint32_t length;
};

/* In the order Linux writes them: boxes that fingerprint clients know this one. */
static const uint8_t syn_options[20] = {
	2, 4,  0, 0,		       /* MSS */
	4, 2,			       /* SACK permitted */
	8, 10, 0, 0, 0, 0, 0, 0, 0, 0, /* timestamps */
	1,			       /* NOP */
	3, 3,  7,		       /* window scale */
};
/* 24 bytes of TCP: a first fragment's payload is a multiple of 8, and holds the whole header,
 * because shorter ones are dropped for good reason (RFC 1858, RFC 7112). */
static const uint8_t fragment_options[4] = { 2, 4, 0, 0 };
static const uint8_t segment_options[12] = { 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0 };

static const struct options options_of[SHAPES] = {
	[SHAPE_SYN] = { syn_options, sizeof(syn_options) },
	[SHAPE_TIMESTAMPED] = { segment_options, sizeof(segment_options) },
	[SHAPE_BARE] = { NULL, 0 },
	[SHAPE_FRAGMENT] = { fragment_options, sizeof(fragment_options) },
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* -- building, once ---------------------------------------------------------- */

static libnet_ptag_t add_v4(libnet_t *net, uint16_t tcp_length, bool fragment)
{
	return libnet_build_ipv4((uint16_t)(V4_HEADER + tcp_length), 0, 1, fragment ? IP_MF : IP_DF,
				 64, IPPROTO_TCP, 0, 0, 0, NULL, 0, net, 0);
}

static libnet_ptag_t add_v6(libnet_t *net, uint16_t tcp_length, bool fragment)
{
	struct libnet_in6_addr none = { 0 };

	if (!fragment)
		return libnet_build_ipv6(0, 0, tcp_length, IPPROTO_TCP, 64, none, none, NULL, 0,
					 net, 0);
	if (libnet_build_ipv6_frag(IPPROTO_TCP, 0, htons(V6_MORE), 0, NULL, 0, net, 0) < 0)
		return -1;
	return libnet_build_ipv6(0, 0, (uint16_t)(V6_FRAGMENT_HEADER + tcp_length),
				 IPPROTO_FRAGMENT, 64, none, none, NULL, 0, net, 0);
}

/* Options before TCP before IP: in any other order libnet links garbage silently. */
static bool add_headers(libnet_t *net, unsigned family, enum shape_kind kind)
{
	const struct options *options = &options_of[kind];
	uint16_t length = (uint16_t)(TCP_HEADER + options->length);

	if (options->length != 0 &&
	    libnet_build_tcp_options(options->bytes, options->length, net, 0) < 0)
		return false;
	if (libnet_build_tcp(0, 0, 0, 0, 0, 0, 0, 0, length, NULL, 0, net, 0) < 0)
		return false;
	bool fragment = kind == SHAPE_FRAGMENT;
	return (family == 6 ? add_v6(net, length, fragment) : add_v4(net, length, fragment)) >= 0;
}

/* With LIBNET_NONE the cull of the advanced interface refuses; the function beneath
 * it, which is exported too, puts the blocks together. */
static bool cull(libnet_t *net, struct shape *shape)
{
	uint8_t *packet = NULL;
	uint32_t length = 0;

	if (libnet_pblock_coalesce(net, &packet, &length) < 0)
		return false;
	bool fits = length <= sizeof(shape->bytes);
	if (fits) {
		memcpy(shape->bytes, packet, length);
		shape->length = length;
	}
	free(packet);
	return fits;
}

static bool build_kind(unsigned family, enum shape_kind kind, struct shape *shape,
		       struct error *error)
{
	char words[LIBNET_ERRBUF_SIZE] = "";
	libnet_t *net = libnet_init(LIBNET_NONE, NULL, words);

	if (net == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "libnet: %s", words);
	bool done = add_headers(net, family, kind) && cull(net, shape);
	if (!done)
		error_set(error, EXIT_UNAVAILABLE, "libnet: %s", libnet_geterror(net));
	libnet_destroy(net);
	shape->tcp = family == 6 ? V6_HEADER : V4_HEADER;
	if (family == 6 && kind == SHAPE_FRAGMENT)
		shape->tcp += V6_FRAGMENT_HEADER;
	return done;
}

bool shape_build(unsigned family, struct shape shapes[SHAPES], struct error *error)
{
	memset(shapes, 0, SHAPES * sizeof(shapes[0]));
	for (unsigned kind = 0; kind < SHAPES; kind++)
		if (!build_kind(family, (enum shape_kind)kind, &shapes[kind], error))
			return false;
	return true;
}

/* -- patching, for every packet ---------------------------------------------- */

/* RFC 1071: the sum of 16-bit words; an odd last byte counts as its word's high half. */
static uint32_t sum(uint32_t total, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		total += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (length % 2 != 0)
		total += (uint32_t)(bytes[length - 1] << 8);
	return total;
}

static uint32_t folded(uint32_t total)
{
	while (total >> 16 != 0)
		total = (total & 0xffff) + (total >> 16);
	return ~total & 0xffff;
}

static void checksum_ip(uint8_t *packet)
{
	put16(packet + V4_CHECKSUM, 0);
	put16(packet + V4_CHECKSUM, folded(sum(0, packet, V4_HEADER)));
}

/* RFC 9293 3.1, RFC 8200 8.1: both pseudo headers add up to addresses, length, protocol. */
static void checksum_tcp(uint8_t *packet, size_t tcp, size_t length)
{
	bool six = tcp >= V6_HEADER;
	uint32_t total = (uint32_t)(length - tcp) + IPPROTO_TCP;

	total = sum(total, packet + (six ? V6_SOURCE : V4_SOURCE), six ? 32 : 8);
	put16(packet + tcp + TCP_CHECKSUM, 0);
	total = sum(total, packet + tcp, length - tcp);
	put16(packet + tcp + TCP_CHECKSUM, folded(total));
}

static void patch_addresses(uint8_t *packet, size_t tcp, const struct address *source,
			    const struct address *destination)
{
	size_t size = tcp >= V6_HEADER ? 16 : 4;
	uint8_t *at = packet + (tcp >= V6_HEADER ? V6_SOURCE : V4_SOURCE);

	memcpy(at, source->bytes, size);
	memcpy(at + size, destination->bytes, size);
}

static void patch_ip(uint8_t *packet, size_t tcp, size_t length,
		     const struct craft_segment *segment)
{
	if (tcp >= V6_HEADER) {
		put16(packet + V6_LENGTH, (uint32_t)(length - V6_HEADER));
		packet[V6_HOP_LIMIT] = segment->ttl;
		packet[V6_CLASS] = (uint8_t)(0x60 | segment->tos >> 4);
		packet[V6_CLASS + 1] = (uint8_t)(segment->tos << 4);
		if (tcp > V6_HEADER)
			put32(packet + V6_FRAGMENT_ID, segment->ip_id);
		return;
	}
	put16(packet + V4_LENGTH, (uint32_t)length);
	put16(packet + V4_ID, segment->ip_id);
	packet[V4_TTL] = segment->ttl;
	packet[V4_TOS] = segment->tos;
	checksum_ip(packet);
}

static void patch_options(uint8_t *header, const struct craft_segment *segment)
{
	enum shape_kind kind = shape_of(segment);

	if (kind == SHAPE_SYN || kind == SHAPE_FRAGMENT)
		put16(header + SYN_MSS, segment->mss);
	if (kind == SHAPE_BARE || kind == SHAPE_FRAGMENT)
		return;
	uint8_t *stamps = header + (kind == SHAPE_SYN ? SYN_TIMESTAMPS : SEGMENT_TIMESTAMPS);
	put32(stamps, segment->timestamp_value);
	put32(stamps + 4, segment->timestamp_echo);
}

static void patch_tcp(uint8_t *header, const struct craft_segment *segment)
{
	put16(header + TCP_SOURCE_PORT, segment->source_port);
	put16(header + TCP_DESTINATION_PORT, segment->destination_port);
	put32(header + TCP_SEQUENCE, segment->sequence);
	put32(header + TCP_ACKNOWLEDGEMENT, segment->acknowledgement);
	header[TCP_FLAGS] = segment->flags;
	put16(header + TCP_WINDOW, segment->window);
	patch_options(header, segment);
}

enum shape_kind shape_of(const struct craft_segment *segment)
{
	if (segment->fragment)
		return SHAPE_FRAGMENT;
	if ((segment->flags & TCP_SYN) != 0 && !segment->plain)
		return SHAPE_SYN;
	return segment->has_timestamp ? SHAPE_TIMESTAMPED : SHAPE_BARE;
}

size_t shape_fill(const struct shape *shape, const struct address *source,
		  const struct address *destination, const struct craft_segment *segment,
		  uint8_t packet[PACKET_MAX])
{
	size_t length = shape->length + segment->payload_length;

	if (segment->payload_length > CRAFT_PAYLOAD_MAX)
		return 0;
	memcpy(packet, shape->bytes, shape->length);
	if (segment->payload_length != 0)
		memcpy(packet + shape->length, segment->payload, segment->payload_length);
	patch_addresses(packet, shape->tcp, source, destination);
	patch_ip(packet, shape->tcp, length, segment);
	patch_tcp(packet + shape->tcp, segment);
	checksum_tcp(packet, shape->tcp, length);
	return length;
}
