/* What the heavier tests tell, and when they tell nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"
#include "sshwhy/verdict.h"

#define MS(n) ((int64_t)(n)*1000000)

enum { TESTS = 6 };

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange exchange[TESTS], *exchanges[TESTS];
	struct sent sent[TESTS][EXCHANGE_SENT_MAX];
	struct observation observation;
};

static void begin(struct scene *scene, const char *target)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = true;
	scene->run.port = 22;
	scene->run.vantage = VANTAGE_CLIENT;
	scene->run.deployment = DEPLOYMENT_ARM;
	scene->run.address = address_parse(target);
	scene->track = (struct track){ .run = &scene->run, .exchanges = scene->exchanges };
	scene->observation = (struct observation){ .track = &scene->track,
						   .run = &scene->run,
						   .arena = &scene->run.arena,
						   .facts = &scene->facts,
						   .has_edge = true };
	fact_set(&scene->observation, ANSWER_SYN_SILENT, "silence");
}

static struct exchange *add(struct scene *scene, enum purpose purpose, uint16_t port)
{
	struct exchange *exchange = &scene->exchange[scene->track.count];
	exchange->sent = scene->sent[scene->track.count];
	scene->exchanges[scene->track.count++] = exchange;
	exchange->purpose = purpose;
	exchange->way = WAY_LINK;
	exchange->remote_port = port;
	return exchange;
}

static struct sent *add_sent(struct exchange *exchange, int64_t ms, uint8_t ttl)
{
	struct sent *sent = &exchange->sent[exchange->sent_count++];
	*sent = (struct sent){ .frame = exchange->sent_count, .time_ns = MS(ms), .ttl = ttl };
	return sent;
}

static enum answer answer_at(struct scene *scene, int64_t ms, enum question question)
{
	scene->observation.now_ns = MS(ms);
	observe_deep(&scene->observation);
	return fact_answer(&scene->facts, question);
}

/* -- fragment ----------------------------------------------------------------------- */

/* Five to each port, a second apart; of the first so many the VM says that it gave up. */
struct fragments {
	enum answer expected;
	const char *target, *from; /* who says so */
	unsigned ssh, control;	   /* how often */
	bool compared;		   /* there is a control port */
	uint8_t code;
	int64_t now_ms;
	bool lost;
};

static const struct fragments fragments[] = {
	{ ANSWER_FRAGMENT_REASSEMBLED, "20.99.0.4", "20.99.0.4", 1, 0, true, 1, 31000, false },
	{ ANSWER_FRAGMENT_REASSEMBLED, "20.99.0.4", "20.99.0.4", 1, 0, false, 1, 31000, false },
	{ ANSWER_FRAGMENT_REASSEMBLED, "2001:db8::4", "2001:db8::4", 1, 0, true, 1, 61000, false },
	{ ANSWER_FRAGMENT_VANISHES, "20.99.0.4", "20.99.0.4", 0, 5, true, 1, 37000, false },
	/* not before the last has had its time */
	{ ANSWER_NONE, "20.99.0.4", "20.99.0.4", 0, 5, true, 1, 36999, false },
	{ ANSWER_FRAGMENT_VANISHES, "20.99.0.4", "20.99.0.4", 0, 4, true, 1, 37000, false },
	{ ANSWER_FRAGMENT_UNTOLD, "20.99.0.4", "20.99.0.4", 0, 3, true, 1, 37000, false },
	/* the control's silence: no conclusion */
	{ ANSWER_FRAGMENT_UNTOLD, "20.99.0.4", "20.99.0.4", 0, 0, true, 1, 37000, false },
	{ ANSWER_NONE, "20.99.0.4", "20.99.0.4", 0, 0, true, 1, 36999, false },
	{ ANSWER_FRAGMENT_UNTOLD, "20.99.0.4", "20.99.0.4", 0, 0, false, 1, 37000, false },
	/* a box on the way that reassembles, and a TTL that ends, are not the VM */
	{ ANSWER_FRAGMENT_UNTOLD, "20.99.0.4", "10.20.0.1", 5, 5, true, 1, 37000, false },
	{ ANSWER_FRAGMENT_UNTOLD, "20.99.0.4", "20.99.0.4", 5, 5, true, 0, 37000, false },
	/* a guest firewall may come before reassembly in IPv6 */
	{ ANSWER_FRAGMENT_UNTOLD, "2001:db8::4", "2001:db8::4", 0, 5, true, 1, 69000, false },
	{ ANSWER_NONE, "2001:db8::4", "2001:db8::4", 0, 5, true, 1, 68999, false },
	/* silence is none when the capture dropped frames; a word is one */
	{ ANSWER_NONE, "20.99.0.4", "20.99.0.4", 0, 5, true, 1, 37000, true },
	{ ANSWER_FRAGMENT_REASSEMBLED, "20.99.0.4", "20.99.0.4", 1, 5, true, 1, 37000, true },
};

