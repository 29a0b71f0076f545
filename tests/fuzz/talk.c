#include "talk.h"

#include <string.h>

#include "ssh_samples.h"
#include "sshwhy/frame.h"
#include "sshwhy/packet.h"

/* -- packets -------------------------------------------------------------------------- */

static void record(struct talk *talk, unsigned view, const struct forge *packet)
{
	size_t kept = packet->length;
	struct forge *out = &talk->view[view].out;
	if (talk->snaplen >= 20 && talk->snaplen < kept)
		kept = talk->snaplen;
	forge_record(out, talk->time_us + talk->view[view].ahead_us,
		     cursor_over(packet->bytes, kept), (uint32_t)packet->length);
}

static void ip(struct forge *packet, size_t length, uint8_t protocol, uint8_t ttl,
	       const uint8_t from[4], const uint8_t to[4])
{
	packet->big = true;
	forge_number(packet, 0x4500, 2);
	forge_number(packet, 20 + length, 2);
	forge_number(packet, 0x12344000, 4);
	forge_number(packet, ttl, 1);
	forge_number(packet, protocol, 1);
	forge_number(packet, 0, 2);
	forge_bytes(packet, from, 4);
	forge_bytes(packet, to, 4);
}

struct segment {
	unsigned from;
	uint8_t flags, ttl;
	int32_t shift; /* beside where its side stands */
	struct cursor payload;
};

static void segment_in(struct talk *talk, unsigned index, const struct segment *s)
{
	const struct view *view = &talk->view[index];
	struct forge packet = { 0 };
	ip(&packet, 20 + s->payload.left, IP_TCP, (uint8_t)(s->ttl - view->hops[s->from]),
	   view->address[s->from], view->address[!s->from]);
	forge_number(&packet, view->port[s->from], 2);
	forge_number(&packet, view->port[!s->from], 2);
	forge_number(&packet, talk->next[s->from] + (uint32_t)s->shift + view->shift[s->from], 4);
	forge_number(&packet, s->flags & TCP_ACK ? talk->next[!s->from] + view->shift[!s->from] : 0,
		     4);
	forge_number(&packet, 0x5000u | s->flags, 2);
	forge_number(&packet, 0xfaf0, 2);
	forge_number(&packet, 0, 4);
	forge_bytes(&packet, s->payload.at, s->payload.left);
	record(talk, index, &packet);
	forge_free(&packet);
}

static void say(struct talk *talk, const struct segment *s)
{
	for (unsigned i = 0; i < talk->views; i++)
		if (talk->seen & 1u << i)
			segment_in(talk, i, s);
	talk->time_us += 1000;
	if (s->shift == 0)
		talk->next[s->from] +=
			(uint32_t)s->payload.left + !!(s->flags & (TCP_SYN | TCP_FIN));
}

/* A router's error about the client's SYN. */
static void report(struct talk *talk, uint8_t type, uint8_t code, uint8_t router, uint8_t quoted)
{
	const uint8_t from[4] = { 10, 20, 0, router };
	size_t length = quoted % 21u;
	for (unsigned i = 0; i < talk->views; i++) {
		const struct view *view = &talk->view[i];
		uint8_t quote[20] = { [12] = 0x50, [13] = TCP_SYN };
		uint32_t first = 1 + view->shift[0];
		for (unsigned n = 0; n < 4; n++)
			quote[4 + n] = (uint8_t)(first >> (24 - 8 * n));
		for (unsigned n = 0; n < 4; n++)
			quote[n] = (uint8_t)(view->port[n / 2] >> (n % 2 ? 0 : 8));
		struct forge packet = { 0 };
		if (!(talk->seen & 1u << i))
			continue;
		ip(&packet, 8 + 20 + length, IP_ICMP, 64, from, view->address[0]);
		forge_number(&packet, (uint64_t)type << 8 | code, 2);
		forge_number(&packet, 0, 6);
		ip(&packet, 20, IP_TCP, 1, view->address[0], view->address[1]);
		forge_bytes(&packet, quote, length);
		record(talk, i, &packet);
		forge_free(&packet);
	}
	talk->time_us += 1000;
}

/* -- a conversation ------------------------------------------------------------------- */

