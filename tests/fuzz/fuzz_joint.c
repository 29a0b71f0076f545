/* From two or three captures of one conversation to joined reports: what the client's end shows,
 * and what comes of it behind NAT, firewalls and another clock. */
#include <stdio.h>

#include "expect.h"
#include "fuzz.h"
#include "judge.h"
#include "sshwhy/frame.h"
#include "sshwhy/joint.h"
#include "sshwhy/savefile.h"
#include "talk.h"

struct judging {
	size_t frames; /* of the longest capture: whose frames a report names is its own affair */
	unsigned reports;
};

static void judge_settled(void *context, const struct report *report)
{
	struct judging *judging = context;
	judging->reports++;
	judge(report, judging->frames);
}

/* -- as `sshwhy analyze A B` goes about them ------------------------------------------- */

static void read_capture(struct joint *joint, const char *name, const struct forge *capture,
			 const struct traffic_options *given, struct judging *judging)
{
	struct traffic_options options = *given;
	struct error error = { 0 };
	struct frame frame;
	struct savefile *savefile = savefile_over(capture->bytes, capture->length, &error);
	expect(savefile != NULL);
	options.heir = joint_begin(joint, name, &options);
	struct traffic *traffic = traffic_new(&options, judge_settled, judging);
	expect(traffic != NULL);
	for (size_t frames = 1; savefile_next(savefile, &frame) == SAVEFILE_FRAME; frames++) {
		if (frames > judging->frames)
			judging->frames = frames;
		traffic_frame(traffic, &frame);
	}
	traffic_end(traffic);
	struct traffic_tally tally = traffic_tally(traffic);
	traffic_free(traffic);
	joint_capture(joint, &tally);
	savefile_close(savefile);
}

static void set_vantage(struct traffic_options *options, unsigned given)
{
	options->vantage_given = given != 0;
	options->vantage = given != 0 ? (enum vantage)(given - 1) : VANTAGE_UNKNOWN;
}

static void analyze(const struct talk *talk, uint8_t how, uint8_t vantages)
{
	struct traffic_options options = { .report = { .group = "g", .vm = "v" },
					   /* no table of 128 KiB: see options.c */
					   .smaller = how & 4 ? TRAFFIC_SMALLEST : 8 };
	struct judging judging = { 0 };
	struct joint *joint = joint_new(&options, judge_settled, &judging);
	expect(joint != NULL);
	unsigned first = how & 1;
	set_vantage(&options, vantages % (VANTAGES + 1u));
	read_capture(joint, "first", &talk->view[first].out, &options, &judging);
	set_vantage(&options, vantages / (VANTAGES + 1u) % (VANTAGES + 1u));
	read_capture(joint, "second", &talk->view[!first].out, &options, &judging);
	if (how & 2)
		read_capture(joint, "third", &talk->view[how >> 3 & 1].out, &options, &judging);
	joint_end(joint);
	joint_free(joint);
}

/* -- what the input says ----------------------------------------------------------------- */

/* What stands between the two captures. */
static void put_between(struct view *far, uint8_t what, uint8_t clock)
{
	static const uint8_t outside[4] = { 198, 51, 100, 2 }, inside[4] = { 10, 1, 0, 4 };
	far->ahead_us = (int64_t)(int8_t)clock * 50000;
	for (unsigned i = 0; i < 4 && what & 1; i++)
		far->address[0][i] = outside[i];
	for (unsigned i = 0; i < 4 && what & 2; i++)
		far->address[1][i] = inside[i];
	far->port[0] = what & 4 ? 1024 : far->port[0];
	far->port[1] = what & 8 ? 2222 : far->port[1];
	far->shift[0] = what & 16 ? 0xfffffff0 : 0;
	far->shift[1] = what & 32 ? 0x7fffffff : 0;
	far->hops[0] = what & 64 ? 4 : 0;
	far->hops[1] = what & 64 ? (uint8_t)-4 : 0; /* (talk.c's TTLs are the client's) */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	struct talk talk;
	uint8_t how = cursor_u8(&input), vantages = cursor_u8(&input);
	uint8_t between = cursor_u8(&input), clock = cursor_u8(&input);
	uint8_t stages = cursor_u8(&input);
	uint16_t lost = cursor_be16(&input);
	talk_start(&talk, 2);
	talk.snaplen = cursor_u8(&input);
	put_between(&talk.view[1], between, clock);
	/* The second goes on before and after, and shows what others send. */
	int64_t start_us = talk.time_us;
	for (unsigned i = 0; i < 4 && between & 128; i++) {
		talk.time_us = start_us - INT64_C(30000000) + i * INT64_C(100000);
		talk_stranger(&talk, 1);
	}
	talk.time_us = start_us;
	talk_populate(&talk, stages, lost);
	while (input.left > 0 && !input.failed)
		talk_act(&talk, &input);
	talk.time_us += INT64_C(30000000);
	if (between & 128)
		talk_stranger(&talk, 1);
	analyze(&talk, how, vantages);
	talk_end(&talk);
	return 0;
}
