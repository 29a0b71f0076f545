/* The table that decides: its rows are probabilities, and each cause can win. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sshwhy/verdict.h"

static const struct run client = { .planned = true,
				   .vantage = VANTAGE_CLIENT,
				   .deployment = DEPLOYMENT_CLASSIC };

static void set(struct facts *facts, enum answer answer)
{
	facts->fact[answer_question(answer)].answer = answer;
}

static void rows_sum_to_one(void **state)
{
	(void)state;
	for (int c = 0; c < CAUSES; c++) {
		double sum[QUESTIONS] = { 0 };
		for (int a = ANSWER_NONE + 1; a < ANSWERS; a++)
			sum[answer_question((enum answer)a)] +=
				likelihood((enum cause)c, (enum answer)a);
		for (int q = 0; q < QUESTIONS; q++)
			if (fabs(sum[q] - 1) > 0.02)
				fail_msg("%s, %s: %f", cause_name((enum cause)c),
					 question_name((enum question)q), sum[q]);
	}
}

static void names_lead_back_to_answers(void **state)
{
	(void)state;
	for (int a = ANSWER_NONE + 1; a < ANSWERS; a++) {
		char name[128];
		enum answer found;
		snprintf(name, sizeof(name), "%s.%s",
			 question_name(answer_question((enum answer)a)),
			 answer_name((enum answer)a));
		assert_true(answer_by_name(name, &found));
		assert_int_equal(found, a);
	}
	enum answer none;
	assert_false(answer_by_name("syn.purple", &none));
}

/* Without a row of its own a cause is never in the running. */
static void each_cause_is_looked_for(void **state)
{
	(void)state;
	for (int c = 0; c < CAUSES; c++) {
		bool looked_for = c == CAUSE_UNKNOWN; /* the residual has none */
		for (int q = 0; q < QUESTIONS; q++)
			looked_for |= decides_of((enum cause)c, (enum question)q);
		if (!looked_for)
			fail_msg("likelihood.def has no row for %s", cause_name((enum cause)c));
		if (prior((enum cause)c, &client) <= 0)
			fail_msg("prior.def: %s", cause_name((enum cause)c));
	}
}

/* Whether any two causes expect something else of it. */
static bool weighs(enum question question)
{
	struct answer_range range = answers_of(question);
	for (int a = (int)range.first; a <= (int)range.last; a++)
		for (int c = 0; c < CAUSES; c++)
			if (c != CAUSE_UNKNOWN &&
			    fabs(likelihood((enum cause)c, (enum answer)a) -
				 likelihood(CAUSE_HEALTHY, (enum answer)a)) > 1e-6)
				return true;
	return false;
}

static void each_question_weighs(void **state)
{
	(void)state;
	for (int q = 0; q < QUESTIONS; q++) {
		/* what the rest is read by */
		bool may_not = q == QUESTION_QUOTE || q == QUESTION_PLACE || q == QUESTION_JOINED ||
			       q == QUESTION_CLOCK;
		if (weighs((enum question)q) == may_not)
			fail_msg("%s weighs %s", question_name((enum question)q),
				 may_not ? "something" : "nothing: it has no rows");
	}
}

/* Without one, an answer has the floor under every cause: it counts as bad weather. */
static void each_answer_has_a_row(void **state)
{
	(void)state;
	for (int a = ANSWER_NONE + 1; a < ANSWERS; a++) {
		enum question question = answer_question((enum answer)a);
		double most = question == QUESTION_QUOTE; /* weighs nothing */
		for (int c = 0; c < CAUSES; c++)
			if (c != CAUSE_UNKNOWN)
				most = fmax(most, likelihood((enum cause)c, (enum answer)a));
		if (most < 0.0006)
			fail_msg("likelihood.def has no row for %s.%s", question_name(question),
				 answer_name((enum answer)a));
	}
}

