/* probe/craft/shape: every shape in both families, read back by decode(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "craft/shape.h"
#include "sshwhy/packet.h"

static const struct pair {
	const char *source, *destination;
	size_t ip_header;
} pairs[] = {
	{ "10.20.0.10", "20.99.0.4", 20 },
	{ "2001:db8::10", "2001:db8:99::4", 40 },
};

static const uint8_t payload[CRAFT_PAYLOAD_MAX + 1] = "SSH-2.0-OpenSSH_9.2p1\r\n";

static const struct row {
	const char *name;
	struct craft_segment segment;
	size_t tcp_header;
} rows[] = {
	{ "syn",
	  { .source_port = 61001,
	    .destination_port = 22,
	    .sequence = 0xfffffffe,
	    .flags = TCP_SYN,
	    .ttl = 3,
	    .tos = 0xb8,
	    .ip_id = 0x8003,
	    .window = 64240,
	    .mss = 1460,
	    .timestamp_value = 0x01020304 },
	  40 },
	{ "syn with ecn",
	  { .source_port = 1,
	    .destination_port = 65535,
	    .sequence = 0,
	    .flags = TCP_SYN | TCP_ECE | TCP_CWR,
	    .ttl = 255,
	    .tos = 0x48,
	    .ip_id = 1,
	    .window = 65535,
	    .mss = 536 },
	  40 },
	{ "ack",
	  { .source_port = 61001,
	    .destination_port = 22,
	    .sequence = 7,
	    .acknowledgement = 9,
	    .flags = TCP_ACK,
	    .ttl = 64,
	    .ip_id = 2,
	    .window = 502 },
	  20 },
	{ "reset",
	  { .source_port = 61001,
	    .destination_port = 22,
	    .sequence = 0x80000000,
	    .flags = TCP_RST,
	    .ttl = 64,
	    .ip_id = 0xffff },
	  20 },
	{ "data with timestamps, odd",
	  { .source_port = 61001,
	    .destination_port = 22,
	    .sequence = 7,
	    .acknowledgement = 9,
	    .flags = TCP_ACK | TCP_PSH,
	    .ttl = 5,
	    .ip_id = 2,
	    .window = 502,
	    .has_timestamp = true,
	    .timestamp_value = 0xffffffff,
	    .timestamp_echo = 0x89abcdef,
	    .payload = payload,
	    .payload_length = 23 },
	  32 },
	{ "plain syn",
	  { .source_port = 61001,
	    .destination_port = 22,
	    .sequence = 7,
	    .flags = TCP_SYN,
	    .ttl = 64,
	    .ip_id = 2,
	    .window = 64240,
	    .plain = true },
	  20 },
	{ "first fragment of a syn",
	  { .source_port = 61001,
	    .destination_port = 22,
	    .sequence = 7,
	    .flags = TCP_SYN,
	    .ttl = 64,
	    .ip_id = 0x8001,
	    .window = 64240,
	    .mss = 1460,
	    .fragment = true },
	  24 },
	{ "data, even",
	  { .source_port = 61001,
	    .destination_port = 22,
	    .sequence = 7,
	    .acknowledgement = 9,
	    .flags = TCP_ACK | TCP_PSH,
	    .ttl = 5,
	    .ip_id = 2,
	    .window = 502,
	    .payload = payload,
	    .payload_length = CRAFT_PAYLOAD_MAX },
	  20 },
};

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]), ROWS = sizeof(rows) / sizeof(rows[0]) };

static size_t fill(const struct pair *pair, const struct craft_segment *segment,
		   uint8_t bytes[PACKET_MAX])
{
	struct address source = address_parse(pair->source);
	struct address destination = address_parse(pair->destination);
	struct shape shapes[SHAPES];
	struct error error = { 0 };

	if (!shape_build(source.family, shapes, &error))
		fail_msg("%s", error.text);
	return shape_fill(&shapes[shape_of(segment)], &source, &destination, segment, bytes);
}

static struct packet read_back(const uint8_t *bytes, size_t length)
{
	struct frame frame = { .bytes = bytes,
			       .captured = (uint32_t)length,
			       .on_wire = (uint32_t)length,
			       .link = LINK_RAW,
			       .number = 1 };
	struct packet packet;

	decode(&frame, &packet);
	return packet;
}

static void same_tcp(const struct packet *packet, const struct craft_segment *segment)
{
	assert_int_equal(packet->source_port, segment->source_port);
	assert_int_equal(packet->destination_port, segment->destination_port);
	assert_int_equal(packet->sequence, segment->sequence);
	assert_int_equal(packet->acknowledgement, segment->acknowledgement);
	assert_int_equal(packet->flags, segment->flags);
	assert_int_equal(packet->window, segment->window);
	assert_int_equal(packet->payload_length, segment->payload_length);
	if (segment->payload_length != 0)
		assert_memory_equal(packet->payload, segment->payload, segment->payload_length);
}

static void same_options(const struct packet *packet, const struct craft_segment *segment)
{
	bool few = segment->plain || segment->fragment; /* none, and the MSS alone */
	bool syn = (segment->flags & TCP_SYN) != 0 && !few;

	assert_int_equal(packet->mss, syn || segment->fragment ? segment->mss : 0);
	assert_int_equal(packet->wscale, syn ? 7 : 255);
	assert_int_equal(packet->sack_permitted, syn);
	assert_int_equal(packet->has_timestamp, syn || segment->has_timestamp);
	if (!packet->has_timestamp)
		return;
	assert_int_equal(packet->timestamp_value, segment->timestamp_value);
	assert_int_equal(packet->timestamp_echo, segment->timestamp_echo);
}

