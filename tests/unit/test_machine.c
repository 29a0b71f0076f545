/* What was found on this machine: which of it explains what was seen, which stands aside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "observe/aside.h"
#include "observe/asked.h"
#include "reason/also.h"

struct scene {
	struct run run;
	struct facts facts;
	struct observation observation;
};

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = true;
	scene->observation = (struct observation){ .run = &scene->run,
						   .arena = &scene->run.arena,
						   .facts = &scene->facts };
}

static void event(struct scene *scene, enum event_kind kind, int64_t value, const char *text,
		  enum event_word word)
{
	run_event(&scene->run,
		  &(struct event){ .kind = kind, .value = value, .text = text, .word = word });
}

static void is_answered(struct scene *scene, enum answer answer)
{
	if (answer != ANSWER_NONE)
		fact_set(&scene->observation, answer, "seen");
}

/* -- the name ----------------------------------------------------------------------- */

static void a_name_of_this_machine(void **state)
{
	(void)state;
	static const struct {
		const char *address, *local;
		bool named;
		enum answer expected;
	} rows[] = {
		{ "20.99.0.4", "10.20.0.10", true, ANSWER_NAME_OK },
		{ "127.0.1.1", "127.0.0.1", true, ANSWER_NAME_HERE },
		/* the kernel takes a local address for the source too */
		{ "2001:db8:20::10", "2001:db8:20::10", true, ANSWER_NAME_HERE },
		{ "10.20.0.10", "10.20.0.10", false, ANSWER_NONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		begin(&scene);
		scene.run.host = "vm.example";
		scene.run.named = rows[i].named;
		scene.run.address = address_parse(rows[i].address);
		scene.run.local_address = address_parse(rows[i].local);
		event(&scene, EVENT_RESOLVED, 0, rows[i].address, WORD_NONE);
		observe_name(&scene.observation);
		if (fact_answer(&scene.facts, QUESTION_NAME) != rows[i].expected)
			fail_msg("row %zu", i);
		run_free(&scene.run);
	}
}

/* -- rules -------------------------------------------------------------------------- */

static void rules_explain(void **state)
{
	(void)state;
	enum { IN = RULE_INCOMING, SURE = RULE_CERTAIN };
	static const struct {
		enum answer out, in;
		enum event_word rule; /* what the one there is does; WORD_NONE: none is there */
		int64_t value;
		enum answer expected;
	} rows[] = {
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_RULE_DROPS, SURE, ANSWER_RULE_BLOCKS_OUT },
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_RULE_DROPS, 0, ANSWER_RULE_BLOCKS_OUT },
		{ ANSWER_OUT_REJECTED, ANSWER_NONE, WORD_RULE_REJECTS, SURE,
		  ANSWER_RULE_BLOCKS_OUT },
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_RULE_QUEUES, SURE,
		  ANSWER_RULE_BLOCKS_OUT },
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_NONE, 0, ANSWER_RULE_NONE },
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_RULE_DROPS, SURE | IN, ANSWER_NONE },
		/* to a machine that is not there, perhaps */
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_RULE_DIVERTS, SURE, ANSWER_RULE_DIVERTS },
		{ ANSWER_OUT_DIVERTED, ANSWER_NONE, WORD_RULE_DIVERTS, SURE, ANSWER_RULE_DIVERTS },
		{ ANSWER_OUT_DIVERTED, ANSWER_NONE, WORD_RULE_DROPS, SURE, ANSWER_NONE },
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_RULE_TRANSLATES, SURE, ANSWER_NONE },
		{ ANSWER_OUT_VANISHES, ANSWER_NONE, WORD_RULE_READDRESSES, SURE,
		  ANSWER_RULE_BLOCKS_OUT },
		{ ANSWER_OUT_DIVERTED, ANSWER_NONE, WORD_NONE, 0, ANSWER_RULE_NONE },
		{ ANSWER_OUT_LEAVES, ANSWER_IN_IGNORED, WORD_RULE_DROPS, SURE | IN,
		  ANSWER_RULE_BLOCKS_IN },
		{ ANSWER_OUT_LEAVES, ANSWER_IN_IGNORED, WORD_RULE_DROPS, SURE, ANSWER_NONE },
		/* nothing is odd: no rule is asked for */
		{ ANSWER_OUT_LEAVES, ANSWER_IN_TAKEN, WORD_RULE_DROPS, SURE, ANSWER_NONE },
		{ ANSWER_OUT_LEAVES, ANSWER_NONE, WORD_RULE_DROPS, SURE | IN, ANSWER_NONE },
		{ ANSWER_NONE, ANSWER_NONE, WORD_NONE, 0, ANSWER_NONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		begin(&scene);
		is_answered(&scene, rows[i].out);
		is_answered(&scene, rows[i].in);
		event(&scene, EVENT_RULES, rows[i].rule != WORD_NONE, "", WORD_NONE);
		if (rows[i].rule != WORD_NONE)
			event(&scene, EVENT_RULE, rows[i].value, "table t", rows[i].rule);
		observe_rules(&scene.observation);
		if (fact_answer(&scene.facts, QUESTION_RULE) != rows[i].expected)
			fail_msg("row %zu", i);
		run_free(&scene.run);
	}
}

