#include "reports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/page.h"

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
	{ CAUSE_NSG_DENY, "Allow TCP 22 from this client", SHELL_AZURE_CLI, "az network nsg rule" },
	{ CAUSE_EDGE_FIREWALL, "Ask the network administrator", SHELL_NONE, NULL },
};
static const struct report_also also[] = {
	{ CAUSE_CLIENT_KEY_PERMISSIONS, "~/.ssh/id_rsa is readable by others" },
};
static const char *const not_observed[] = { "host key: no handshake", "routes" };
static const char *const methods[] = { "publickey", "password" };

struct report full_report(void)
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

char *json_of(const struct report *report)
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

char *text_of(const struct report *report, int verbosity, bool color)
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

void assert_tidy(const char *text, bool ignore_first_width)
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

void assert_json(const struct report *report, const char *expected)
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
