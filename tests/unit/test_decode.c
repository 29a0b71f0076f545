/* decode(): tables of hex, every valid packet cut at every length, lengths that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/layers.h"
#include "decode_samples.h"
#include "sshwhy/packet.h"

/* -- frames from hex ------------------------------------------------------------ */

#define BYTES_MAX 4096

static size_t from_hex(const char *hex, uint8_t bytes[BYTES_MAX])
{
	size_t digits = 0;
	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		const char *all = "0123456789abcdef", *digit = strchr(all, *hex);
		assert_non_null(digit);
		assert_true(digits / 2 < BYTES_MAX);
		unsigned value = (unsigned)(digit - all);
		if (digits % 2 == 0)
			bytes[digits / 2] = (uint8_t)(value << 4);
		else
			bytes[digits / 2] = (uint8_t)(bytes[digits / 2] | value);
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

/* Decodes a copy that ends exactly where the captured bytes end, so that the
 * sanitizer sees a step further. The payload is checked to lie within it. */
static struct packet decode_exact(uint32_t link, const uint8_t *bytes, size_t captured,
				  size_t on_wire, enum direction direction)
{
	uint8_t *copy = malloc(captured);
	if (captured > 0)
		memcpy(copy, bytes, captured);
	struct frame frame = { .bytes = copy,
			       .captured = (uint32_t)captured,
			       .on_wire = (uint32_t)on_wire,
			       .time_ns = 1234567890123456789,
			       .link = link,
			       .interface = 3,
			       .number = 7,
			       .direction = direction };
	struct packet packet;
	memset(&packet, 0xa5, sizeof(packet));
	decode(&frame, &packet);
	assert_int_equal(packet.number, 7);
	assert_int_equal(packet.time_ns, 1234567890123456789);
	assert_int_equal(packet.interface, 3);
	assert_true(packet.payload_captured <= packet.payload_length);
	assert_int_equal(packet.payload != NULL, packet.payload_captured > 0);
	if (packet.end != DECODE_COMPLETE)
		assert_int_equal(packet.wscale, 255);
	if (packet.payload != NULL) {
		assert_true(packet.payload > copy);
		assert_true(packet.payload + packet.payload_captured <= copy + captured);
		packet.payload = bytes + (packet.payload - copy);
	}
	free(copy);
	return packet;
}

/* -- a packet as one line -------------------------------------------------------- */

struct line {
	char text[1024];
	size_t length;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line->text + line->length, sizeof(line->text) - line->length, format,
			       arguments);
	va_end(arguments);
	assert_true(length >= 0 && (size_t)length < sizeof(line->text) - line->length);
	line->length += (size_t)length;
}

static void add_flags(struct line *line, uint8_t flags)
{
	add(line, " ");
	for (unsigned i = 0; i < 8; i++)
		if (flags & 1u << i)
			add(line, "%c", "FSRPAUEC"[i]);
	if (flags == 0)
		add(line, "0");
}

static void add_ends(struct line *line, const struct address *from, uint16_t from_port,
		     const struct address *to, uint16_t to_port)
{
	char a[ADDRESS_TEXT], b[ADDRESS_TEXT];
	add(line, " %s.%u>%s.%u", address_text(from, a), from_port, address_text(to, b), to_port);
}

static void add_tcp(struct line *line, const struct packet *p)
{
	add_flags(line, p->flags);
	add(line, " seq %" PRIu32, p->sequence);
	if (p->acknowledgement != 0)
		add(line, " ack %" PRIu32, p->acknowledgement);
	add(line, " win %u", p->window);
	if (p->mss != 0)
		add(line, " mss %u", p->mss);
	if (p->wscale != 255)
		add(line, " ws %u", p->wscale);
	if (p->sack_permitted)
		add(line, " sackok");
	if (p->has_sack)
		add(line, " sack");
	if (p->has_timestamp)
		add(line, " ts %" PRIu32 "/%" PRIu32, p->timestamp_value, p->timestamp_echo);
	if (p->payload_length != 0)
		add(line, " payload %u/%u", p->payload_captured, p->payload_length);
}