/* Rules nobody read are not absent, nor are those of another tool. */
static void no_rule_without_reading_all(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	is_answered(&scene, ANSWER_OUT_VANISHES);
	observe_rules(&scene.observation);
	assert_int_equal(fact_answer(&scene.facts, QUESTION_RULE), ANSWER_NONE);
	event(&scene, EVENT_RULES, 0, "legacy tables", WORD_NONE);
	observe_rules(&scene.observation);
	assert_int_equal(fact_answer(&scene.facts, QUESTION_RULE), ANSWER_NONE);
	assert_non_null(strstr(scene.facts.fact[QUESTION_OUT].text, "legacy tables"));
	run_free(&scene.run);
}

static void a_diversion_names_the_owner(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	is_answered(&scene, ANSWER_OUT_DIVERTED);
	event(&scene, EVENT_RULES, 1, "", WORD_NONE);
	event(&scene, EVENT_RULE, RULE_CERTAIN, "table t: redirect to :8888", WORD_RULE_DIVERTS);
	event(&scene, EVENT_OWNER, 0, "local port 8888 belongs to tinyproxy", WORD_NONE);
	observe_rules(&scene.observation);
	assert_string_equal(scene.facts.fact[QUESTION_RULE].text,
			    "a rule of this machine's firewall diverts the connection: table t: "
			    "redirect to :8888; local port 8888 belongs to tinyproxy");
	run_free(&scene.run);
}

/* -- files --------------------------------------------------------------------------- */

