/* Reports as text: the verdict, the facts, the path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "reports.h"
#include "sshwhy/report.h"

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
	assert_string_equal(text, "UNKNOWN  [2001:db8::4]:22  no cause can be named\n");
	free(text);
}

/* What nobody looked for is not shown as what is left. */
static void health_is_no_finding_where_nothing_is_known(void **state)
{
	static const struct report_cause only[] = { { CAUSE_HEALTHY, 0.99 } };
	struct report report = {
		.outcome = OUTCOME_UNKNOWN, .cause = CAUSE_UNKNOWN, .causes = only, .cause_count = 1
	};

	(void)state;
	char *text = text_of(&report, 0, false);
	assert_null(strstr(text, "healthy"));
	assert_null(strstr(text, "Causes left"));
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
		rows[i] = report.evidence[0];
	rows[11] = report.evidence[1]; /* the only one that speaks of the verdict's cause */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_a_full_report),
		cmocka_unit_test(verbose_shows_question_and_packets),
		cmocka_unit_test(quiet_is_one_line),
		cmocka_unit_test(health_is_no_finding_where_nothing_is_known),
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
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