static void add_fragments(struct scene *scene, const struct fragments *row, uint16_t port,
			  unsigned given_up)
{
	struct exchange *exchange = add(scene, PURPOSE_FRAGMENT, port);
	for (unsigned i = 0; i < 5; i++) {
		struct sent *sent = add_sent(exchange, 1000 * i, 64);
		if (i >= given_up)
			continue;
		sent->reply = REPLY_EXCEEDED;
		sent->icmp_code = row->code;
		sent->from = address_parse(row->from);
		sent->reply_ns = sent->time_ns + MS(30100);
		sent->reply_frame = 100 + i;
	}
}

static void fragments_tell_or_do_not(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	for (size_t i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++) {
		const struct fragments *row = &fragments[i];
		begin(scene, row->target);
		scene->observation.frames_lost = row->lost;
		add_fragments(scene, row, 22, row->ssh);
		if (row->compared)
			add_fragments(scene, row, 80, row->control);
		enum answer answer = answer_at(scene, row->now_ms, QUESTION_FRAGMENT);
		if (answer != row->expected)
			fail_msg("row %zu: %s", i, answer_name(answer));
		run_free(&scene->run);
	}
	test_free(scene);
}

/* Where SYNs are answered there is nothing to ask. */
static void only_silence_is_asked(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	begin(scene, "20.99.0.4");
	add_fragments(scene, &fragments[0], 22, 5);
	scene->facts.fact[QUESTION_SYN].answer = ANSWER_SYN_RESET;
	assert_int_equal(answer_at(scene, 37000, QUESTION_FRAGMENT), ANSWER_NONE);
	run_free(&scene->run);
	test_free(scene);
}

/* -- ack, plain --------------------------------------------------------------------- */

static void add_ack(struct exchange *exchange, uint8_t ttl, bool reset)
{
	struct sent *sent = add_sent(exchange, 0, ttl);
	sent->data = true;
	sent->reply = reset ? REPLY_RESET : REPLY_NONE;
}

/* Routers answer up to hop 3, the edge is hop 1, the VM's open port answers from hop 5. */
static void draw_way(struct scene *scene)
{
	struct paths *paths = &scene->facts.paths;
	paths->edge = 1;
	paths->beyond = 2;
	paths->farthest = 3;
	paths->distance = 5;
	paths->control_count = 1;
	paths->control[0].port = 80;
	paths->control[0].terminal = 5;
	paths->control[0].hop[5].reply = REPLY_SYN_ACK;
}

static void the_place_of_a_reset_counts(void **state)
{
	(void)state;
	static const struct {
		enum answer expected;
		unsigned full, control; /* resets for ACKs with the full TTL, of 2 */
		uint8_t nearest;	/* least TTL of a swept one that is reset; 0 none */
		int64_t now_ms;
	} rows[] = {
		{ ANSWER_ACK_VM, 2, 2, 5, 1000 },    { ANSWER_ACK_NEARER, 2, 2, 2, 1000 },
		{ ANSWER_NONE, 2, 2, 0, 1000 }, /* from where, is not known yet */
		{ ANSWER_ACK_SILENT, 0, 2, 0, 600 }, { ANSWER_NONE, 0, 2, 0, 599 },
		{ ANSWER_NONE, 0, 1, 0, 1000 }, /* the way loses packets */
		{ ANSWER_NONE, 0, 0, 0, 1000 }, /* something drops all of them */
	};
	struct scene *scene = test_malloc(sizeof(*scene));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(scene, "20.99.0.4");
		draw_way(scene);
		struct exchange *ssh = add(scene, PURPOSE_ACK, 22);
		struct exchange *control = add(scene, PURPOSE_ACK, 80);
		for (unsigned n = 0; n < 2; n++) {
			add_ack(ssh, 64, n < rows[i].full);
			add_ack(control, 64, n < rows[i].control);
		}
		for (uint8_t ttl = 1; rows[i].nearest != 0 && ttl <= 6; ttl++)
			add_ack(ssh, ttl, ttl >= rows[i].nearest);
		enum answer answer = answer_at(scene, rows[i].now_ms, QUESTION_ACK);
		if (answer != rows[i].expected)
			fail_msg("row %zu: %s", i, answer_name(answer));
		run_free(&scene->run);
	}
	test_free(scene);
}