/* What an ideal observation of each cause looks like, and the verdict it must give. */
static const struct {
	enum cause cause;
	enum answer answers[6];
} examples[] = {
	{ CAUSE_HEALTHY,
	  { ANSWER_OUT_LEAVES, ANSWER_IN_TAKEN, ANSWER_SYN_SYN_ACK, ANSWER_SSH_AUTH } },
	{ CAUSE_CLIENT_FIREWALL_OUT, { ANSWER_OUT_VANISHES, ANSWER_SYN_SYN_ACK } },
	{ CAUSE_CLIENT_FIREWALL_OUT, { ANSWER_OUT_VANISHES, ANSWER_SYN_SILENT } },
	{ CAUSE_CLIENT_FIREWALL_IN, { ANSWER_OUT_LEAVES, ANSWER_IN_IGNORED, ANSWER_SYN_SYN_ACK } },
	{ CAUSE_CLIENT_PROXY, { ANSWER_OUT_DIVERTED } },
	{ CAUSE_CLIENT_SECURITY, { ANSWER_OUT_FORBIDDEN, ANSWER_SYN_SYN_ACK } },
	{ CAUSE_CLIENT_SECURITY, { ANSWER_OUT_VANISHES_BELOW } },
	{ CAUSE_CLIENT_SECURITY,
	  { ANSWER_OUT_LEAVES, ANSWER_IN_IGNORED, ANSWER_SYN_SYN_ACK, ANSWER_RULE_NONE } },
	{ CAUSE_CLIENT_SECURITY,
	  { ANSWER_OUT_LEAVES, ANSWER_IN_TAKEN, ANSWER_SYN_SYN_ACK, ANSWER_SSH_ABORTED } },
	{ CAUSE_CLIENT_SECURITY, { ANSWER_OUT_VANISHES_BELOW, ANSWER_RULE_BLOCKS_BELOW } },
	{ CAUSE_CLIENT_SECURITY,
	  { ANSWER_OUT_LEAVES, ANSWER_IN_IGNORED, ANSWER_SYN_SYN_ACK, ANSWER_RULE_BLOCKS_BELOW } },
	{ CAUSE_CLIENT_DNS, { ANSWER_NAME_HERE, ANSWER_SYN_RESET } },
	{ CAUSE_CLIENT_PROXY,
	  { ANSWER_OUT_LEAVES, ANSWER_IN_TAKEN, ANSWER_SYN_SYN_ACK, ANSWER_SSH_AUTH,
	    ANSWER_CONFIG_FAILS } },
	{ CAUSE_HEALTHY,
	  { ANSWER_OUT_LEAVES, ANSWER_IN_TAKEN, ANSWER_SYN_SYN_ACK, ANSWER_SSH_AUTH,
	    ANSWER_CONFIG_WORKS } },
	{ CAUSE_VM_SSHD_REFUSING, { ANSWER_SYN_SYN_ACK, ANSWER_WHO_INSIDE, ANSWER_SSH_LIMITED } },
	{ CAUSE_CLIENT_DNS, { ANSWER_NAME_FAILED } },
	{ CAUSE_CLIENT_ROUTE, { ANSWER_ROUTE_REFUSED } },
	{ CAUSE_EDGE_FIREWALL, { ANSWER_SYN_SILENT, ANSWER_WHERE_EDGE, ANSWER_CONTROL_ANSWERS } },
	{ CAUSE_EDGE_FIREWALL, { ANSWER_SYN_RESET, ANSWER_WHO_INSIDE } },
	{ CAUSE_EDGE_FIREWALL, { ANSWER_SYN_ROUTER_PROHIBITED, ANSWER_WHO_INSIDE } },
	{ CAUSE_EDGE_PROXY, { ANSWER_SYN_SYN_ACK, ANSWER_WHO_INSIDE, ANSWER_SSH_OTHER } },
	{ CAUSE_EDGE_PROXY, { ANSWER_SYN_SYN_ACK, ANSWER_WHO_INSIDE, ANSWER_SSH_MUTE } },
	{ CAUSE_EDGE_PROXY,
	  { ANSWER_SYN_SYN_ACK, ANSWER_WHO_INSIDE, ANSWER_SSH_AUTH, ANSWER_KEY_CHANGED } },
	{ CAUSE_EDGE_PROXY,
	  { ANSWER_SYN_SYN_ACK, ANSWER_WHO_INSIDE, ANSWER_SSH_AUTH, ANSWER_KEY_WRONG } },
	{ CAUSE_HEALTHY,
	  { ANSWER_SYN_SYN_ACK, ANSWER_WHO_INSIDE, ANSWER_SSH_AUTH, ANSWER_KEY_SAME } },
	{ CAUSE_EDGE_IDS,
	  { ANSWER_SYN_SYN_ACK, ANSWER_WHO_VM, ANSWER_SSH_CUT, ANSWER_CUTTER_INSIDE } },
	{ CAUSE_EDGE_ROUTE,
	  { ANSWER_SYN_ROUTER_UNREACHABLE, ANSWER_WHO_INSIDE, ANSWER_CONTROL_UNREACHABLE } },
	{ CAUSE_EDGE_MTU, { ANSWER_SYN_SYN_ACK, ANSWER_WHO_VM, ANSWER_SSH_LARGE_LOST } },
	{ CAUSE_EDGE_QOS,
	  { ANSWER_SYN_SILENT, ANSWER_WHERE_EDGE, ANSWER_CONTROL_ANSWERS,
	    ANSWER_UNMARKED_NOT_SILENT } },
	{ CAUSE_EDGE_QOS, { ANSWER_SYN_RESET, ANSWER_WHO_INSIDE, ANSWER_UNMARKED_NOT_REFUSED } },
	{ CAUSE_VM_FIREWALL, { ANSWER_SYN_RESET, ANSWER_WHO_VM, ANSWER_UNMARKED_NOT_REFUSED } },
	{ CAUSE_EDGE_FIREWALL,
	  { ANSWER_SYN_SILENT, ANSWER_WHERE_EDGE, ANSWER_CONTROL_ANSWERS, ANSWER_UNMARKED_SAME } },
	{ CAUSE_EDGE_TRANSIT, { ANSWER_SYN_SILENT, ANSWER_WHERE_TRANSIT, ANSWER_CONTROL_ANSWERS } },
	{ CAUSE_ENDPOINT_PORT, { ANSWER_SYN_SILENT, ANSWER_WHERE_CLOUD, ANSWER_ELSEWHERE_YES } },
	{ CAUSE_VM_SSHD_DOWN, { ANSWER_SYN_RESET, ANSWER_WHO_VM, ANSWER_INSTEAD_NO } },
	{ CAUSE_VM_PORT, { ANSWER_SYN_RESET, ANSWER_WHO_VM, ANSWER_INSTEAD_YES } },
	{ CAUSE_VM_FIREWALL, { ANSWER_SYN_TARGET_UNREACHABLE } },
	{ CAUSE_VM_IDS, { ANSWER_SYN_SYN_ACK, ANSWER_WHO_VM, ANSWER_SSH_CUT, ANSWER_CUTTER_VM } },
	{ CAUSE_VM_SSHD_REFUSING,
	  { ANSWER_SYN_SYN_ACK, ANSWER_WHO_VM, ANSWER_SSH_CLOSED, ANSWER_CUTTER_VM } },
	{ CAUSE_VM_SSHD_HUNG, { ANSWER_SYN_SYN_ACK, ANSWER_WHO_VM, ANSWER_SSH_MUTE } },
	{ CAUSE_VM_NOT_SSH, { ANSWER_SYN_SYN_ACK, ANSWER_WHO_VM, ANSWER_SSH_OTHER } },
	{ CAUSE_VM_KEX, { ANSWER_SYN_SYN_ACK, ANSWER_SSH_NO_COMMON } },
	{ CAUSE_VM_AUTH, { ANSWER_SYN_SYN_ACK, ANSWER_SSH_AUTH_REFUSED } },
};

