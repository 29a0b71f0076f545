/* What the connection to the reference is taken for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"
#include "sshwhy/verdict.h"

#define MS(n) ((int64_t)(n)*1000000)

/* What happened until MS(4000); the connection was opened at 0. */
struct story {
	enum answer expected;
	unsigned syns; /* at 0, 1 and 2 s; the last is not ripe at 2.5 s */
	enum reply reply;
	bool diverted;
	int hop_error; /* of the next hop; -1: nothing is known of it */
	bool answered;
	int error;
	int64_t answered_ms, now_ms;
	const char *ident; /* NULL: none came */
	int64_t server_end_ms;
	uint64_t client_reset;
};

static const struct story stories[] = {
	{ ANSWER_REFERENCE_ANSWERS, 1, REPLY_SYN_ACK, false, 0, true, 0, 1, 20, "SSH-2.0-x", 0, 0 },
	{ ANSWER_NONE, 1, REPLY_SYN_ACK, false, 0, true, 0, 1, 20, NULL, 0, 0 },
	{ ANSWER_REFERENCE_NO_SSH, 1, REPLY_SYN_ACK, false, 0, true, 0, 1, 2001, NULL, 0, 0 },
	{ ANSWER_REFERENCE_NO_SSH, 1, REPLY_SYN_ACK, false, 0, true, 0, 1, 20, NULL, 5, 0 },
	{ ANSWER_REFERENCE_STOPPED, 1, REPLY_SYN_ACK, false, 0, true, 0, 1, 20, NULL, 0, 7 },
	{ ANSWER_REFERENCE_NO_SSH, 1, REPLY_SYN_ACK, false, 0, true, 0, 1, 20, NULL, 5, 7 },
	{ ANSWER_NONE, 1, REPLY_SYN_ACK, false, 0, false, 0, 0, 299, NULL, 0, 0 },
	{ ANSWER_REFERENCE_STOPPED, 1, REPLY_SYN_ACK, false, 0, false, 0, 0, 300, NULL, 0, 0 },
	{ ANSWER_REFERENCE_REFUSED, 1, REPLY_RESET, false, 0, true, ECONNREFUSED, 1, 20, NULL, 0,
	  0 },
	/* an ICMP error may be noted by the kernel and no more */
	{ ANSWER_NONE, 1, REPLY_UNREACHABLE, false, 0, false, 0, 0, 900, NULL, 0, 0 },
	{ ANSWER_REFERENCE_REFUSED, 1, REPLY_UNREACHABLE, false, 0, true, EHOSTUNREACH, 1, 20, NULL,
	  0, 0 },
	{ ANSWER_REFERENCE_STOPPED, 1, REPLY_NONE, true, 0, false, 0, 0, 20, NULL, 0, 0 },
	{ ANSWER_NONE, 3, REPLY_NONE, false, 0, false, 0, 0, 2599, NULL, 0, 0 },
	{ ANSWER_REFERENCE_SILENT, 3, REPLY_NONE, false, 0, false, 0, 0, 2600, NULL, 0, 0 },
	{ ANSWER_NONE, 2, REPLY_NONE, false, 0, false, 0, 0, 3000, NULL, 0, 0 },
	/* another process takes the socket away, before the answer and behind it */
	{ ANSWER_REFERENCE_STOPPED, 1, REPLY_NONE, false, 0, true, ECONNABORTED, 1, 20, NULL, 0,
	  0 },
	{ ANSWER_REFERENCE_STOPPED, 1, REPLY_SYN_ACK, false, 0, true, ECONNABORTED, 1, 20, NULL, 0,
	  0 },
	/* no SYN on the wire */
	{ ANSWER_REFERENCE_STOPPED, 0, REPLY_NONE, false, 0, true, EPERM, 1, 20, NULL, 0, 0 },
	{ ANSWER_NONE, 0, REPLY_NONE, false, 0, true, 0, 1, 20, NULL, 0, 0 }, /* it has a way */
	/* this machine has run out of something */
	{ ANSWER_NONE, 0, REPLY_NONE, false, 0, true, ENOBUFS, 1, 20, NULL, 0, 0 },
	{ ANSWER_NONE, 0, REPLY_NONE, false, 0, false, 0, 0, 299, NULL, 0, 0 },
	{ ANSWER_REFERENCE_STOPPED, 0, REPLY_NONE, false, 0, false, 0, 0, 300, NULL, 0, 0 },
	/* the kernel may still be asking for the next hop */
	{ ANSWER_NONE, 0, REPLY_NONE, false, -1, false, 0, 0, 900, NULL, 0, 0 },
	{ ANSWER_REFERENCE_SILENT, 0, REPLY_NONE, false, EHOSTUNREACH, false, 0, 0, 2600, NULL, 0,
	  0 },
	{ ANSWER_REFERENCE_SILENT, 0, REPLY_NONE, false, EHOSTUNREACH, true, EHOSTUNREACH, 3000,
	  3100, NULL, 0, 0 },
};

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange exchange, *exchanges[1];
	struct sent sent[8];
	struct connection connection;
};

