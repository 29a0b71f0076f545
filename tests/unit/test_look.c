/* The first look: what it drops, decode() would have dropped; and it drops what it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sshwhy/packet.h"
#include "traffic/look.h"

enum { HTTPS = 443, SSH = 22, OTHER = 40000, VXLAN = 4789, VXLAN_LINUX = 8472, GENEVE = 6081 };

struct image {
	uint8_t bytes[512];
	size_t length;
	uint32_t link;
};

static void put(struct image *image, const void *bytes, size_t length)
{
	memcpy(image->bytes + image->length, bytes, length);
	image->length += length;
}

static void put16(struct image *image, unsigned value)
{
	uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };
	put(image, bytes, sizeof(bytes));
}

/* -- layers ------------------------------------------------------------------------------ */

struct shape {
	uint32_t link;
	unsigned tags;
	bool v6;
	uint16_t tunnel; /* UDP port of a VXLAN around the packet, 0: none */
	uint8_t protocol;
	uint16_t source, destination;
	uint8_t flags, icmp_type;
	const char *text;
};

static void put_link(struct image *image, const struct shape *shape)
{
	static const uint8_t macs[] = "\x02\0\0\0\0\x01\x02\0\0\0\0\x02";
	static const uint16_t tags[] = { 0x88a8, 0x8100, 0x9100 };
	unsigned type = shape->v6 ? 0x86dd : 0x0800;
	image->link = shape->link;
	if (shape->link == LINK_LINUX_SLL2) {
		put16(image, type);
		put(image, (uint8_t[18]){ 0 }, 18);
	} else if (shape->link == LINK_LINUX_SLL) {
		put(image, (uint8_t[14]){ 0 }, 14);
		put16(image, type);
	} else if (shape->link == LINK_ETHERNET) {
		put(image, macs, 12);
		for (unsigned i = 0; i < shape->tags; i++) {
			put16(image, tags[i % 3]);
			put16(image, 7);
		}
		put16(image, type);
	}
}

static void put_ip(struct image *image, bool v6, uint8_t protocol, size_t length)
{
	uint8_t header[40] = {
		0x60, 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length, protocol, 64
	};
	header[8] = header[24] = 0x20;
	header[39] = 1;
	if (!v6) {
		memset(header, 0, sizeof(header));
		header[0] = 0x45;
		header[2] = (uint8_t)((length + 20) >> 8);
		header[3] = (uint8_t)(length + 20);
		header[8] = 64;
		header[9] = protocol;
		header[12] = header[16] = 10;
		header[19] = 1;
	}
	put(image, header, v6 ? 40 : 20);
}

static void put_udp(struct image *image, const struct shape *shape, unsigned port, size_t length)
{
	put16(image, shape->source);
	put16(image, port);
	put16(image, (unsigned)(8 + length));
	put16(image, 0);
}

static void put_tcp(struct image *image, const struct shape *shape)
{
	uint8_t rest[] = { 0, 0, 0, 9, 0, 0, 0, 9, 6 << 4, shape->flags,
			   1, 0, 0, 0, 0, 0, 1, 1, 1,	   0 };
	put16(image, shape->source);
	put16(image, shape->destination);
	put(image, rest, sizeof(rest));
	put(image, shape->text, strlen(shape->text));
}

/* An error that quotes a SYN to port 22. */
static void put_icmp(struct image *image, const struct shape *shape)
{
	struct shape syn = { .source = OTHER, .destination = SSH, .flags = TCP_SYN, .text = "" };
	uint8_t header[8] = { shape->icmp_type };
	put(image, header, sizeof(header));
	put_ip(image, shape->v6, IP_TCP, 24);
	put_tcp(image, &syn);
}

static void put_packet(struct image *image, const struct shape *shape)
{
	struct image inner = { 0 };
	if (shape->protocol == IP_TCP)
		put_tcp(&inner, shape);
	else if (shape->protocol == IP_UDP)
		put_udp(&inner, shape, shape->destination, 0);
	else
		put_icmp(&inner, shape);
	put_ip(image, shape->v6, shape->protocol, inner.length);
	put(image, inner.bytes, inner.length);
}

static struct image image_of(const struct shape *shape)
{
	struct image image = { 0 }, inner = { 0 };
	put_link(&image, shape);
	if (shape->tunnel == 0) {
		put_packet(&image, shape);
		return image;
	}
	struct shape within = *shape;
	within.link = LINK_ETHERNET;
	put(&inner, shape->tunnel == GENEVE ? "\0\0\x65\x58\0\0\0" : "\x08\0\0\0\0\0\0", 8);
	put_link(&inner, &within);
	put_packet(&inner, &within);
	put_ip(&image, shape->v6, IP_UDP, 8 + inner.length);
	put_udp(&image, shape, shape->tunnel, inner.length);
	put(&image, inner.bytes, inner.length);
	return image;
}

/* -- what is wanted ---------------------------------------------------------------------- */

/* As the traffic is read: SSH by its port, any SYN, a stream that begins with "SSH-", and
 * errors that quote TCP (in IPv4 only those that end an attempt: no redirect, no quench). */
static bool is_wanted(const struct packet *p)
{
	if (p->end != DECODE_COMPLETE)
		return p->end == DECODE_CUT_SHORT && p->protocol == IP_TCP && p->source_port != 0 &&
		       p->flags & TCP_SYN;
	if (p->protocol == IP_ICMP && p->icmp_type != 3 && p->icmp_type != 11)
		return false;
	if (p->protocol != IP_TCP)
		return p->quote.present && p->quote.has_ports && p->quote.protocol == IP_TCP;
	return p->source_port == SSH || p->destination_port == SSH || p->flags & TCP_SYN ||
	       (p->payload_captured >= 4 && memcmp(p->payload, "SSH-", 4) == 0);
}