static void add_icmp(struct line *line, const struct packet *p)
{
	add(line, " icmp %u/%u", p->icmp_type, p->icmp_code);
	if (p->icmp_mtu != 0)
		add(line, " mtu %" PRIu32, p->icmp_mtu);
	const struct quote *q = &p->quote;
	if (!q->present) {
		assert_false(q->has_ports || q->has_sequence || q->has_flags);
		return;
	}
	add(line, " quote");
	add_ends(line, &q->source, q->source_port, &q->destination, q->destination_port);
	add(line, " proto %u ttl %u tos %u id %u", q->protocol, q->ttl, q->tos, q->ip_id);
	if (q->has_ports)
		add(line, " ports");
	if (q->has_sequence)
		add(line, " seq %" PRIu32, q->sequence);
	if (q->has_flags) {
		add_flags(line, q->flags);
		add(line, " ack %" PRIu32 " win %u", q->acknowledgement, q->window);
	}
	if (q->mss != 0)
		add(line, " mss %u", q->mss);
}

static void add_oddities(struct line *line, uint32_t oddities)
{
	static const char *const names[] = { "options",	    "ip-options",  "reserved",
					     "rst-payload", "syn-payload", "zero-length",
					     "trailer",	    "later",	   "first",
					     "encrypted" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (oddities & 1u << i)
			add(line, " !%s", names[i]);
}

static void describe(const struct packet *p, struct line *line)
{
	static const char *const ends[] = { "complete", "cut", "malformed", "other" };
	line->length = 0;
	add(line, "%s", ends[p->end]);
	if (p->direction != DIRECTION_UNKNOWN)
		add(line, " %s", p->direction == DIRECTION_IN ? "in" : "out");
	if (p->loopback)
		add(line, " lo");
	if (p->source.family != 0) {
		add_ends(line, &p->source, p->source_port, &p->destination, p->destination_port);
		add(line, " proto %u ttl %u", p->protocol, p->ttl);
		if (p->tos != 0)
			add(line, " tos %u", p->tos);
		if (p->ip_id != 0)
			add(line, " id %u", p->ip_id);
		if (p->dont_fragment)
			add(line, " df");
	}
	if (p->end == DECODE_COMPLETE && p->protocol == IP_TCP)
		add_tcp(line, p);
	else if (p->end == DECODE_COMPLETE)
		add_icmp(line, p);
	add_oddities(line, p->oddities);
}

#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static bool has_sample(uint32_t link)
{
	for (size_t i = 0; i < SAMPLES; i++)
		if (samples[i].link == link)
			return true;
	return false;
}

static void every_link_type_has_a_sample(void **state)
{
	(void)state;
	for (uint32_t link = 0; link < 1024; link++) /* more than tcpdump.org has given out */
		if (layer_of_link(link) != LAYER_END && !has_sample(link))
			fail_msg("decode_samples.h has no frame of link type %" PRIu32, link);
}

static void decodes_every_sample(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(sample->hex, bytes);
		size_t on_wire = sample->on_wire != 0 ? sample->on_wire : length;
		struct packet packet =
			decode_exact(sample->link, bytes, length, on_wire, sample->direction);
		struct line line;
		describe(&packet, &line);
		if (strcmp(line.text, sample->text) != 0)
			print_error("%s:\n", sample->name);
		assert_string_equal(line.text, sample->text);
	}
}

/* Whether what a cut packet still says is what the whole one says. */
static void check_cut(const struct packet *cut, const struct packet *whole, bool tunnel)
{
	if (cut->source.family != 0 && !(tunnel && cut->end == DECODE_CUT_SHORT)) {
		assert_true(address_equal(&cut->source, &whole->source));
		assert_true(address_equal(&cut->destination, &whole->destination));
		assert_int_equal(cut->ttl, whole->ttl);
	}
	if (cut->end != DECODE_COMPLETE)
		return;
	assert_int_equal(cut->protocol, whole->protocol);
	assert_int_equal(cut->sequence, whole->sequence);
	assert_int_equal(cut->flags, whole->flags);
	assert_int_equal(cut->mss, whole->mss);
	assert_int_equal(cut->wscale, whole->wscale);
	assert_int_equal(cut->oddities, whole->oddities);
	assert_int_equal(cut->payload_length, whole->payload_length);
	assert_int_equal(cut->icmp_type, whole->icmp_type);
	assert_int_equal(cut->icmp_mtu, whole->icmp_mtu);
	const struct quote *quote = &cut->quote, *all = &whole->quote;
	if (quote->present) {
		assert_true(address_equal(&quote->source, &all->source));
		assert_true(!quote->has_ports || quote->source_port == all->source_port);
		assert_true(!quote->has_sequence || quote->sequence == all->sequence);
		assert_true(!quote->has_flags || quote->flags == all->flags);
		assert_true(quote->mss == 0 || quote->mss == all->mss);
	}
}