static void same_ip(const struct packet *packet, const struct pair *pair,
		    const struct craft_segment *segment)
{
	struct address source = address_parse(pair->source);
	struct address destination = address_parse(pair->destination);

	assert_true(address_equal(&packet->source, &source));
	assert_true(address_equal(&packet->destination, &destination));
	assert_int_equal(packet->protocol, IP_TCP);
	assert_int_equal(packet->ttl, segment->ttl);
	assert_int_equal(packet->tos, segment->tos);
	if (source.family != 4)
		return;
	assert_int_equal(packet->ip_id, segment->ip_id);
	assert_int_equal(packet->dont_fragment, !segment->fragment);
}

/* RFC 8200 4.5: the fragment header takes 8 bytes. */
static size_t tcp_at(const struct pair *pair, const struct craft_segment *segment)
{
	return pair->ip_header + (segment->fragment && pair->ip_header == 40 ? 8 : 0);
}

static void reads_back(void **state)
{
	uint8_t bytes[PACKET_MAX];

	(void)state;
	for (size_t i = 0; i < PAIRS * ROWS; i++) {
		const struct pair *pair = &pairs[i / ROWS];
		const struct row *row = &rows[i % ROWS];
		size_t length = fill(pair, &row->segment, bytes);

		print_message("%s %s\n", pair->source, row->name);
		assert_int_equal(length, tcp_at(pair, &row->segment) + row->tcp_header +
						 row->segment.payload_length);
		struct packet packet = read_back(bytes, length);
		assert_int_equal(packet.end, DECODE_COMPLETE);
		assert_int_equal(packet.oddities, row->segment.fragment ? ODD_FIRST_FRAGMENT : 0);
		same_ip(&packet, pair, &row->segment);
		same_tcp(&packet, &row->segment);
		same_options(&packet, &row->segment);
	}
}

/* RFC 1071: a region that holds its own checksum adds up to ffff. Byte by byte, unlike
 * the code under test, and with the pseudo header written out. */
static unsigned ones_sum(const uint8_t *bytes, size_t length)
{
	unsigned long total = 0;

	for (size_t i = 0; i < length; i++)
		total += (unsigned long)bytes[i] << (i % 2 == 0 ? 8 : 0);
	return (unsigned)(total % 0xffff == 0 && total != 0 ? 0xffff : total % 0xffff);
}

static size_t pseudo(const uint8_t *packet, size_t length, size_t tcp, uint8_t *out)
{
	size_t addresses = tcp >= 40 ? 32 : 8;
	size_t tcp_length = length - tcp;

	memcpy(out, packet + (tcp >= 40 ? 8 : 12), addresses);
	uint8_t tail[8] = { 0, 0, (uint8_t)(tcp_length >> 8), (uint8_t)tcp_length, 0, 0, 0, 6 };
	memcpy(out + addresses, tail, sizeof(tail));
	memcpy(out + addresses + sizeof(tail), packet + tcp, tcp_length);
	return addresses + sizeof(tail) + tcp_length;
}

