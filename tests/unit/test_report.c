/* report: what SPEC 2 promises, read back; and what a person sees. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/escape.h"
#include "report/page.h"
#include "sshwhy/error.h"
#include "sshwhy/report.h"

/* -- a report with everything in it ----------------------------------------------- */

static const struct report_hop ssh_hops[] = {
	{ 1, "10.20.0.1", 0.21, HOP_PASSES_ON, "time-exceeded", true, NULL },
	{ 2, "192.0.2.1", 1.1, HOP_PASSES_ON, "time-exceeded", true, NULL },
	{ 3, "198.51.100.7", 4.02, HOP_PASSES_ON, "time-exceeded", false, NULL },
	{ 4, NULL, -1, HOP_SILENT, NULL, false, NULL },
	{ 5, NULL, -1, HOP_SILENT, NULL, false, NULL },
	{ 6, NULL, -1, HOP_SILENT, NULL, false, NULL },
};
static const struct report_hop web_hops[] = {
	{ 1, "10.20.0.1", 0.2, HOP_PASSES_ON, "time-exceeded", true, NULL },
	{ 2, "192.0.2.1", 1.0, HOP_PASSES_ON, "time-exceeded", true, NULL },
	{ 3, "198.51.100.9", 4.1, HOP_PASSES_ON, "time-exceeded", false, NULL },
	{ 4, NULL, -1, HOP_SILENT, NULL, false, NULL },
	{ 5, NULL, -1, HOP_SILENT, NULL, false, NULL },
	{ 6, "20.99.0.4", 8.13, HOP_ACCEPTS, "syn-ack", false, NULL },
};
static const struct report_path paths[] = { { 22, ssh_hops, 6 }, { 80, web_hops, 6 } };
static const enum cause silent[] = { CAUSE_NSG_DENY, CAUSE_VM_FIREWALL };
static const enum cause loud[] = { CAUSE_VM_SSHD_DOWN };
static const uint64_t packets[] = { 3, 9, 14 };
static const struct report_evidence evidence[] = {
	{ .fact = "name.resolves", .text = "the name resolves" },
	{ .fact = "syn.silent",
	  .question = "what becomes of SYNs?",
	  .text = "3 SYNs to port 22 in 3.0 s, no answer",
	  .packets = packets,
	  .packet_count = 3,
	  .for_causes = silent,
	  .for_count = 2,
	  .against_causes = loud,
	  .against_count = 1 },
};
static const struct report_cause causes[] = {
	{ CAUSE_NSG_DENY, 0.81 },
	{ CAUSE_VM_FIREWALL, 0.1719 },
	{ CAUSE_UNKNOWN, 0.0123456 },
};
static const struct report_next next[] = {
	{ "Run the same probe from a VM in the same virtual network",
	  "sshwhy probe --vantage vnet 10.1.0.4", silent, 2 },
	{ "Ask the administrator", NULL, NULL, 0 },
};
static const struct guide_fix fixes[] = {
	{ CAUSE_NSG_DENY, "Allow TCP 22 from this client", "azure-cli", "az network nsg rule" },
	{ CAUSE_EDGE_FIREWALL, "Ask the network administrator", NULL, NULL },
};
static const struct report_also also[] = {
	{ CAUSE_CLIENT_KEY_PERMISSIONS, "~/.ssh/id_rsa is readable by others" },
};
static const char *const not_observed[] = { "host key: no handshake", "routes" };
static const char *const methods[] = { "publickey", "password" };

static struct report full_report(void)
{
	return (struct report){
		.host = "vm.example",
		.address = "20.99.0.4",
		.port = 22,
		.vantage = "client",
		.deployment = "arm",
		.interface = "eth0",
		.local_address = "10.20.0.10",
		.started_ns = 1795348800123456789,
		.duration_seconds = 2.3,
		.outcome = OUTCOME_AMBIGUOUS,
		.cause = CAUSE_NSG_DENY,
		.sources = { 4, 5 },
		.source_count = 2,
		.confidence = 0.81,
		.summary = "SYNs to port 22 get no answer.",
		.causes = causes,
		.cause_count = 3,
		.evidence = evidence,
		.evidence_count = 2,
		.paths = paths,
		.path_count = 2,
		.banner = "SSH-2.0-OpenSSH_9.2",
		.host_key = "ssh-ed25519 SHA256:abc",
		.kex = "curve25519-sha256",
		.auth_methods = methods,
		.auth_method_count = 2,
		.next = next,
		.next_count = 2,
		.fixes = fixes,
		.fix_count = 2,
		.also = also,
		.also_count = 1,
		.not_observed = not_observed,
		.not_observed_count = 2,
		.attempts = 3,
		.capture = "run.pcapng",
	};
}

