/* Reports as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports.h"
#include "sshwhy/report.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_of_a_full_report),
		cmocka_unit_test(json_of_an_empty_report),
		cmocka_unit_test(json_keys_stand_in_the_order_of_the_contract),
		cmocka_unit_test(json_numbers_are_never_invented),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