static void add_syns(struct exchange *exchange, const struct story *story)
{
	for (unsigned i = 0; i < story->syns; i++)
		exchange->sent[exchange->sent_count++] = (struct sent){
			.frame = i + 1,
			.time_ns = MS(1000) * i,
			.ttl = 64,
			.diverted = story->diverted,
			.reply = i == 0 ? story->reply : REPLY_NONE,
		};
}

static enum answer tell(struct scene *scene, const struct story *story, bool lost)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = true;
	scene->exchange = (struct exchange){ .sent = scene->sent,
					     .purpose = PURPOSE_REFERENCE,
					     .way = WAY_KERNEL,
					     .remote = address_parse("10.20.0.20"),
					     .remote_port = 22,
					     .answered = story->answered,
					     .answered_ns = MS(story->answered_ms),
					     .connect_error = story->error };
	add_syns(&scene->exchange, story);
	struct ssh_side *server = &scene->connection.dialog.side[SSH_SERVER];
	if (story->ident != NULL) {
		server->milestone = SSH_IDENTIFIED;
		strcpy(server->ident, story->ident);
	}
	scene->connection.server_end_ns = MS(story->server_end_ms);
	scene->connection.client_reset_frame = story->client_reset;
	if (story->reply == REPLY_SYN_ACK)
		scene->exchange.connection = &scene->connection;
	if (story->hop_error >= 0)
		run_event(&scene->run, &(struct event){ .kind = EVENT_REFERENCE,
							.error = story->hop_error,
							.text = "10.20.0.20" });
	scene->exchanges[0] = &scene->exchange;
	scene->track =
		(struct track){ .run = &scene->run, .exchanges = scene->exchanges, .count = 1 };
	struct observation observation = { .track = &scene->track,
					   .run = &scene->run,
					   .arena = &scene->run.arena,
					   .facts = &scene->facts,
					   .now_ns = MS(story->now_ms),
					   .frames_lost = lost };
	observe_reference(&observation);
	return fact_answer(&scene->facts, QUESTION_REFERENCE);
}

static void each_story_has_its_answer(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		enum answer answer = tell(scene, &stories[i], false);
		if (answer != stories[i].expected)
			fail_msg("story %zu: %s", i,
				 answer == ANSWER_NONE ? "-" : answer_name(answer));
		run_free(&scene->run);
	}
	test_free(scene);
}

static void silence_is_none_when_frames_were_lost(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		/* that the socket was taken away is the kernel's word, and needs no frame */
		if (stories[i].reply != REPLY_NONE || stories[i].diverted ||
		    stories[i].error == ECONNABORTED)
			continue;
		assert_int_equal(tell(scene, &stories[i], true), ANSWER_NONE);
		run_free(&scene->run);
	}
	test_free(scene);
}

static double of_source_1(const struct facts *facts)
{
	const struct run run = { .vantage = VANTAGE_CLIENT, .deployment = DEPLOYMENT_ARM };
	struct verdict verdict;
	double sum = 0;
	reason(facts, &run, NULL, &verdict);
	for (int c = 0; c < CAUSES; c++)
		if (cause_source((enum cause)c) == 1)
			sum += verdict.probability[c];
	return sum;
}

static double with(struct facts *facts, enum answer answer)
{
	facts->fact[QUESTION_REFERENCE].answer = answer;
	return of_source_1(facts);
}

/* The guide's test: it clears the client when it answers, never quite (a rule may be about
 * one address), and speaks against it when it fails as the target does. */
static void it_moves_source_1(void **state)
{
	(void)state;
	struct facts silent = { 0 }, vanishes = { 0 };
	silent.fact[QUESTION_OUT].answer = ANSWER_OUT_LEAVES;
	silent.fact[QUESTION_SYN].answer = ANSWER_SYN_SILENT;
	silent.fact[QUESTION_WHERE].answer = ANSWER_WHERE_CLOUD;
	double before = with(&silent, ANSWER_NONE);
	assert_true(with(&silent, ANSWER_REFERENCE_ANSWERS) < 0.5 * before);
	assert_true(with(&silent, ANSWER_REFERENCE_ANSWERS) > 0);
	assert_true(with(&silent, ANSWER_REFERENCE_SILENT) > 2 * before);
	assert_true(with(&silent, ANSWER_REFERENCE_STOPPED) > 10 * before);
	vanishes.fact[QUESTION_OUT].answer = ANSWER_OUT_VANISHES;
	assert_true(with(&vanishes, ANSWER_REFERENCE_ANSWERS) > 0.9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_story_has_its_answer),
		cmocka_unit_test(silence_is_none_when_frames_were_lost),
		cmocka_unit_test(it_moves_source_1),
	};
	return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