static struct frame frame_of(const struct image *image, size_t captured)
{
	return (struct frame){ .bytes = image->bytes,
			       .captured = (uint32_t)captured,
			       .on_wire = (uint32_t)image->length,
			       .link = image->link };
}

/* Whole, and cut at every length. Returns whether the whole frame was wanted. */
static bool check(const struct look *look, const struct shape *shape)
{
	struct packet packet;
	struct image image = image_of(shape);
	for (size_t captured = 0; captured <= image.length; captured++) {
		struct frame frame = frame_of(&image, captured);
		decode(&frame, &packet);
		if (is_wanted(&packet) && !look_at(look, &frame))
			fail_msg("dropped: link %u, %u tags, IPv%d, tunnel %u, protocol %u, %u to "
				 "%u, "
				 "flags %02x, ICMP type %u, \"%s\", %zu bytes",
				 shape->link, shape->tags, shape->v6 ? 6 : 4, shape->tunnel,
				 shape->protocol, shape->source, shape->destination, shape->flags,
				 shape->icmp_type, shape->text, captured);
	}
	return is_wanted(&packet);
}

static const uint32_t links[] = { LINK_ETHERNET, LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_RAW };
static const uint16_t tunnels[] = { 0, VXLAN, VXLAN_LINUX, GENEVE };

struct around {
	uint32_t link;
	unsigned tags;
	bool v6;
	uint16_t tunnel;
};

/* Every way to wrap a packet that the look knows. */
static bool next_around(unsigned *n, struct around *around)
{
	unsigned i = (*n)++;
	*around = (struct around){ links[i % 4], i / 4 % 4, i / 16 % 2, tunnels[i / 32 % 4] };
	return i < 4 * 4 * 2 * 4;
}

static void wrap(struct shape *shape, const struct around *around)
{
	shape->link = around->link;
	shape->tags = around->tags;
	shape->v6 = around->v6;
	shape->tunnel = around->tunnel;
}

/* -- tests ------------------------------------------------------------------------------- */

static void nothing_wanted_is_dropped(void **state)
{
	static const struct shape wanted[] = {
		{ .protocol = IP_TCP,
		  .source = OTHER,
		  .destination = SSH,
		  .flags = TCP_ACK,
		  .text = "" },
		{ .protocol = IP_TCP,
		  .source = SSH,
		  .destination = OTHER,
		  .flags = TCP_RST,
		  .text = "" },
		{ .protocol = IP_TCP,
		  .source = OTHER,
		  .destination = HTTPS,
		  .flags = TCP_SYN,
		  .text = "" },
		{ .protocol = IP_TCP,
		  .source = HTTPS,
		  .destination = OTHER,
		  .flags = TCP_SYN | TCP_ACK,
		  .text = "" },
		{ .protocol = IP_TCP,
		  .source = OTHER,
		  .destination = HTTPS,
		  .flags = TCP_ACK,
		  .text = "SSH-2.0-x" },
	};
	struct look look;
	struct around around;
	(void)state;
	look_start(&look, NULL, 0);
	for (unsigned n = 0; next_around(&n, &around);) {
		for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
			struct shape shape = wanted[i];
			wrap(&shape, &around);
			assert_true(check(&look, &shape));
		}
		for (unsigned type = 0; type < 256; type++) {
			struct shape shape = { .icmp_type = (uint8_t)type, .text = "" };
			wrap(&shape, &around);
			shape.protocol = shape.v6 ? IP_ICMP6 : IP_ICMP;
			bool tells = check(&look, &shape);
			if (type == (shape.v6 ? 1 : 3))
				assert_true(tells);
		}
	}
}

static void others_are_dropped(void **state)
{
	static const struct shape others[] = {
		{ .protocol = IP_TCP,
		  .source = OTHER,
		  .destination = HTTPS,
		  .flags = TCP_ACK,
		  .text = "GET /" },
		{ .protocol = IP_TCP,
		  .source = HTTPS,
		  .destination = OTHER,
		  .flags = TCP_RST,
		  .text = "" },
		{ .protocol = IP_UDP, .source = OTHER, .destination = HTTPS, .text = "" },
		{ .protocol = IP_UDP, .source = VXLAN, .destination = OTHER, .text = "" },
	};
	struct look look;
	struct around around;
	(void)state;
	look_start(&look, NULL, 0);
	for (unsigned n = 0; next_around(&n, &around);)
		for (size_t i = 0; around.tunnel == 0 && i < sizeof(others) / sizeof(*others);
		     i++) {
			struct shape shape = others[i];
			wrap(&shape, &around);
			struct image image = image_of(&shape);
			struct frame frame = frame_of(&image, image.length);
			assert_false(look_at(&look, &frame));
		}
}

static void other_ports(void **state)
{
	static const uint16_t ports[] = { 2222, 65535 };
	struct shape shape = { .link = LINK_ETHERNET,
			       .protocol = IP_TCP,
			       .source = OTHER,
			       .flags = TCP_ACK,
			       .text = "" };
	struct look look;
	(void)state;
	look_start(&look, ports, 2);
	for (unsigned port = 0; port <= 65535; port++) {
		shape.destination = (uint16_t)port;
		struct image image = image_of(&shape);
		struct frame frame = frame_of(&image, image.length);
		assert_int_equal(look_at(&look, &frame),
				 port == SSH || port == 2222 || port == 65535);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_wanted_is_dropped),
		cmocka_unit_test(others_are_dropped),
		cmocka_unit_test(other_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