/* -- helpers ---------------------------------------------------------------------- */

static char *json_of(const struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_true(report_json(report, out));
	assert_int_equal(fclose(out), 0);
	/* One line: the first newline is the last byte. */
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	return text;
}

static char *text_of(const struct report *report, int verbosity, bool color)
{
	const struct text_style style = { .color = color, .verbosity = verbosity };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_true(report_text(report, &style, out));
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), size);
	return text;
}

/* Nothing but printing characters, at most PAGE_WIDTH columns, no spaces at the end. */
static void assert_tidy(const char *text, bool ignore_first_width)
{
	for (bool first = true; *text != '\0'; first = false) {
		char line[2 * ESCAPE_TEXT];
		size_t length = strcspn(text, "\n");

		assert_true(length < sizeof line);
		memcpy(line, text, length);
		line[length] = '\0';
		assert_true(escape_is_clean(line));
		if (!first || !ignore_first_width)
			assert_true(utf8_columns(line, length) <= PAGE_WIDTH);
		assert_true(length == 0 || line[length - 1] != ' ');
		text += length + 1;
	}
}

static void assert_json(const struct report *report, const char *expected)
{
	char *text = json_of(report);
	json_t *got = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *want = json_loads(expected, 0, NULL);

	assert_non_null(got);
	assert_non_null(want);
	if (!json_equal(got, want))
		assert_string_equal(text, expected); /* shows both */
	json_decref(got);
	json_decref(want);
	free(text);
}

/* -- JSON ------------------------------------------------------------------------- */

