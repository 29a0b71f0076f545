/* What SYNs without ssh's marks tell where marked ones come to nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"

#define MS(n) ((int64_t)(n)*1000000)

enum { EXCHANGES = 3, SENT = 8 };

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange exchange[EXCHANGES], *exchanges[EXCHANGES];
	struct sent sent[EXCHANGES][SENT];
	struct observation observation;
};

static struct exchange *add(struct scene *scene, enum purpose purpose)
{
	struct exchange *exchange = &scene->exchange[scene->track.count];
	exchange->sent = scene->sent[scene->track.count];
	scene->exchanges[scene->track.count++] = exchange;
	exchange->purpose = purpose;
	exchange->way = WAY_LINK;
	exchange->remote_port = 22;
	return exchange;
}

static struct sent *add_sent(struct exchange *exchange, int64_t ms, enum reply reply)
{
	struct sent *sent = &exchange->sent[exchange->sent_count++];
	*sent = (struct sent){
		.frame = exchange->sent_count, .time_ns = MS(ms), .ttl = 64, .reply = reply
	};
	return sent;
}

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = true;
	scene->run.port = 22;
	scene->run.address = address_parse("20.99.0.4");
	scene->track = (struct track){ .run = &scene->run, .exchanges = scene->exchanges };
	scene->observation = (struct observation){ .track = &scene->track,
						   .run = &scene->run,
						   .arena = &scene->run.arena,
						   .facts = &scene->facts };
}

/* Six marked SYNs and two without marks, a second apart. */
static void send_all(struct scene *scene, enum reply marked, enum reply unmarked)
{
	struct exchange *one = add(scene, PURPOSE_SSH), *other = add(scene, PURPOSE_UNMARKED);
	for (unsigned n = 0; n < 6; n++)
		add_sent(one, 400 * n, marked)->tos = 0x48;
	for (unsigned n = 0; n < 2; n++)
		add_sent(other, 1000 + 1000 * n, unmarked);
}

static void both_kinds_are_compared(void **state)
{
	(void)state;
	static const struct {
		enum answer syn;
		enum reply marked, unmarked;
		int64_t now_ms;
		enum answer expected;
	} rows[] = {
		{ ANSWER_SYN_SILENT, REPLY_NONE, REPLY_SYN_ACK, 3000, ANSWER_UNMARKED_NOT_SILENT },
		{ ANSWER_SYN_SILENT, REPLY_NONE, REPLY_RESET, 3000, ANSWER_UNMARKED_NOT_SILENT },
		{ ANSWER_SYN_SILENT, REPLY_NONE, REPLY_NONE, 1600, ANSWER_UNMARKED_SAME },
		{ ANSWER_SYN_SILENT, REPLY_NONE, REPLY_NONE, 1599, ANSWER_NONE },
		{ ANSWER_SYN_RESET, REPLY_RESET, REPLY_SYN_ACK, 1100, ANSWER_UNMARKED_NOT_REFUSED },
		{ ANSWER_SYN_RESET, REPLY_RESET, REPLY_RESET, 1100, ANSWER_UNMARKED_SAME },
		{ ANSWER_SYN_ROUTER_PROHIBITED, REPLY_UNREACHABLE, REPLY_SYN_ACK, 1100,
		  ANSWER_UNMARKED_NOT_REFUSED },
		{ ANSWER_SYN_ROUTER_PROHIBITED, REPLY_UNREACHABLE, REPLY_UNREACHABLE, 1100,
		  ANSWER_UNMARKED_SAME },
		{ ANSWER_NONE, REPLY_NONE, REPLY_SYN_ACK, 3000, ANSWER_NONE },
		{ ANSWER_SYN_SYN_ACK, REPLY_SYN_ACK, REPLY_SYN_ACK, 3000, ANSWER_NONE },
	};
	struct scene *scene = test_malloc(sizeof(*scene));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(scene);
		send_all(scene, rows[i].marked, rows[i].unmarked);
		scene->facts.fact[QUESTION_SYN].answer = rows[i].syn;
		scene->observation.now_ns = MS(rows[i].now_ms);
		observe_unmarked(&scene->observation);
		if (fact_answer(&scene->facts, QUESTION_UNMARKED) != rows[i].expected)
			fail_msg("row %zu: %s", i,
				 answer_name(fact_answer(&scene->facts, QUESTION_UNMARKED)));
		run_free(&scene->run);
	}
	test_free(scene);
}

/* Where loss may have taken the marked ones, an answer to the others proves nothing. */
static void loss_is_no_mark(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	for (unsigned lost = 0; lost < 2; lost++) {
		begin(scene);
		send_all(scene, REPLY_NONE, REPLY_SYN_ACK);
		scene->facts.paths.far_end = (struct replies){ .answered = 4, .lost = 6 * lost };
		scene->observation.now_ns = MS(4000);
		observe_syn(&scene->observation);
		assert_int_equal(fact_answer(&scene->facts, QUESTION_SYN),
				 lost ? ANSWER_NONE : ANSWER_SYN_SILENT);
		run_free(&scene->run);
	}
	test_free(scene);
}

static void add_quote(struct exchange *sweep, uint8_t ttl, uint8_t tos)
{
	struct sent *sent = add_sent(sweep, 0, REPLY_EXCEEDED);
	sent->ttl = ttl;
	sent->tos = 0x48;
	sent->quoted.source = address_parse("10.20.0.10");
	sent->quoted.tos = tos;
}

/* What routers quote says how far the mark comes, or where it is changed. */
static void quotes_bound_the_place(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	for (unsigned altered = 0; altered < 2; altered++) {
		begin(scene);
		send_all(scene, REPLY_NONE, REPLY_SYN_ACK);
		struct exchange *sweep = add(scene, PURPOSE_SWEEP);
		add_quote(sweep, 1, 0x48);
		add_quote(sweep, 2, altered ? 0x20 : 0x48);
		scene->facts.fact[QUESTION_SYN].answer = ANSWER_SYN_SILENT;
		scene->observation.now_ns = MS(4000);
		observe_unmarked(&scene->observation);
		const char *text = scene->facts.fact[QUESTION_UNMARKED].text;
		assert_non_null(strstr(text, "(DSCP 18)"));
		assert_non_null(strstr(text, altered ? "from hop 2 on routers quote DSCP 8 instead"
						     : "as it was sent up to hop 2"));
		run_free(&scene->run);
	}
	test_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(both_kinds_are_compared),
					    cmocka_unit_test(loss_is_no_mark),
					    cmocka_unit_test(quotes_bound_the_place) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
