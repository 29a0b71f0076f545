/* From a file's bytes to reports: the file as it is, or a conversation forged around what the
 * input says, in a plain capture or in a saved run with its notes. */
#include <string.h>

#include "expect.h"
#include "forge.h"
#include "fuzz.h"
#include "judge.h"
#include "ssh_samples.h"
#include "sshwhy/frame.h"
#include "sshwhy/packet.h"
#include "sshwhy/traffic.h"
#include "sshwhy/verdict.h"

static void judge_settled(void *context, const struct report *report)
{
	judge(report, *(const size_t *)context); /* the frames so far */
}

static void analyze_run(struct run *run)
{
	struct report_options options = { .group = "g", .vm = "v" };
	struct arena arena = { 0 };
	struct report report;
	report_build(&report, run, &options, &arena);
	report.attempts = 1;
	report.capture = "capture";
	judge(&report, run->frame_count);
	arena_free(&arena);
}

static void analyze_traffic(struct savefile *savefile, enum vantage vantage)
{
	struct traffic_options options = { .vantage_given = vantage != VANTAGE_UNKNOWN,
					   .vantage = vantage,
					   .report = { .group = "g", .vm = "v" } };
	size_t frames = 0;
	struct traffic *traffic = traffic_new(&options, judge_settled, &frames);
	struct frame frame;
	expect(traffic != NULL);
	while (savefile_next(savefile, &frame) == SAVEFILE_FRAME) {
		frames++;
		traffic_frame(traffic, &frame);
	}
	traffic_end(traffic);
	expect(traffic_tally(traffic).frames == frames);
	traffic_free(traffic);
}

/* As `sshwhy analyze` goes about a file. */
static void analyze(const uint8_t *bytes, size_t length, enum vantage vantage)
{
	struct run run;
	struct error error = { 0 };
	const char *path = forge_file(bytes, length);
	struct savefile *savefile = savefile_open(path, &error);
	if (savefile == NULL) {
		expect(error.code == EXIT_MALFORMED);
		return;
	}
	bool ours = run_begin(&run, savefile);
	if (!ours)
		analyze_traffic(savefile, vantage);
	run_free(&run);
	savefile_close(savefile);
	if (!ours)
		return;
	if (!run_load(&run, path, &error))
		expect(error.code == EXIT_MALFORMED);
	analyze_run(&run);
	run_free(&run);
}

/* -- a conversation ------------------------------------------------------------------- */

struct talk {
	struct forge *out;
	uint8_t snaplen;
	int64_t time_us;
	uint32_t next[2]; /* sequence number of each side's next byte, client first */
};

static const uint8_t addresses[2][4] = { { 10, 20, 0, 10 }, { 20, 99, 0, 4 } };
static const uint16_t ports[2] = { 40000, 22 };