static void json_of_a_full_report(void **state)
{
	struct report report = full_report();

	(void)state;
	assert_json(
		&report,
		"{\"schema\":\"sshwhy.report/1\",\"version\":\"" SSHWHY_VERSION "\","
		"\"target\":{\"host\":\"vm.example\",\"address\":\"20.99.0.4\",\"port\":22},"
		"\"vantage\":\"client\",\"deployment\":\"arm\",\"interface\":\"eth0\","
		"\"local_address\":\"10.20.0.10\",\"started\":\"2026-11-22T12:00:00.123456Z\","
		"\"duration_seconds\":2.3,"
		"\"verdict\":{\"outcome\":\"ambiguous\",\"cause\":\"nsg.deny\",\"sources\":[4,5],"
		"\"confidence\":0.81,\"summary\":\"SYNs to port 22 get no answer.\"},"
		"\"causes\":[{\"cause\":\"nsg.deny\",\"source\":4,\"probability\":0.81},"
		"{\"cause\":\"vm.firewall\",\"source\":5,\"probability\":0.1719},"
		"{\"cause\":\"unknown\",\"source\":0,\"probability\":0.0123456}],"
		"\"evidence\":[{\"fact\":\"name.resolves\",\"text\":\"the name resolves\","
		"\"packets\":[],\"for\":[],\"against\":[]},"
		"{\"fact\":\"syn.silent\",\"text\":\"3 SYNs to port 22 in 3.0 s, no answer\","
		"\"packets\":[3,9,14],\"for\":[\"nsg.deny\",\"vm.firewall\"],"
		"\"against\":[\"vm.sshd-down\"]}],"
		"\"path\":[{\"port\":22,\"hops\":["
		"{\"ttl\":1,\"address\":\"10.20.0.1\",\"rtt_ms\":0.21,\"reply\":\"time-exceeded\"},"
		"{\"ttl\":2,\"address\":\"192.0.2.1\",\"rtt_ms\":1.1,\"reply\":\"time-exceeded\"},"
		"{\"ttl\":3,\"address\":\"198.51.100.7\",\"rtt_ms\":4.02,"
		"\"reply\":\"time-exceeded\"},"
		"{\"ttl\":4,\"address\":null,\"rtt_ms\":null,\"reply\":null},"
		"{\"ttl\":5,\"address\":null,\"rtt_ms\":null,\"reply\":null},"
		"{\"ttl\":6,\"address\":null,\"rtt_ms\":null,\"reply\":null}]},"
		"{\"port\":80,\"hops\":["
		"{\"ttl\":1,\"address\":\"10.20.0.1\",\"rtt_ms\":0.2,\"reply\":\"time-exceeded\"},"
		"{\"ttl\":2,\"address\":\"192.0.2.1\",\"rtt_ms\":1.0,\"reply\":\"time-exceeded\"},"
		"{\"ttl\":3,\"address\":\"198.51.100.9\",\"rtt_ms\":4.1,"
		"\"reply\":\"time-exceeded\"},"
		"{\"ttl\":4,\"address\":null,\"rtt_ms\":null,\"reply\":null},"
		"{\"ttl\":5,\"address\":null,\"rtt_ms\":null,\"reply\":null},"
		"{\"ttl\":6,\"address\":\"20.99.0.4\",\"rtt_ms\":8.13,\"reply\":\"syn-ack\"}]}],"
		"\"ssh\":{\"banner\":\"SSH-2.0-OpenSSH_9.2\","
		"\"host_key\":\"ssh-ed25519 SHA256:abc\",\"kex\":\"curve25519-sha256\","
		"\"auth_methods\":[\"publickey\",\"password\"]},"
		"\"next\":[{\"text\":\"Run the same probe from a VM in the same virtual network\","
		"\"command\":\"sshwhy probe --vantage vnet 10.1.0.4\","
		"\"separates\":[\"nsg.deny\",\"vm.firewall\"]},"
		"{\"text\":\"Ask the administrator\",\"command\":null,\"separates\":[]}],"
		"\"fix\":[{\"cause\":\"nsg.deny\",\"text\":\"Allow TCP 22 from this client\","
		"\"shell\":\"azure-cli\",\"command\":\"az network nsg rule\"},"
		"{\"cause\":\"edge.firewall\",\"text\":\"Ask the network administrator\","
		"\"shell\":null,\"command\":null}],"
		"\"also\":[{\"cause\":\"client.key-permissions\",\"source\":1,"
		"\"text\":\"~/.ssh/id_rsa is readable by others\"}],"
		"\"not_observed\":[\"host key: no handshake\",\"routes\"],"
		"\"attempts\":3,\"capture\":\"run.pcapng\"}");
}

static void json_of_an_empty_report(void **state)
{
	struct report report = { .outcome = OUTCOME_UNKNOWN, .cause = CAUSE_UNKNOWN };

	(void)state;
	assert_json(&report,
		    "{\"schema\":\"sshwhy.report/1\",\"version\":\"" SSHWHY_VERSION "\","
		    "\"target\":{\"host\":null,\"address\":null,\"port\":null},"
		    "\"vantage\":null,\"deployment\":null,\"interface\":null,"
		    "\"local_address\":null,\"started\":null,\"duration_seconds\":0.0,"
		    "\"verdict\":{\"outcome\":\"unknown\",\"cause\":\"unknown\",\"sources\":[],"
		    "\"confidence\":0.0,\"summary\":null},"
		    "\"causes\":[],\"evidence\":[],\"path\":[],"
		    "\"ssh\":{\"banner\":null,\"host_key\":null,\"kex\":null,"
		    "\"auth_methods\":null},"
		    "\"next\":[],\"fix\":[],\"also\":[],\"not_observed\":[]}");
}

static void json_keys_stand_in_the_order_of_the_contract(void **state)
{
	static const char *const keys[] = {
		"\"schema\":",	      "\"version\":",	   "\"target\":",
		"\"vantage\":",	      "\"deployment\":",   "\"interface\":",
		"\"local_address\":", "\"started\":",	   "\"duration_seconds\":",
		"\"verdict\":",	      "\"outcome\":",	   "\"cause\":",
		"\"sources\":",	      "\"confidence\":",   "\"summary\":",
		"\"causes\":",	      "\"evidence\":",	   "\"path\":",
		"\"ssh\":",	      "\"next\":",	   "\"fix\":",
		"\"also\":",	      "\"not_observed\":", "\"attempts\":",
		"\"capture\":",
	};
	struct report report = full_report();
	char *text = json_of(&report);
	const char *at = text;

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		at = strstr(at, keys[i]);
		assert_non_null(at);
	}
	free(text);
}

