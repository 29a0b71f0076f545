/* What is made of a port that answers at first, and then no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"

#define MS(n) ((int64_t)(n)*1000000)

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange exchange, *exchanges[1];
	struct sent sent[4];
	struct observation observation;
};

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.port = 22;
	scene->run.address = address_parse("20.99.0.4");
	scene->exchanges[0] = &scene->exchange;
	scene->exchange = (struct exchange){ .purpose = PURPOSE_SSH, .sent = scene->sent };
	scene->track =
		(struct track){ .run = &scene->run, .exchanges = scene->exchanges, .count = 1 };
	scene->observation = (struct observation){ .track = &scene->track,
						   .run = &scene->run,
						   .arena = &scene->run.arena,
						   .facts = &scene->facts,
						   .now_ns = MS(9000) };
}

static void add_sent(struct scene *scene, int64_t ms, enum reply reply, const char *from)
{
	struct sent *sent = &scene->sent[scene->exchange.sent_count++];
	*sent = (struct sent){ .frame = scene->exchange.sent_count,
			       .time_ns = MS(ms),
			       .ttl = 64,
			       .reply = reply,
			       .reply_ns = MS(ms + 5),
			       .from = address_parse(from),
			       .icmp_type = 3,
			       .icmp_code = 3 };
}

static void assert_later(struct scene *scene, enum answer syn, enum answer later)
{
	observe_syn(&scene->observation);
	assert_int_equal(fact_answer(&scene->facts, QUESTION_SYN), syn);
	assert_int_equal(fact_answer(&scene->facts, QUESTION_LATER), later);
	run_free(&scene->run);
}

static void a_later_syn_is_rejected(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	add_sent(&scene, 0, REPLY_SYN_ACK, "20.99.0.4");
	add_sent(&scene, 900, REPLY_UNREACHABLE, "20.99.0.4");
	assert_later(&scene, ANSWER_SYN_TARGET_UNREACHABLE, ANSWER_LATER_REJECTED);
	begin(&scene); /* a router on the way */
	add_sent(&scene, 0, REPLY_SYN_ACK, "20.99.0.4");
	add_sent(&scene, 900, REPLY_UNREACHABLE, "192.0.2.1");
	assert_later(&scene, ANSWER_SYN_SYN_ACK, ANSWER_NONE);
	begin(&scene); /* the other way round */
	add_sent(&scene, 0, REPLY_UNREACHABLE, "20.99.0.4");
	add_sent(&scene, 900, REPLY_SYN_ACK, "20.99.0.4");
	assert_later(&scene, ANSWER_SYN_SYN_ACK, ANSWER_NONE);
}

/* One SYN is answered, three that follow are not; `heard`: so many packets were answered else. */
static void begin_silence(struct scene *scene, unsigned heard)
{
	begin(scene);
	scene->run.planned = true;
	scene->facts.paths.far_end.answered = heard;
	add_sent(scene, 0, REPLY_SYN_ACK, "20.99.0.4");
	for (unsigned n = 0; n < 3; n++)
		add_sent(scene, 900 + 1000 * n, REPLY_NONE, "20.99.0.4");
}

static void later_syns_meet_silence(void **state)
{
	(void)state;
	struct scene scene;
	begin_silence(&scene, 20);
	assert_later(&scene, ANSWER_NONE, ANSWER_LATER_SILENT);
	begin_silence(&scene, 2); /* it may be loss */
	assert_later(&scene, ANSWER_SYN_SYN_ACK, ANSWER_NONE);
	begin_silence(&scene, 20); /* one of them is answered */
	scene.sent[2].reply = REPLY_SYN_ACK;
	assert_later(&scene, ANSWER_SYN_SYN_ACK, ANSWER_NONE);
	begin_silence(&scene, 20); /* the last has had no time for an answer */
	scene.observation.now_ns = MS(3000);
	assert_later(&scene, ANSWER_SYN_SYN_ACK, ANSWER_NONE);
}

static void tell_earlier(struct scene *scene, int64_t ms)
{
	run_event(&scene->run,
		  &(struct event){ .kind = EVENT_EARLIER, .value = ms, .text = "3 connections" });
}

static void a_capture_shows_what_was_before(void **state)
{
	(void)state;
	static const struct {
		int64_t earlier_ms;
		enum reply reply;
		enum answer syn, later;
	} rows[] = {
		{ 4000, REPLY_NONE, ANSWER_SYN_SILENT, ANSWER_LATER_SILENT },
		{ 4000, REPLY_UNREACHABLE, ANSWER_SYN_TARGET_UNREACHABLE, ANSWER_LATER_REJECTED },
		{ 4000, REPLY_RESET, ANSWER_SYN_RESET, ANSWER_NONE },
		{ 4000, REPLY_SYN_ACK, ANSWER_SYN_SYN_ACK, ANSWER_NONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene scene;
		begin(&scene);
		for (unsigned n = 0; n < 3; n++)
			add_sent(&scene, 1000 * n, rows[i].reply, "20.99.0.4");
		tell_earlier(&scene, rows[i].earlier_ms);
		assert_later(&scene, rows[i].syn, rows[i].later);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_later_syn_is_rejected),
		cmocka_unit_test(later_syns_meet_silence),
		cmocka_unit_test(a_capture_shows_what_was_before),
	};
	return cmocka_run_group_tests_name("later", tests, NULL, NULL);
}