void talk_start(struct talk *talk, unsigned views)
{
	*talk = (struct talk){
		.views = views, .seen = 3, .time_us = INT64_C(1700000000000000), .next = { 1, 1000 }
	};
	for (unsigned i = 0; i < views; i++) {
		talk->view[i] = (struct view){ .address = { { 10, 20, 0, 10 }, { 20, 99, 0, 4 } },
					       .port = { 40000, 22 } };
		forge_pcap(&talk->view[i].out, 0xa1b2c3d4, 4, LINK_RAW);
	}
}

void talk_end(struct talk *talk)
{
	for (unsigned i = 0; i < talk->views; i++)
		forge_free(&talk->view[i].out);
}

static struct cursor recorded(unsigned from, size_t at, size_t length)
{
	static struct sample samples[2];
	if (samples[0].length == 0) {
		sample_load(&samples[0], "openssh-client.bin");
		sample_load(&samples[1], "openssh-server.bin");
	}
	struct cursor bytes = cursor_over(samples[from].bytes, samples[from].length);
	cursor_skip(&bytes, at < bytes.left ? at : bytes.left);
	return cursor_part(&bytes, length < bytes.left ? length : bytes.left);
}

void talk_populate(struct talk *talk, uint8_t stages, uint16_t lost)
{
	static const struct {
		uint8_t from, flags;
		uint16_t at, length;
	} base[] = {
		{ 0, TCP_SYN, 0, 0 },
		{ 1, TCP_SYN | TCP_ACK, 0, 0 },
		{ 0, TCP_ACK, 0, 0 },
		{ 1, TCP_PSH | TCP_ACK, 0, 42 },
		{ 0, TCP_PSH | TCP_ACK, 0, 42 },
		{ 1, TCP_PSH | TCP_ACK, 42, 1300 },
		{ 0, TCP_PSH | TCP_ACK, 42, 8192 },
		{ 1, TCP_PSH | TCP_ACK, 1342, 8192 },
		{ 0, TCP_PSH | TCP_ACK, 0, 60 }, /* encrypted: any bytes */
		{ 1, TCP_PSH | TCP_ACK, 0, 60 },
	};
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]) && i < stages % 11u; i++) {
		struct segment s = { .from = base[i].from,
				     .flags = base[i].flags,
				     .ttl = base[i].from ? 60 : 64,
				     .payload = cursor_over(NULL, 0) };
		if (base[i].length > 0)
			s.payload = recorded(base[i].from, base[i].at, base[i].length);
		talk->seen = lost & 1u << i ? 1 : 3;
		say(talk, &s);
	}
	talk->seen = 3;
}

void talk_act(struct talk *talk, struct cursor *input)
{
	static const uint8_t seen[] = { 3, 1, 2, 3 };
	uint8_t what = cursor_u8(input);
	talk->time_us += (int64_t)cursor_u8(input) * 20000;
	uint8_t a = cursor_u8(input), b = cursor_u8(input);
	size_t length = what & 8 ? cursor_u8(input) : 0;
	struct cursor bytes = cursor_part(input, length < input->left ? length : input->left);
	if (talk->views > 1)
		talk->seen = seen[what >> 4 & 3];
	switch (what & 3) {
	case 0:
	case 1:
		say(talk, &(struct segment){ .from = what & 1,
					     .flags = a,
					     .ttl = b,
					     .shift = what & 4 ? (int8_t)(a ^ b) : 0,
					     .payload = bytes });
		break;
	case 2:
		report(talk, a & 15, b & 15, a >> 4, b);
		break;
	default: /* any frame at all */
		forge_record(&talk->view[what >> 4 & 1 && talk->views > 1].out, talk->time_us,
			     bytes, (uint32_t)bytes.left + a);
		break;
	}
}

void talk_stranger(struct talk *talk, unsigned view)
{
	const struct view ours = talk->view[view];
	uint8_t other[4] = { 198, 18, (uint8_t)(talk->time_us >> 8), (uint8_t)talk->time_us };
	memcpy(talk->view[view].address[0], other, sizeof(other));
	talk->view[view].hops[0] = 9;
	segment_in(
		talk, view,
		&(struct segment){ .flags = TCP_SYN, .ttl = 64, .payload = cursor_over(NULL, 0) });
	struct forge out = talk->view[view].out;
	talk->view[view] = ours;
	talk->view[view].out = out;
}