static void json_numbers_are_never_invented(void **state)
{
	static const struct report_hop hops[] = { { 1, NULL, -1, HOP_SILENT, NULL, false, NULL } };
	static const struct report_path path = { 22, hops, 1 };
	struct report report = {
		.confidence = NAN,
		.duration_seconds = INFINITY,
		.paths = &path,
		.path_count = 1,
		.started_ns = -1,
	};
	char *text = json_of(&report);

	(void)state;
	assert_non_null(strstr(text, "\"confidence\":null"));
	assert_non_null(strstr(text, "\"duration_seconds\":null"));
	assert_non_null(strstr(text, "\"rtt_ms\":null"));
	assert_non_null(strstr(text, "\"started\":\"1969-12-31T23:59:59.999999Z\""));
	free(text);
}

/* -- hostile bytes ---------------------------------------------------------------- */

#define HOSTILE                                                                                    \
	"\033]0;x\a\"\\\r\n\x9b\xc2\x9b\xff\u202e%s%n<b>\u2028"                                    \
	"a_very_long_word_without_any_space_in_it_a_very_long_word_without_any_space_in_it"        \
	"\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee\u4eee"

static struct report hostile_report(void)
{
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
	static const struct report_next next_rows[] = { { HOSTILE, HOSTILE, silent, 2 } };
	static const struct guide_fix fix_rows[] = { { CAUSE_VM_KEX, HOSTILE, HOSTILE, HOSTILE } };
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
	static const char start[] = "\\x1b]0;x\\x07\"\\\\x0d\\x0a\\x9b\\xc2\\x9b\\xff\\xe2";
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

/* -- text ------------------------------------------------------------------------- */

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void text_of_a_full_report(void **state)
{
	struct report report = full_report();
	char *text = text_of(&report, 0, false);

	(void)state;
	assert_tidy(text, false);
	assert_string_equal(
		text,
		"AMBIGUOUS  vm.example:22  nsg.deny, source 4 (Network security groups), 81 %\n"
		"  20.99.0.4 from 10.20.0.10 (eth0), vantage client, arm deployment, "
		"2026-11-22 12:00:00 UTC, 2.3 s,\n"
		"  3 attempts in run.pcapng\n"
		"\n"
		"  SYNs to port 22 get no answer.\n"
		"\n"
		"Path\n"
		"    hop  address               ms  port 22 (ssh)       port 80\n"
		"      0  10.20.0.10                |                   |\n"
		"      1  10.20.0.1           0.21  |                   |\n"
		"      2  192.0.2.1           1.10  |                   |\n"
		"         --------------- edge of the organisation\n"
		"      3  198.51.100.7        4.02  |                   | 198.51.100.9\n"
		"    4-5  -                         X stops here        :\n"
		"      6  20.99.0.4           8.13                      o syn-ack\n"
		"\n"
		"SSH\n"
		"  SSH-2.0-OpenSSH_9.2, curve25519-sha256, host key ssh-ed25519 SHA256:abc, "
		"offers publickey or\n"
		"  password\n"
		"\n"
		"Why\n"
		"  + 3 SYNs to port 22 in 3.0 s, no answer\n"
		"    the name resolves\n"
		"\n"
		"Causes left\n"
		"  81 %  source 4, Network security groups\n"
		"          81 %  nsg.deny              a network security group denies SSH\n"
		"  17 %  source 5, Linux-based virtual machine\n"
		"          17 %  vm.firewall           the guest firewall drops or rejects SSH\n"
		"   1 %  unknown               none of the documented causes\n"
		"\n"
		"What would settle it\n"
		"  - Run the same probe from a VM in the same virtual network (tells apart "
		"nsg.deny, vm.firewall)\n"
		"      sshwhy probe --vantage vnet 10.1.0.4\n"
		"  - Ask the administrator\n"
		"\n"
		"Fix\n"
		"  - Allow TCP 22 from this client (azure-cli)\n"
		"      az network nsg rule\n"
		"  - if edge.firewall: Ask the network administrator\n"
		"\n"
		"Also\n"
		"  - client.key-permissions, source 1: ~/.ssh/id_rsa is readable by others\n"
		"\n"
		"Not observed: host key: no handshake; routes\n");
	free(text);
}

static void verbose_shows_question_and_packets(void **state)
{
	struct report report = full_report();
	char *text = text_of(&report, 1, false);

	(void)state;
	assert_tidy(text, false);
	assert_has(text, "      what becomes of SYNs?\n"
			 "      syn.silent; packets 3, 9, 14\n"
			 "      for nsg.deny, vm.firewall\n"
			 "      against vm.sshd-down\n");
	free(text);
}

static void quiet_is_one_line(void **state)
{
	struct report report = full_report();

	(void)state;
	char *text = text_of(&report, -1, false);
	assert_string_equal(text, "AMBIGUOUS  vm.example:22  nsg.deny, source 4 "
				  "(Network security groups), 81 %\n");
	free(text);
	report.host = "2001:db8::4";
	report.outcome = OUTCOME_FAULT;
	report.confidence = 0.9999;
	text = text_of(&report, -1, false);
	assert_string_equal(text, "FAULT  [2001:db8::4]:22  nsg.deny, source 4 "
				  "(Network security groups), >99 %\n");
	free(text);
	report.outcome = OUTCOME_UNKNOWN;
	report.cause = CAUSE_UNKNOWN;
	text = text_of(&report, -1, false);
	assert_string_equal(text,
			    "UNKNOWN  [2001:db8::4]:22  no documented source fits the evidence\n");
	free(text);
}

/* The most probable cause need not lie at the most probable source. */
static void the_verdict_line_gives_its_own_source_its_own_share(void **state)
{
	static const struct report_cause spread[] = { { CAUSE_NSG_DENY, 0.4 },
						      { CAUSE_VM_FIREWALL, 0.3 },
						      { CAUSE_VM_DOWN, 0.3 } };
	struct report report = full_report();

	(void)state;
	report.causes = spread;
	report.sources[0] = 5;
	report.sources[1] = 4;
	report.confidence = 0.6;
	char *text = text_of(&report, 0, false);
	assert_has(text, "nsg.deny, source 4 (Network security groups), 40 %\n");
	assert_has(text, "  60 %  source 5, Linux-based virtual machine\n");
	free(text);
}

static void healthy_is_short(void **state)
{
	struct report report = full_report();

	(void)state;
	report.outcome = OUTCOME_HEALTHY;
	report.cause = CAUSE_HEALTHY;
	report.confidence = 0.999;
	report.fix_count = report.also_count = 0;
	report.capture = NULL;
	report.attempts = 0;
	char *text = text_of(&report, 0, false);
	assert_string_equal(text,
			    "HEALTHY  vm.example:22  SSH answers, >99 %\n"
			    "  20.99.0.4 from 10.20.0.10 (eth0), vantage client, arm deployment, "
			    "2026-11-22 12:00:00 UTC, 2.3 s\n"
			    "\n"
			    "  SYNs to port 22 get no answer.\n"
			    "\n"
			    "SSH\n"
			    "  SSH-2.0-OpenSSH_9.2, curve25519-sha256, host key ssh-ed25519 "
			    "SHA256:abc, offers publickey or\n"
			    "  password\n");
	free(text);
}

static void only_eight_facts_unless_verbose(void **state)
{
	struct report_evidence rows[12];
	struct report report = full_report();

	(void)state;
	for (size_t i = 0; i < 12; i++)
		rows[i] = evidence[0];
	rows[11] = evidence[1]; /* the only one that speaks of the verdict's cause */
	report.evidence = rows;
	report.evidence_count = 12;
	char *text = text_of(&report, 0, false);
	assert_has(text, "Why\n  + 3 SYNs to port 22");
	assert_has(text, "    and 4 more with -v\n");
	free(text);
	text = text_of(&report, 1, false);
	assert_null(strstr(text, "more with -v"));
	free(text);
}

static void colour_adds_nothing_but_colour(void **state)
{
	struct report report = full_report();
	char *plain = text_of(&report, 1, false);
	char *colored = text_of(&report, 1, true);
	char *to = colored;

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strchr(colored, '\033'));
	for (const char *from = colored; *from != '\0';) {
		if (*from == '\033') {
			from += strcspn(from, "m") + 1;
			continue;
		}
		*to++ = *from++;
	}
	*to = '\0';
	assert_string_equal(colored, plain);
	free(plain);
	free(colored);
}

