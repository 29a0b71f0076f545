/* Reports of hostile bytes, to a full disk, and what is the same in every form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/page.h"
#include "reports.h"
#include "sshwhy/report.h"

/* -- hostile bytes ---------------------------------------------------------------- */

#define HOSTILE                                                                                    \
	"\033]0;x\a\"\\\r\n\x9b\xc2\x9b\xff\u202e%s%n<b>\u2028"                                    \
	"a_very_long_word_without_any_space_in_it_a_very_long_word_without_any_space_in_it"        \
	"\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee"

static struct report hostile_report(void)
{
	static const uint64_t packets[] = { 3, 9, 14 };
	static const enum cause sources[] = { CAUSE_NSG_DENY, CAUSE_VM_FIREWALL };
	static const struct report_hop hops[] = {
		{ 1, HOSTILE, 1, HOP_REJECTS, HOSTILE, true, HOSTILE },
		{ 255, HOSTILE, 1e300, HOP_REJECTS, HOSTILE, false, HOSTILE },
	};
	static const struct report_path path[] = {
		{ 22, hops, 2 }, { 80, hops, 1 }, { 443, hops, 2 }, { 1, hops, 2 },
		{ 2, hops, 2 },	 { 3, hops, 2 },  { 22, hops, 2 },
	};
	static const struct report_evidence rows[] = {
		{ .fact = HOSTILE,
		  .question = HOSTILE,
		  .text = HOSTILE,
		  .packets = packets,
		  .packet_count = 3 },
	};
	static const struct report_next next_rows[] = { { HOSTILE, HOSTILE, sources, 2 } };
	static const struct guide_fix fix_rows[] = { { CAUSE_VM_KEX, HOSTILE, SHELL_SH, HOSTILE } };
	static const struct report_also also_rows[] = { { CAUSE_VM_KEX, HOSTILE } };
	static const char *const texts[] = { HOSTILE, HOSTILE };
	struct report report = full_report();

	report.host = report.address = report.vantage = report.deployment = HOSTILE;
	report.interface = report.local_address = report.summary = report.banner = HOSTILE;
	report.host_key = report.kex = report.capture = HOSTILE;
	report.evidence = rows;
	report.evidence_count = 1;
	report.paths = path;
	report.path_count = sizeof path / sizeof path[0];
	report.auth_methods = report.not_observed = texts;
	report.auth_method_count = report.not_observed_count = 2;
	report.next = next_rows;
	report.next_count = 1;
	report.fixes = fix_rows;
	report.fix_count = 1;
	report.also = also_rows;
	report.also_count = 1;
	return report;
}

static void hostile_bytes_never_reach_a_json_string(void **state)
{
	struct report report = hostile_report();
	char *text = json_of(&report);
	json_t *root = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(root);
	text[strlen(text) - 1] = '\0';
	assert_true(escape_is_clean(text));
	/* Not hidden behind JSON's own escapes either: no \u001b, no \n in a string. */
	assert_null(strstr(text, "\\u"));
	const char *banner =
		json_string_value(json_object_get(json_object_get(root, "ssh"), "banner"));
	assert_true(escape_is_clean(banner));
	static const char start[] = "\\x1b]0;x\\x07\"\\\\\\x0d\\x0a\\x9b\\xc2\\x9b\\xff\\xe2";
	assert_int_equal(strncmp(banner, start, sizeof start - 1), 0);
	json_decref(root);
	free(text);
}

static void hostile_bytes_never_reach_a_terminal(void **state)
{
	struct report report = hostile_report();

	(void)state;
	for (int verbosity = -1; verbosity <= 1; verbosity++) {
		for (int outcome = OUTCOME_HEALTHY; outcome <= OUTCOME_UNKNOWN; outcome++) {
			report.outcome = (enum outcome)outcome;
			char *text = text_of(&report, verbosity, false);
			char *line = text;
			/* Addresses are literals by contract: the table need not be narrow. */
			for (; *line != '\0'; line += strcspn(line, "\n") + 1) {
				line[strcspn(line, "\n")] = '\0';
				assert_true(escape_is_clean(line));
			}
			free(text);
		}
	}
}

static void hostile_text_is_wrapped_too(void **state)
{
	struct report report = hostile_report();

	(void)state;
	report.path_count = 0;
	report.next_count = report.fix_count = 0; /* commands are not ours to break */
	char *text = text_of(&report, 1, false);
	assert_tidy(text, true);
	free(text);
}

static void long_texts_cost_bounded_room(void **state)
{
	struct report report = full_report();
	char *huge = malloc(1 << 20);

	(void)state;
	memset(huge, '\033', (1 << 20) - 1);
	huge[(1 << 20) - 1] = '\0';
	report.banner = report.summary = huge;
	char *text = text_of(&report, 1, false);
	char *json = json_of(&report);
	assert_true(strlen(text) < 32768);
	assert_true(strlen(json) < 32768);
	free(text);
	free(json);
	free(huge);
}

/* -- the rest --------------------------------------------------------------------- */

static void a_full_disk_is_told(void **state)
{
	const struct text_style style = { 0 };
	struct report report = full_report();
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (full == NULL)
		skip();
	setvbuf(full, NULL, _IONBF, 0);
	assert_false(report_json(&report, full));
	assert_false(report_text(&report, &style, full));
	fclose(full);
}

static void exit_codes_are_those_of_the_contract(void **state)
{
	static const struct {
		enum outcome outcome;
		const char *name;
		int code;
	} rows[] = {
		{ OUTCOME_HEALTHY, "healthy", 0 },
		{ OUTCOME_FAULT, "fault", 1 },
		{ OUTCOME_AMBIGUOUS, "ambiguous", 2 },
		{ OUTCOME_UNKNOWN, "unknown", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct report report = { .outcome = rows[i].outcome };
		assert_string_equal(outcome_name(rows[i].outcome), rows[i].name);
		assert_int_equal(report_exit_code(&report), rows[i].code);
	}
}

static void percentages_never_claim_certainty(void **state)
{
	static const struct {
		double probability;
		const char *text;
	} rows[] = {
		{ 0, "<1 %" },	     { 0.0099, "<1 %" }, { 0.01, "1 %" }, { 0.994, "99 %" },
		{ 0.9951, ">99 %" }, { 1, ">99 %" },	 { NAN, "<1 %" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[PERCENT_TEXT];
		assert_string_equal(page_percent(rows[i].probability, text), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_bytes_never_reach_a_json_string),
		cmocka_unit_test(hostile_bytes_never_reach_a_terminal),
		cmocka_unit_test(hostile_text_is_wrapped_too),
		cmocka_unit_test(long_texts_cost_bounded_room),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(exit_codes_are_those_of_the_contract),
		cmocka_unit_test(percentages_never_claim_certainty),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
