/* What to do next: whatever two sources are left, something is offered that tells them apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reason/next.h"

static const struct guide_values values = { .address = "192.0.2.4", .port = 22 };

/* What is offered when these two are left, each as likely. */
static const struct report_next *offered(struct run *run, enum cause a, enum cause b, size_t *count)
{
	struct facts facts = { 0 };
	struct verdict verdict = { .outcome = OUTCOME_AMBIGUOUS, .cause = a };
	verdict.probability[a] = verdict.probability[b] = 0.5;
	return next_rank(&run->arena, &verdict, &facts, run, &values, count);
}

static bool may_be_left(int cause, enum deployment deployment)
{
	bool classic_only = cause_source((enum cause)cause) == 3 && deployment == DEPLOYMENT_ARM;
	return cause_source((enum cause)cause) != 0 && !classic_only;
}

static void all_sources_are_told_apart(void **state)
{
	(void)state;
	for (int d = 0; d < DEPLOYMENTS; d++)
		for (int a = 0; a < CAUSES; a++)
			for (int b = a + 1; b < CAUSES; b++) {
				size_t count;
				struct run run = { .vantage = VANTAGE_CLIENT,
						   .deployment = (enum deployment)d,
						   .address = address_parse("192.0.2.4") };
				if (cause_source((enum cause)a) == cause_source((enum cause)b) ||
				    !may_be_left(a, run.deployment) ||
				    !may_be_left(b, run.deployment))
					continue;
				(void)offered(&run, (enum cause)a, (enum cause)b, &count);
				if (count == 0)
					fail_msg("no row of next.def tells %s from %s: see .works",
						 cause_name((enum cause)a),
						 cause_name((enum cause)b));
				run_free(&run);
			}
}

/* What the VM does itself it does to its neighbours too. */
static void from_beside_it_the_vm_is_told_from_the_edge(void **state)
{
	(void)state;
	for (int c = 0; c < CAUSES; c++) {
		size_t count;
		bool told = false;
		struct run run = { .vantage = VANTAGE_CLIENT };
		if (cause_source((enum cause)c) != 5)
			continue;
		const struct report_next *next =
			offered(&run, (enum cause)c, CAUSE_EDGE_PROXY, &count);
		for (size_t i = 0; i < count; i++)
			told |= strstr(next[i].command, "--vantage vnet") != NULL;
		if (!told)
			fail_msg("next.def, VNET: .works has no small number for %s",
				 cause_name((enum cause)c));
		run_free(&run);
	}
}

/* Nobody stands where a capture of unknown place was made: the platform may be asked all the
 * same. */
static void an_unknown_place_takes_nothing_away(void **state)
{
	(void)state;
	size_t count, without;
	struct run run = { .vantage = VANTAGE_CLIENT };
	(void)offered(&run, CAUSE_NSG_DENY, CAUSE_VM_FIREWALL, &count);
	run.vantage = VANTAGE_UNKNOWN;
	(void)offered(&run, CAUSE_NSG_DENY, CAUSE_VM_FIREWALL, &without);
	assert_true(count > 1);
	assert_int_equal(without, count);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sources_are_told_apart),
		cmocka_unit_test(an_unknown_place_takes_nothing_away),
		cmocka_unit_test(from_beside_it_the_vm_is_told_from_the_edge),
	};
	return cmocka_run_group_tests_name("next", tests, NULL, NULL);
}