static void every_verdict_reads_well(void **state)
{
	(void)state;
	for (unsigned cause = 0; cause < CAUSES; cause++) {
		for (int outcome = OUTCOME_HEALTHY; outcome <= OUTCOME_UNKNOWN; outcome++) {
			struct report report = full_report();

			report.cause = (enum cause)cause;
			report.outcome = (enum outcome)outcome;
			char *text = text_of(&report, 1, false);
			assert_tidy(text, true); /* the verdict is one line, whatever it takes */
			free(text);
		}
	}
}

/* -- the path --------------------------------------------------------------------- */

static void assert_path(struct report *report, const char *expected)
{
	char *text = text_of(report, 0, false);
	const char *path = strstr(text, "Path\n");

	assert_tidy(text, false);
	assert_non_null(path);
	char *end = strstr(path, "\n\n");
	if (end != NULL)
		end[1] = '\0';
	assert_string_equal(path, expected);
	free(text);
}

static struct report bare_report(const struct report_path *bare_paths, size_t count)
{
	return (struct report){
		.host = "vm.example",
		.address = "20.99.0.4",
		.port = 22,
		.outcome = OUTCOME_AMBIGUOUS,
		.cause = CAUSE_EDGE_FIREWALL,
		.paths = bare_paths,
		.path_count = count,
	};
}