static void each_cause_can_win(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct facts facts = { 0 };
		struct verdict verdict;
		for (size_t n = 0; n < 6 && examples[i].answers[n] != ANSWER_NONE; n++)
			set(&facts, examples[i].answers[n]);
		reason(&facts, &client, NULL, &verdict);
		if (verdict.cause != examples[i].cause)
			fail_msg("%s, not %s (example %zu)", cause_name(verdict.cause),
				 cause_name(examples[i].cause), i);
		double sum = 0;
		for (int c = 0; c < CAUSES; c++)
			sum += verdict.probability[c];
		assert_true(fabs(sum - 1) < 1e-9);
	}
}

static void nothing_seen_is_unknown(void **state)
{
	(void)state;
	struct facts facts = { 0 };
	struct verdict verdict;
	reason(&facts, &client, NULL, &verdict);
	assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
	set(&facts, ANSWER_OUT_LEAVES); /* a healthy start proves nothing either */
	set(&facts, ANSWER_SYN_SYN_ACK);
	reason(&facts, &client, NULL, &verdict);
	assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
}

static void evidence_that_fits_nothing_is_unknown(void **state)
{
	(void)state;
	struct facts facts = { 0 };
	struct verdict verdict;
	/* the name does not resolve, and yet SSH is reached through a refused route */
	set(&facts, ANSWER_NAME_FAILED);
	set(&facts, ANSWER_ROUTE_REFUSED);
	set(&facts, ANSWER_OUT_DIVERTED);
	set(&facts, ANSWER_IN_IGNORED);
	set(&facts, ANSWER_SYN_TARGET_UNREACHABLE);
	set(&facts, ANSWER_SSH_NO_COMMON);
	reason(&facts, &client, NULL, &verdict);
	assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
}