static void files_matter_at_authentication(void **state)
{
	(void)state;
	static const struct {
		enum event_word mode;
		enum answer ssh;
		const char *methods; /* NULL: authentication was not reached */
		enum answer expected;
		size_t asides;
		bool nameless; /* there is no address */
	} rows[] = {
		{ WORD_MODE_REFUSED, ANSWER_SSH_AUTH, "publickey password",
		  ANSWER_PERMISSIONS_REFUSED, 1, false },
		{ WORD_MODE_REFUSED, ANSWER_SSH_AUTH_REFUSED, "publickey",
		  ANSWER_PERMISSIONS_REFUSED, 1, false },
		{ WORD_MODE_REFUSED, ANSWER_SSH_AUTH, "password", ANSWER_PERMISSIONS_FINE, 1,
		  false },
		{ WORD_MODE_REFUSED, ANSWER_SSH_CUT, NULL, ANSWER_NONE, 1, false },
		{ WORD_MODE_REFUSED, ANSWER_NONE, NULL, ANSWER_NONE, 1, false },
		{ WORD_MODE_FATAL, ANSWER_SSH_AUTH, "password", ANSWER_PERMISSIONS_REFUSED, 1,
		  false },
		{ WORD_MODE_FATAL, ANSWER_NONE, NULL, ANSWER_NONE, 1, false },
		/* over its configuration, which would have said what to look up */
		{ WORD_MODE_FATAL, ANSWER_NONE, NULL, ANSWER_PERMISSIONS_REFUSED, 1, true },
		{ WORD_MODE_REFUSED, ANSWER_NONE, NULL, ANSWER_NONE, 1, true },
		{ WORD_MODE_PARTLY, ANSWER_SSH_AUTH, "publickey", ANSWER_PERMISSIONS_SOME, 1,
		  false },
		{ WORD_MODE_UNUSED, ANSWER_SSH_AUTH, "publickey", ANSWER_PERMISSIONS_SOME, 1,
		  false },
		{ WORD_MODE_DIFFERS, ANSWER_SSH_AUTH, "publickey", ANSWER_PERMISSIONS_WIDE, 1,
		  false },
		{ WORD_MODE_FINE, ANSWER_SSH_AUTH, "publickey", ANSWER_PERMISSIONS_FINE, 0, false },
		{ WORD_NONE, ANSWER_SSH_AUTH, "publickey", ANSWER_NONE, 0, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		struct aside asides[ASIDES_MAX];
		begin(&scene);
		scene.run.address.family = rows[i].nameless ? 0 : 4;
		is_answered(&scene, rows[i].ssh);
		event(&scene, EVENT_MODE, 0, "id_rsa has mode 644", rows[i].mode);
		if (rows[i].methods != NULL)
			event(&scene, EVENT_AUTH, 0, rows[i].methods, WORD_NONE);
		observe_files(&scene.observation);
		if (fact_answer(&scene.facts, QUESTION_PERMISSIONS) != rows[i].expected)
			fail_msg("row %zu", i);
		assert_int_equal(find_asides(&scene.run, &scene.facts, &scene.run.arena, asides),
				 rows[i].asides);
		run_free(&scene.run);
	}
}

static void the_worst_file_counts(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	is_answered(&scene, ANSWER_SSH_AUTH);
	event(&scene, EVENT_AUTH, 0, "publickey", WORD_NONE);
	event(&scene, EVENT_MODE, 0, "a", WORD_MODE_DIFFERS);
	event(&scene, EVENT_MODE, 0, "b", WORD_MODE_REFUSED);
	event(&scene, EVENT_MODE, 0, "c", WORD_MODE_REFUSED);
	observe_files(&scene.observation);
	assert_string_equal(scene.facts.fact[QUESTION_PERMISSIONS].text,
			    "ssh refuses the only keys it would try: b, c");
	run_free(&scene.run);
}

static void proxies_stand_aside(void **state)
{
	(void)state;
	struct scene scene;
	struct aside asides[ASIDES_MAX];
	begin(&scene);
	event(&scene, EVENT_CONFIG, 0, "config:3: ProxyJump a", WORD_CONFIG_PROXIED);
	observe_files(&scene.observation);
	assert_int_equal(fact_answer(&scene.facts, QUESTION_CONFIG), ANSWER_CONFIG_PROXIED);
	assert_int_equal(find_asides(&scene.run, &scene.facts, &scene.run.arena, asides), 1);
	assert_int_equal(asides[0].answer, ANSWER_CONFIG_PROXIED);
	run_free(&scene.run);
	begin(&scene);
	event(&scene, EVENT_CONFIG, 0, "config:3: ProxyJump a", WORD_CONFIG_MAY_BE_PROXIED);
	observe_files(&scene.observation);
	assert_int_equal(fact_answer(&scene.facts, QUESTION_CONFIG), ANSWER_NONE);
	assert_int_equal(find_asides(&scene.run, &scene.facts, &scene.run.arena, asides), 1);
	run_free(&scene.run);
}

/* Silence hides a rule here that would drop the answers: worth a line when it is sure. */
static void rules_behind_silence(void **state)
{
	(void)state;
	for (int certain = 0; certain < 2; certain++) {
		struct scene scene;
		struct aside asides[ASIDES_MAX];
		begin(&scene);
		is_answered(&scene, ANSWER_SYN_SILENT);
		event(&scene, EVENT_RULES, 1, "", WORD_NONE);
		event(&scene, EVENT_RULE, RULE_INCOMING | (certain ? RULE_CERTAIN : 0), "t",
		      WORD_RULE_DROPS);
		assert_int_equal(find_asides(&scene.run, &scene.facts, &scene.run.arena, asides),
				 (size_t)certain);
		run_free(&scene.run);
	}
}

/* Whatever may be said of this machine's rules and files, if it is a fault it has a cause. */
static void each_aside_is_a_fault(void **state)
{
	(void)state;
	static const enum event_kind kinds[] = { EVENT_RULE, EVENT_MODE, EVENT_CONFIG };
	unsigned found = 0;
	for (int word = WORD_NONE + 1; word < EVENT_WORDS; word++)
		for (size_t k = 0; k < 2 * sizeof(kinds) / sizeof(kinds[0]); k++) {
			struct scene scene;
			struct aside asides[ASIDES_MAX];
			const char *name = event_word_name((enum event_word)word);
			if (event_word_by_name(kinds[k / 2], name, strlen(name)) !=
			    (enum event_word)word)
				continue;
			begin(&scene);
			is_answered(&scene, ANSWER_SYN_SILENT);
			event(&scene, kinds[k / 2],
			      RULE_INCOMING | RULE_CERTAIN | (k % 2 != 0 ? RULE_BELOW : 0), "t",
			      (enum event_word)word);
			size_t count =
				find_asides(&scene.run, &scene.facts, &scene.run.arena, asides);
			for (size_t i = 0; i < count; i++, found++)
				if (also_cause(asides[i].answer) == CAUSES)
					fail_msg("also.def has no row for what \"%s\" is", name);
			run_free(&scene.run);
		}
	assert_true(found >= 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_of_this_machine),
		cmocka_unit_test(rules_explain),
		cmocka_unit_test(no_rule_without_reading_all),
		cmocka_unit_test(a_diversion_names_the_owner),
		cmocka_unit_test(files_matter_at_authentication),
		cmocka_unit_test(the_worst_file_counts),
		cmocka_unit_test(proxies_stand_aside),
		cmocka_unit_test(rules_behind_silence),
		cmocka_unit_test(each_aside_is_a_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