static void path_without_any_answer(void **state)
{
	static const struct report_hop hops[] = { { 1, NULL, -1, HOP_SILENT, NULL, false, NULL },
						  { 2, NULL, -1, HOP_SILENT, NULL, false, NULL } };
	static const struct report_path path = { 22, hops, 2 };
	struct report report = bare_report(&path, 1);

	(void)state;
	assert_path(&report, "Path\n"
			     "    hop  address               ms  port 22 (ssh)\n"
			     "      0  this machine              |\n"
			     "     1+  -                         X stops here\n"
			     "      ?  20.99.0.4                 the VM: not seen\n");
}

static void path_with_a_reset_from_nearby(void **state)
{
	static const struct report_hop ssh[] = {
		{ 1, "10.20.0.1", 0.2, HOP_PASSES_ON, "time-exceeded", true, NULL },
		{ 2, "20.99.0.4", 0.9, HOP_RESETS, "reset", true, NULL },
		{ 3, "20.99.0.4", 0.9, HOP_RESETS, "reset", true, NULL },
	};
	static const struct report_hop web[] = {
		{ 1, "10.20.0.1", 0.2, HOP_PASSES_ON, "time-exceeded", true, NULL },
		{ 2, "192.0.2.1", 1.0, HOP_PASSES_ON, "time-exceeded", true, NULL },
		{ 3, "20.99.0.4", 123.4, HOP_ACCEPTS, "syn-ack", false, NULL },
	};
	static const struct report_hop closed[] = {
		{ 2, "192.0.2.1", 1.0, HOP_PASSES_ON, "time-exceeded", true, NULL },
		{ 3, "20.99.0.4", 9.0, HOP_RESETS, "reset", false, NULL },
	};
	/* The SSH port comes first wherever it stands. */
	static const struct report_path both[] = { { 80, web, 3 },
						   { 22, ssh, 3 },
						   { 9, closed, 2 } };
	struct report report = bare_report(both, 3);

	(void)state;
	assert_path(&report,
		    "Path\n"
		    "    hop  address               ms  port 22 (ssh)       port 80             "
		    "port 9\n"
		    "      0  this machine              |                   |                   |\n"
		    "      1  10.20.0.1           0.20  |                   |                   :\n"
		    "      2  20.99.0.4           0.90  X reset             | 192.0.2.1         | "
		    "192.0.2.1\n"
		    "         --------------- edge of the organisation\n"
		    "      3  20.99.0.4            123                      o syn-ack           o "
		    "reset\n");
}

