/* From a file's bytes to reports: the file as it is, or a conversation forged around what the
 * input says, in a plain capture or in a saved run with its notes. */
#include <string.h>

#include "expect.h"
#include "forge.h"
#include "fuzz.h"
#include "judge.h"
#include "sshwhy/frame.h"
#include "sshwhy/traffic.h"
#include "sshwhy/verdict.h"
#include "talk.h"

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

static void analyze_traffic(struct savefile *savefile, enum vantage vantage, unsigned smaller)
{
	struct traffic_options options = { .vantage_given = vantage != VANTAGE_UNKNOWN,
					   .vantage = vantage,
					   .smaller = smaller,
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
static void analyze(const uint8_t *bytes, size_t length, enum vantage vantage, unsigned smaller)
{
	struct run run;
	struct error error = { 0 };
	struct savefile *savefile = savefile_over(bytes, length, &error);
	if (savefile == NULL) {
		expect(error.code == EXIT_MALFORMED);
		return;
	}
	if (!run_begin(&run, savefile)) {
		analyze_traffic(savefile, vantage, smaller);
	} else {
		if (!run_frames(&run, savefile, "capture", &error))
			expect(error.code == EXIT_MALFORMED);
		analyze_run(&run);
	}
	run_free(&run);
	savefile_close(savefile);
}

/* -- a conversation ------------------------------------------------------------------- */

static void converse(struct forge *out, struct cursor input)
{
	struct talk talk;
	uint8_t stages = cursor_u8(&input);
	talk_start(&talk, 1);
	talk.snaplen = cursor_u8(&input);
	talk_populate(&talk, stages, 0);
	while (input.left > 0 && !input.failed)
		talk_act(&talk, &input);
	forge_bytes(out, talk.view[0].out.bytes, talk.view[0].out.length);
	talk_end(&talk);
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
	/* Large tables take long to have, and are never full. */
	static const uint8_t smaller[] = { 8, 9, TRAFFIC_SMALLEST };
	analyze(forge.bytes, forge.length, (enum vantage)(way / 3 % (VANTAGES + 1)),
		smaller[way / 3 / (VANTAGES + 1) % sizeof(smaller)]);
	forge_free(&forge);
	return 0;
}