static void silence_leaves_what_the_vantage_point_leaves(void **state)
{
	(void)state;
	struct facts facts = { 0 };
	struct verdict verdict;
	set(&facts, ANSWER_SYN_SILENT);
	set(&facts, ANSWER_WHERE_CLOUD);
	set(&facts, ANSWER_CONTROL_ANSWERS);
	struct run run = client;
	reason(&facts, &run, NULL, &verdict);
	assert_int_equal(verdict.source_count, 3); /* classic: endpoint, NSG, VM */
	run.deployment = DEPLOYMENT_ARM;
	reason(&facts, &run, NULL, &verdict);
	assert_int_equal(verdict.source_count, 2);
	assert_int_equal(verdict.sources[0], 4);
	run.vantage = VANTAGE_VM;
	reason(&facts, &run, NULL, &verdict);
	assert_int_equal(verdict.outcome, OUTCOME_FAULT);
	assert_int_equal(verdict.sources[0], 5);
}

static void vpn_clears_the_edge(void **state)
{
	(void)state;
	struct facts facts = { 0 };
	struct verdict verdict;
	struct run run = client;
	run.path = PATH_VPN;
	set(&facts, ANSWER_SYN_SILENT);
	set(&facts, ANSWER_WHERE_UNCLEAR);
	reason(&facts, &run, NULL, &verdict);
	assert_true(verdict.probability[CAUSE_EDGE_FIREWALL] == 0);
}

/* Its first leg is all that was probed. */
static void a_way_over_a_jump_host(void **state)
{
	(void)state;
	static const struct {
		const char *via;
		enum answer config;
		enum outcome outcome;
	} rows[] = {
		{ NULL, ANSWER_CONFIG_DIRECT, OUTCOME_HEALTHY },
		{ "bastion", ANSWER_CONFIG_DIRECT, OUTCOME_UNKNOWN },
		{ "bastion", ANSWER_CONFIG_WORKS, OUTCOME_HEALTHY },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = { 0 };
		struct verdict verdict;
		struct run run = client;
		run.via = rows[i].via;
		set(&facts, ANSWER_SYN_SYN_ACK);
		set(&facts, ANSWER_SSH_AUTH);
		set(&facts, rows[i].config);
		reason(&facts, &run, NULL, &verdict);
		assert_int_equal(verdict.outcome, rows[i].outcome);
	}
}

/* What loss does as easily is no evidence; what it hardly ever does is. */
static void chance_weighs(void **state)
{
	(void)state;
	static const struct {
		double accident;
		bool sure;
	} rows[] = { { 0, true }, { 0.0001, true }, { 0.1, false }, { 1, false } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = { 0 };
		struct verdict verdict;
		set(&facts, ANSWER_SYN_SYN_ACK);
		set(&facts, ANSWER_WHO_VM);
		set(&facts, ANSWER_SSH_SWALLOWED);
		set(&facts, ANSWER_CUTTER_VM);
		facts.fact[QUESTION_SSH].instead = ANSWER_SSH_AUTH;
		facts.fact[QUESTION_SSH].accident = rows[i].accident;
		reason(&facts, &client, NULL, &verdict);
		bool blames = verdict.probability[CAUSE_VM_IDS] > 0.9;
		if (blames != rows[i].sure)
			fail_msg("accident %g: vm.ids %f", rows[i].accident,
				 verdict.probability[CAUSE_VM_IDS]);
		/* and health that was not seen is not claimed */
		assert_int_not_equal(verdict.outcome, OUTCOME_HEALTHY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_sum_to_one),
		cmocka_unit_test(names_lead_back_to_answers),
		cmocka_unit_test(each_cause_is_looked_for),
		cmocka_unit_test(each_question_weighs),
		cmocka_unit_test(each_answer_has_a_row),
		cmocka_unit_test(each_cause_can_win),
		cmocka_unit_test(nothing_seen_is_unknown),
		cmocka_unit_test(evidence_that_fits_nothing_is_unknown),
		cmocka_unit_test(silence_leaves_what_the_vantage_point_leaves),
		cmocka_unit_test(vpn_clears_the_edge),
		cmocka_unit_test(a_way_over_a_jump_host),
		cmocka_unit_test(chance_weighs),
	};
	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