static void record(struct talk *talk, const struct forge *packet)
{
	size_t kept = packet->length;
	if (talk->snaplen >= 20 && talk->snaplen < kept)
		kept = talk->snaplen;
	forge_record(talk->out, talk->time_us, cursor_over(packet->bytes, kept),
		     (uint32_t)packet->length);
	talk->time_us += 1000;
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

static void tcp(struct talk *talk, unsigned from, uint8_t flags, uint8_t ttl, int32_t shift,
		struct cursor payload)
{
	struct forge packet = { 0 };
	ip(&packet, 20 + payload.left, IP_TCP, ttl, addresses[from], addresses[!from]);
	forge_number(&packet, ports[from], 2);
	forge_number(&packet, ports[!from], 2);
	forge_number(&packet, talk->next[from] + (uint32_t)shift, 4);
	forge_number(&packet, flags & TCP_ACK ? talk->next[!from] : 0, 4);
	forge_number(&packet, 0x5000u | flags, 2);
	forge_number(&packet, 0xfaf0, 2);
	forge_number(&packet, 0, 4);
	forge_bytes(&packet, payload.at, payload.left);
	record(talk, &packet);
	forge_free(&packet);
	if (shift == 0)
		talk->next[from] += (uint32_t)payload.left + !!(flags & (TCP_SYN | TCP_FIN));
}

/* A router's error about the client's SYN. */
static void icmp(struct talk *talk, uint8_t type, uint8_t code, uint8_t router, uint8_t quoted)
{
	const uint8_t from[4] = { 10, 20, 0, router };
	struct forge packet = { 0 };
	size_t length = quoted % 21u;
	ip(&packet, 8 + 20 + length, IP_ICMP, 64, from, addresses[0]);
	forge_number(&packet, (uint64_t)type << 8 | code, 2);
	forge_number(&packet, 0, 6);
	ip(&packet, 20, IP_TCP, 1, addresses[0], addresses[1]);
	uint8_t quote[20] = { 0x9c, 0x40, 0, 22, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, TCP_SYN };
	forge_bytes(&packet, quote, length);
	record(talk, &packet);
	forge_free(&packet);
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

/* How far the two have come before the input has its say. */
static void populate(struct talk *talk, uint8_t stages)
{
	struct cursor nothing = cursor_over(NULL, 0);
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
		struct cursor said = nothing;
		if (base[i].length > 0)
			said = recorded(base[i].from, base[i].at, base[i].length);
		tcp(talk, base[i].from, base[i].flags, base[i].from ? 60 : 64, 0, said);
	}
}

static void act(struct talk *talk, struct cursor *input)
{
	uint8_t what = cursor_u8(input);
	talk->time_us += (int64_t)cursor_u8(input) * 20000;
	uint8_t a = cursor_u8(input), b = cursor_u8(input);
	size_t length = what & 8 ? cursor_u8(input) : 0;
	struct cursor bytes = cursor_part(input, length < input->left ? length : input->left);
	switch (what & 3) {
	case 0:
	case 1:
		tcp(talk, what & 1, a, b, what & 4 ? (int8_t)(a ^ b) : 0, bytes);
		break;
	case 2:
		icmp(talk, a & 15, b & 15, a >> 4, b);
		break;
	default: /* any frame at all */
		forge_record(talk->out, talk->time_us, bytes, (uint32_t)bytes.left + a);
		break;
	}
}

static void converse(struct forge *out, struct cursor input)
{
	struct talk talk = { .out = out,
			     .time_us = INT64_C(1700000000000000),
			     .next = { 1, 1000 } };
	uint8_t stages = cursor_u8(&input);
	talk.snaplen = cursor_u8(&input);
	forge_pcap(out, 0xa1b2c3d4, 4, LINK_RAW);
	populate(&talk, stages);
	while (input.left > 0 && !input.failed)
		act(&talk, &input);
}

/* The same in a saved run: the pcap's records become blocks behind a section with notes. */
static void saved(struct forge *out, struct cursor input)
{
	static const char *const notes[] = {
		"{\"sshwhy\":\"run/1\",\"host\":\"vm.example\",\"address\":\"20.99.0.4\","
		"\"port\":22,\"vantage\":\"client\",\"local\":\"10.20.0.10\","
		"\"started\":1700000000000000000,\"stopped\":1700000009000000000}",
		"{\"event\":\"open\",\"way\":\"kernel\",\"purpose\":\"ssh\",\"local_port\":40000,"
		"\"remote_port\":22}",
	};
	forge_section(out);
	for (size_t i = 0; i < 2; i++)
		forge_option(out, 1, cursor_over(notes[i], strlen(notes[i])));
	for (uint8_t count = cursor_u8(&input) % 16; count > 0; count--) {
		size_t length = cursor_u8(&input);
		forge_option(out, 1,
			     cursor_part(&input, length < input.left ? length : input.left));
	}
	forge_end(out, 0);
	forge_begin(out, 1);
	forge_number(out, LINK_RAW, 4);
	forge_number(out, 0, 4);
	forge_end(out, 0);

	struct forge plain = { 0 };
	converse(&plain, input);
	struct cursor rest = cursor_over(plain.bytes, plain.length);
	cursor_skip(&rest, 24);
	while (rest.left > 0 && !rest.failed) {
		uint64_t stamp = cursor_le32(&rest) * UINT64_C(1000000);
		stamp += cursor_le32(&rest);
		uint32_t captured = cursor_le32(&rest), on_wire = cursor_le32(&rest);
		forge_begin(out, 6);
		forge_number(out, 0, 4);
		forge_number(out, stamp >> 32, 4);
		forge_number(out, stamp & 0xffffffff, 4);
		forge_number(out, captured, 4);
		forge_number(out, on_wire, 4);
		forge_padded(out, cursor_part(&rest, captured));
		forge_end(out, 0);
	}
	forge_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	struct forge forge = { 0 };
	uint8_t way = cursor_u8(&input);
	if (way % 3 == 0)
		forge_bytes(&forge, input.at, input.left);
	else if (way % 3 == 1)
		converse(&forge, input);
	else
		saved(&forge, input);
	analyze(forge.bytes, forge.length, (enum vantage)(way / 3 % (VANTAGES + 1)));
	forge_free(&forge);
	return 0;
}