static void a_plain_syn_tells_of_what_reads_options(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	for (unsigned answered = 0; answered < 2; answered++) {
		begin(scene, "20.99.0.4");
		struct exchange *ssh = add(scene, PURPOSE_PLAIN, 22);
		struct exchange *control = add(scene, PURPOSE_PLAIN, 80);
		add_sent(ssh, 0, 64);
		add_sent(ssh, 0, 64)->reply = answered ? REPLY_SYN_ACK : REPLY_NONE;
		add_sent(control, 0, 64)->reply = REPLY_SYN_ACK;
		assert_int_equal(answer_at(scene, 599, QUESTION_PLAIN),
				 answered ? ANSWER_PLAIN_ANSWERED : ANSWER_NONE);
		assert_int_equal(answer_at(scene, 600, QUESTION_PLAIN),
				 answered ? ANSWER_PLAIN_ANSWERED : ANSWER_PLAIN_SILENT);
		run_free(&scene->run);
	}
	test_free(scene);
}

/* -- the verdict -------------------------------------------------------------------- */

static void judge(enum answer fragment, enum deployment deployment, struct verdict *verdict)
{
	const struct run run = { .vantage = VANTAGE_CLIENT, .deployment = deployment };
	struct facts facts = { 0 };
	facts.fact[QUESTION_OUT].answer = ANSWER_OUT_LEAVES;
	facts.fact[QUESTION_SYN].answer = ANSWER_SYN_SILENT;
	facts.fact[QUESTION_WHERE].answer = ANSWER_WHERE_CLOUD;
	facts.fact[QUESTION_CONTROL].answer = ANSWER_CONTROL_ANSWERS;
	facts.fact[QUESTION_FRAGMENT].answer = fragment;
	reason(&facts, &run, NULL, verdict);
}

/* Sources 4 and 5 are told apart; what tells nothing moves nothing. */
static void it_parts_the_nsg_from_the_guest(void **state)
{
	(void)state;
	struct verdict before, after;
	judge(ANSWER_FRAGMENT_REASSEMBLED, DEPLOYMENT_ARM, &after);
	assert_int_equal(after.outcome, OUTCOME_FAULT);
	assert_int_equal(after.sources[0], 5);
	judge(ANSWER_FRAGMENT_VANISHES, DEPLOYMENT_ARM, &after);
	assert_int_equal(after.outcome, OUTCOME_FAULT);
	assert_int_equal(after.sources[0], 4);
	judge(ANSWER_FRAGMENT_VANISHES, DEPLOYMENT_CLASSIC, &after);
	for (size_t i = 0; i < after.source_count; i++)
		assert_int_not_equal(after.sources[i], 5);
	judge(ANSWER_NONE, DEPLOYMENT_ARM, &before);
	judge(ANSWER_FRAGMENT_UNTOLD, DEPLOYMENT_ARM, &after);
	assert_int_equal(after.source_count, before.source_count);
	for (int c = 0; c < CAUSES; c++)
		if (c != CAUSE_UNKNOWN && fabs(after.probability[c] - before.probability[c]) > 0.01)
			fail_msg("%s", cause_name((enum cause)c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_tell_or_do_not),
		cmocka_unit_test(only_silence_is_asked),
		cmocka_unit_test(the_place_of_a_reset_counts),
		cmocka_unit_test(a_plain_syn_tells_of_what_reads_options),
		cmocka_unit_test(it_parts_the_nsg_from_the_guest),
	};
	return cmocka_run_group_tests_name("deep", tests, NULL, NULL);
}
