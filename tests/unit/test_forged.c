/* Packets in the VM's name that it did not send: told when there are many, and held against nobody
 * unless one of them ended the connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"
#include "sshwhy/verdict.h"

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange exchange;
	struct connection connection;
	struct observation observation;
};

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = true;
	scene->exchange.connection = &scene->connection;
	scene->track = (struct track){ .run = &scene->run };
	scene->observation = (struct observation){ .track = &scene->track,
						   .run = &scene->run,
						   .arena = &scene->run.arena,
						   .facts = &scene->facts,
						   .kernel = &scene->exchange };
}

static enum answer told(struct scene *scene)
{
	observe_forged(&scene->observation);
	enum answer answer = scene->facts.fact[QUESTION_FORGED].answer;
	arena_free(&scene->run.arena);
	return answer;
}

static void a_few_may_be_late_answers(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	scene.track.strays.count[STRAY_SYN_ACK] = 20;
	scene.track.strays.count[STRAY_OTHER] = 100000;
	assert_int_equal(told(&scene), ANSWER_NONE);
}

static void many_are_told_with_examples(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	scene.track.strays = (struct strays){ .count = { [STRAY_ERROR] = 20, [STRAY_RESET] = 20 },
					      .example = { 7, 9 },
					      .examples = 2 };
	scene.connection.server_reset_frame = 44;
	assert_int_equal(told(&scene), ANSWER_FORGED_IGNORED);
	const struct fact *fact = &scene.facts.fact[QUESTION_FORGED];
	assert_int_equal(fact->packet_count, 2);
	assert_int_equal(fact->packets[1], 9);
}

static void one_of_many_resets_ends_the_connection(void **state)
{
	(void)state;
	struct scene scene;
	for (int ended = 0; ended < 2; ended++) {
		begin(&scene);
		scene.facts.fact[QUESTION_SSH].answer = ANSWER_SSH_CUT;
		scene.track.strays.count[STRAY_RESET] = 1000;
		scene.connection.server_reset_frame = ended ? 44 : 0; /* it may end by a FIN */
		assert_int_equal(told(&scene), ended ? ANSWER_FORGED_ENDED : ANSWER_FORGED_IGNORED);
	}
}

/* What others do is no part of somebody else's conversation. */
static void other_captures_are_not_asked(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	scene.run.planned = false;
	scene.track.strays.count[STRAY_RESET] = 1000;
	assert_int_equal(told(&scene), ANSWER_NONE);
}

static double more_likely(enum answer answer)
{
	return likelihood(CAUSE_EDGE_IDS, answer) / likelihood(CAUSE_VM_SSHD_REFUSING, answer);
}

static void only_what_ends_it_speaks_for_an_ids(void **state)
{
	(void)state;
	assert_true(more_likely(ANSWER_FORGED_IGNORED) < 1);
	assert_true(more_likely(ANSWER_FORGED_ENDED) > 1);
	assert_false(decides_of(CAUSE_EDGE_IDS, QUESTION_FORGED)); /* nor brings one up */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_may_be_late_answers),
		cmocka_unit_test(many_are_told_with_examples),
		cmocka_unit_test(one_of_many_resets_ends_the_connection),
		cmocka_unit_test(other_captures_are_not_asked),
		cmocka_unit_test(only_what_ends_it_speaks_for_an_ids),
	};
	return cmocka_run_group_tests_name("forged", tests, NULL, NULL);
}