static void sums_are_right(void **state)
{
	uint8_t bytes[PACKET_MAX], whole[PACKET_MAX + 8];

	(void)state;
	for (size_t i = 0; i < PAIRS * ROWS; i++) {
		const struct pair *pair = &pairs[i / ROWS];
		size_t length = fill(pair, &rows[i % ROWS].segment, bytes);
		size_t tcp = tcp_at(pair, &rows[i % ROWS].segment);
		size_t covered = pseudo(bytes, length, tcp, whole);

		assert_int_equal(ones_sum(whole, covered), 0xffff);
		if (pair->ip_header == 20)
			assert_int_equal(ones_sum(bytes, 20), 0xffff);
	}
}

/* Seen on the wire: tcpdump calls both checksums correct. */
static void syn_byte_by_byte(void **state)
{
	static const struct pair lab = { "10.91.0.1", "10.91.0.2", 20 };
	static const struct craft_segment syn = {
		.source_port = 61001,
		.destination_port = 22,
		.sequence = 1000,
		.flags = TCP_SYN,
		.ttl = 64,
		.ip_id = 0x8001,
		.window = 64240,
		.mss = 1460,
		.timestamp_value = 77,
	};
	static const uint8_t expected[] =
		"\x45\x00\x00\x3c\x80\x01\x40\x00\x40\x06\xa6\x02\x0a\x5b\x00\x01\x0a\x5b\x00\x02"
		"\xee\x49\x00\x16\x00\x00\x03\xe8\x00\x00\x00\x00\xa0\x02\xfa\xf0\x45\xc2\x00\x00"
		"\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x4d\x00\x00\x00\x00\x01\x03\x03\x07";
	uint8_t bytes[PACKET_MAX];

	(void)state;
	assert_int_equal(fill(&lab, &syn, bytes), 60);
	assert_memory_equal(bytes, expected, 60);
}

/* RFC 8200 4.5: next header, reserved, offset 0 with the M flag, identification. */
static void fragment_header_byte_by_byte(void **state)
{
	static const uint8_t expected[8] = { 6, 0, 0, 1, 0, 0, 0x80, 0x01 };
	const struct craft_segment segment = { .flags = TCP_SYN,
					       .ip_id = 0x8001,
					       .fragment = true };
	uint8_t bytes[PACKET_MAX];

	(void)state;
	assert_int_equal(fill(&pairs[1], &segment, bytes), 40 + 8 + 24);
	assert_int_equal(bytes[6], 44);
	assert_int_equal(bytes[5], 8 + 24);
	assert_memory_equal(bytes + 40, expected, sizeof(expected));
	assert_int_equal(fill(&pairs[0], &segment, bytes), 20 + 24);
	assert_int_equal(bytes[6], 0x20); /* RFC 791: MF, and offset 0 */
	assert_int_equal(bytes[7], 0);
}

static void payload_limit(void **state)
{
	struct craft_segment segment = { .flags = TCP_ACK, .payload = payload };
	uint8_t bytes[PACKET_MAX];

	(void)state;
	for (size_t i = 0; i < PAIRS; i++) {
		size_t headers = pairs[i].ip_header + 20;

		segment.payload_length = CRAFT_PAYLOAD_MAX - 1;
		assert_int_equal(fill(&pairs[i], &segment, bytes), headers + CRAFT_PAYLOAD_MAX - 1);
		segment.payload_length = CRAFT_PAYLOAD_MAX;
		assert_int_equal(fill(&pairs[i], &segment, bytes), headers + CRAFT_PAYLOAD_MAX);
		segment.payload_length = CRAFT_PAYLOAD_MAX + 1;
		assert_int_equal(fill(&pairs[i], &segment, bytes), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back),	    cmocka_unit_test(sums_are_right),
		cmocka_unit_test(syn_byte_by_byte), cmocka_unit_test(fragment_header_byte_by_byte),
		cmocka_unit_test(payload_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