static void path_with_a_router_that_refuses(void **state)
{
	static const struct report_hop hops[] = {
		{ 1, "fd00:20::1", 0.2, HOP_PASSES_ON, "time-exceeded", true, NULL },
		{ 2, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 1.2, HOP_REJECTS, "unreachable 1/1",
		  false, NULL },
	};
	static const struct report_path path[] = { { 22, hops, 2 },
						   { 443, hops, 1 },
						   { 80, NULL, 0 } };
	struct report report = bare_report(path, 3);

	(void)state;
	report.address = "2001:db8::4";
	assert_path(
		&report,
		"Path\n"
		"    hop  address                                      ms  port 22 (ssh)       "
		"port 443\n"
		"      0  this machine                                     |                   |\n"
		"      1  fd00:20::1                                 0.20  |                   |\n"
		"         -------------------------------------- edge of the organisation\n"
		"      2  2001:db8:ffff:ffff:ffff:ffff:ffff:ffff     1.20  X unreachable 1/1   "
		"X no answer\n"
		"      ?  2001:db8::4                                      the VM: not seen\n");
}

static void path_that_ssh_alone_goes_to_its_end(void **state)
{
	static const struct report_hop ssh[] = {
		{ 1, "10.20.0.1", 0.2, HOP_PASSES_ON, "time-exceeded", true, NULL },
		{ 2, "192.0.2.1", 1.0, HOP_SILENT, NULL, true,
		  NULL }, /* an answer of another kind */
		{ 3, "20.99.0.4", 9.0, HOP_ACCEPTS, "syn-ack", false, NULL },
	};
	static const struct report_path path[] = { { 22, ssh, 3 }, { 80, ssh, 1 } };
	struct report report = bare_report(path, 2);

	(void)state;
	assert_path(&report, "Path\n"
			     "    hop  address               ms  port 22 (ssh)       port 80\n"
			     "      0  this machine              |                   |\n"
			     "      1  10.20.0.1           0.20  |                   |\n"
			     "      2  192.0.2.1           1.00  |                   X no answer\n"
			     "         --------------- edge of the organisation\n"
			     "      3  20.99.0.4           9.00  o syn-ack\n");
}

static void no_path_no_section(void **state)
{
	struct report report = bare_report(&(struct report_path){ .port = 22 }, 1);
	char *text = text_of(&report, 1, false);

	(void)state;
	assert_null(strstr(text, "Path"));
	free(text);
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
		cmocka_unit_test(json_of_a_full_report),
		cmocka_unit_test(json_of_an_empty_report),
		cmocka_unit_test(json_keys_stand_in_the_order_of_the_contract),
		cmocka_unit_test(json_numbers_are_never_invented),
		cmocka_unit_test(hostile_bytes_never_reach_a_json_string),
		cmocka_unit_test(hostile_bytes_never_reach_a_terminal),
		cmocka_unit_test(hostile_text_is_wrapped_too),
		cmocka_unit_test(long_texts_cost_bounded_room),
		cmocka_unit_test(text_of_a_full_report),
		cmocka_unit_test(verbose_shows_question_and_packets),
		cmocka_unit_test(quiet_is_one_line),
		cmocka_unit_test(the_verdict_line_gives_its_own_source_its_own_share),
		cmocka_unit_test(healthy_is_short),
		cmocka_unit_test(only_eight_facts_unless_verbose),
		cmocka_unit_test(colour_adds_nothing_but_colour),
		cmocka_unit_test(every_verdict_reads_well),
		cmocka_unit_test(path_without_any_answer),
		cmocka_unit_test(path_with_a_reset_from_nearby),
		cmocka_unit_test(path_with_a_router_that_refuses),
		cmocka_unit_test(path_that_ssh_alone_goes_to_its_end),
		cmocka_unit_test(no_path_no_section),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(exit_codes_are_those_of_the_contract),
		cmocka_unit_test(percentages_never_claim_certainty),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
