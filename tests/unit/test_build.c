/* The report that is built from a run: what the fixes are told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sshwhy/report.h"
#include "sshwhy/verdict.h"

/* The first fix of a login that is refused. */
static const char *fix_for(const char *user, struct run *run, struct report *report)
{
	struct track track;
	struct facts facts = { 0 };
	const enum answer seen[] = { ANSWER_OUT_LEAVES, ANSWER_IN_TAKEN, ANSWER_SYN_SYN_ACK,
				     ANSWER_SSH_AUTH_REFUSED };
	*run = (struct run){ .host = "vm.example", .user = user, .port = 22, .planned = true };
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		facts.fact[answer_question(seen[i])] =
			(struct fact){ .answer = seen[i], .text = "seen" };
	track_start(&track, run, &run->arena);
	report_build_facts(report, &track, &facts, &(struct report_options){ 0 }, &run->arena);
	assert_int_equal(report->cause, CAUSE_VM_AUTH);
	return report->fixes[0].command;
}

static void fixes_name_the_user(void **state)
{
	(void)state;
	struct run run;
	struct report report;
	assert_non_null(strstr(fix_for("ann", &run, &report), " ann@vm.example"));
	run_free(&run);
	assert_non_null(strstr(fix_for(NULL, &run, &report), " <user>@vm.example"));
	run_free(&run);
	/* a saved run may say anything */
	assert_non_null(strstr(fix_for("$(id)", &run, &report), " '$(id)'@vm.example"));
	run_free(&run);
}

/* A healthy start proves nothing, however little speaks against health. */
static void no_name_stands_in_an_unknown_verdict(void **state)
{
	(void)state;
	struct run run = { .host = "vm.example", .port = 22, .planned = true };
	struct report report;
	struct track track;
	struct facts facts = { 0 };
	facts.fact[QUESTION_SYN] = (struct fact){ .answer = ANSWER_SYN_SYN_ACK, .text = "seen" };
	track_start(&track, &run, &run.arena);
	report_build_facts(&report, &track, &facts, &(struct report_options){ 0 }, &run.arena);
	assert_int_equal(report.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(report.cause, CAUSE_UNKNOWN);
	assert_true(report.confidence < 0.5);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixes_name_the_user),
		cmocka_unit_test(no_name_stands_in_an_unknown_verdict),
	};
	return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