/* The capture keeps fewer bytes than there were: never the sender's fault. */
static void a_short_capture_is_not_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(sample->hex, bytes);
		size_t on_wire = sample->on_wire != 0 ? sample->on_wire : length;
		struct packet whole = decode_exact(sample->link, bytes, length, on_wire, 0);
		if (whole.end != DECODE_COMPLETE && whole.end != DECODE_OTHER)
			continue;
		bool reached = false;
		for (size_t n = 0; n < length; n++) {
			struct packet cut = decode_exact(sample->link, bytes, n, on_wire, 0);
			if (cut.end != DECODE_CUT_SHORT)
				reached = true;
			if (reached && cut.end != whole.end)
				print_error("%s, %zu bytes:\n", sample->name, n);
			/* Once there is enough, more does not change the verdict. */
			assert_int_equal(cut.end, reached ? whole.end : DECODE_CUT_SHORT);
			check_cut(&cut, &whole, sample->tunnel);
		}
	}
}

/* The frame itself was shorter: never the capture's fault. */
static void a_short_frame_is_not_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(samples[i].hex, bytes);
		for (size_t n = 0; n <= length && !samples[i].fragment; n++) {
			struct packet packet = decode_exact(samples[i].link, bytes, n, n, 0);
			assert_int_not_equal(packet.end, DECODE_CUT_SHORT);
		}
	}
}

static uint64_t next_random(uint64_t *seed) /* xorshift64 */
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever the bytes, nothing is read outside them (the sanitizer watches). */
static void survives_damaged_samples(void **state)
{
	(void)state;
	uint64_t seed = 0x5eed;
	for (unsigned round = 0; round < 200000; round++) {
		const struct sample *sample = &samples[next_random(&seed) % SAMPLES];
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(sample->hex, bytes);
		for (unsigned i = 0; length > 0 && i < 1 + round % 4; i++)
			bytes[next_random(&seed) % length] = (uint8_t)next_random(&seed);
		size_t captured = length - next_random(&seed) % (length / 4 + 1);
		size_t on_wire = captured + next_random(&seed) % 64;
		uint32_t link = round % 8 == 0 ? samples[round % SAMPLES].link : sample->link;
		struct packet packet = decode_exact(link, bytes, captured, on_wire, 0);
		struct line line;
		describe(&packet, &line);
	}
}

/* A frame that claims less than it holds is taken for what it holds. */
static void captured_beyond_the_wire(void **state)
{
	(void)state;
	uint8_t bytes[BYTES_MAX];
	size_t length = from_hex(IP4("0028", "06") SYN, bytes);
	struct packet packet = decode_exact(LINK_RAW, bytes, length, 0, 0);
	assert_int_equal(packet.end, DECODE_COMPLETE);
}

static void payload_is_where_it_is(void **state)
{
	(void)state;
	uint8_t bytes[BYTES_MAX];
	size_t length = from_hex(ETH4 IP4("002c", "06") TCP("5018") "53534821", bytes);
	struct packet packet = decode_exact(LINK_ETHERNET, bytes, length, length, 0);
	assert_ptr_equal(packet.payload, bytes + length - 4);
	assert_memory_equal(packet.payload, "SSH!", 4);
}

/* However often tunnels nest, the work is bounded, and what is too deep is not told. */
static void tunnels_do_not_nest_for_ever(void **state)
{
	(void)state;
	uint8_t bytes[BYTES_MAX];
	for (size_t deep = 1; deep < 150; deep++) {
		size_t length = 0;
		for (size_t i = 0; i < deep; i++) {
			char header[128];
			snprintf(header, sizeof(header),
				 "45 00 %04zx 0007 0000 07 04 0000 0a640001 0a640002",
				 (deep - i) * 20 + 40);
			length += from_hex(header, bytes + length);
		}
		length += from_hex(IP4("0028", "06") SYN, bytes + length);
		struct packet packet = decode_exact(LINK_RAW, bytes, length, length, 0);
		assert_int_equal(packet.end, deep <= 22 ? DECODE_COMPLETE : DECODE_OTHER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_type_has_a_sample),
		cmocka_unit_test(decodes_every_sample),
		cmocka_unit_test(a_short_capture_is_not_malformed),
		cmocka_unit_test(a_short_frame_is_not_cut),
		cmocka_unit_test(survives_damaged_samples),
		cmocka_unit_test(captured_beyond_the_wire),
		cmocka_unit_test(tunnels_do_not_nest_for_ever),
		cmocka_unit_test(payload_is_where_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
