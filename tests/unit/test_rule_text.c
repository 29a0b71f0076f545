/* Firewall rules as text: which words of a listing are kept as evidence, and how they are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"

/* -- text -------------------------------------------------------------------------- */

#define LISTING                                                                                    \
	"table inet fault { # handle 3\n"                                                          \
	"\tchain output { # handle 2\n"                                                            \
	"\t\ttype filter hook output priority filter; policy accept;\n"                            \
	"\t\ttcp dport 22 counter packets 10 bytes 600 drop # handle 5\n"                          \
	"\t\tip protocol 6 drop comment \"a } # handle 5\" # handle 31\n"                          \
	"\t\tmeta l4proto tcp tcp dport { 22, 80-90 } drop # handle 41\n"                          \
	"\t\ttcp dport 25 reject # handle 42\n"                                                    \
	"\t\tct state new reject # handle 43\n"                                                    \
	"\t\ttcp dport 22 redirect to :9999 # handle 44\n"                                         \
	"\t\ttcp dport 22 dnat to 10.9.9.9:99 # handle 45\n"                                       \
	"\t}\n}\n"

static void texts(void **state)
{
	(void)state;
	static const struct {
		int64_t handle;
		bool certain, kept;
		const char *text;
	} rows[] = {
		{ 5, true, true, "tcp dport 22 drop" },
		{ 31, true, true, "ip protocol 6 drop comment \"a } # handle 5\"" },
		{ 41, false, true, "meta l4proto tcp tcp dport { 22, 80-90 } drop" },
		{ 42, false, false, "tcp dport 25 reject" },
		{ 42, true, true, "tcp dport 25 reject" },
		{ 43, false, true, "ct state new reject" },
		{ 2, true, true, "" },
		{ 4, true, true, "" },
	};
	struct flow flow = flow4();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct finding finding = { .handle = rows[i].handle, .certain = rows[i].certain };
		assert_int_equal(rule_take_text(&finding, LISTING, &flow), rows[i].kept);
		assert_string_equal(finding.text, rows[i].text);
	}
}

/* Which source the connection gets; that of iptables' targets is told in the same words. */
static void translations_in_text(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		bool kept;
		enum event_word effect;
		const char *to;
		bool other_port;
	} rows[] = {
		{ "masquerade", false, WORD_RULE_TRANSLATES, "", false },
		{ "masquerade to :1024-2048", true, WORD_RULE_TRANSLATES, "", false },
		{ "masquerade fully-random,persistent", true, WORD_RULE_TRANSLATES, "", false },
		{ "snat to 10.20.0.10", false, WORD_RULE_TRANSLATES, "", false },
		{ "snat to 10.20.0.10:1024-1100", true, WORD_RULE_TRANSLATES, "", true },
		{ "snat to 10.20.0.99", true, WORD_RULE_READDRESSES, "10.20.0.99", false },
		{ "snat ip to 10.20.0.99-10.20.0.100:7000 random", true, WORD_RULE_READDRESSES,
		  "10.20.0.99", true },
		{ "snat to ip daddr map { 20.99.0.4 : 10.20.0.9 }", true, WORD_RULE_TRANSLATES, "",
		  true },
		{ "xt target NETMAP", true, WORD_RULE_TRANSLATES, "", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char listing[512], text[ADDRESS_TEXT] = "";
		struct flow flow = flow4();
		struct finding finding = { .handle = 7,
					   .certain = true,
					   .effect = WORD_RULE_TRANSLATES };
		snprintf(listing, sizeof(listing),
			 "table ip n {\n\tchain c {\n\t\ttcp dport 22 counter packets 1 bytes 2 %s "
			 "# handle 7\n\t}\n}\n",
			 rows[i].rule);
		if (rule_take_text(&finding, listing, &flow) != rows[i].kept)
			fail_msg("%s", rows[i].rule);
		assert_int_equal(finding.effect, rows[i].effect);
		assert_int_equal(finding.other_port, rows[i].other_port);
		if (finding.to.family != 0)
			address_text(&finding.to, text);
		assert_string_equal(text, rows[i].to);
	}
	struct flow flow = flow6();
	struct finding finding = { .handle = 7, .certain = true, .effect = WORD_RULE_TRANSLATES };
	assert_true(rule_take_text(&finding, "\t\tsnat ip6 to [2001:db8:20::99]:7000 # handle 7\n",
				   &flow));
	assert_int_equal(finding.effect, WORD_RULE_READDRESSES);
	assert_true(finding.other_port);
}

static void diversions_in_text(void **state)
{
	(void)state;
	struct flow flow = flow4();
	char text[ADDRESS_TEXT];
	struct finding finding = { .handle = 44, .effect = WORD_RULE_DIVERTS };
	assert_true(rule_take_text(&finding, LISTING, &flow));
	assert_int_equal(finding.to_port, 9999);
	finding = (struct finding){ .handle = 45, .effect = WORD_RULE_DIVERTS };
	assert_true(rule_take_text(&finding, LISTING, &flow));
	assert_int_equal(finding.to_port, 99);
	assert_string_equal(address_text(&finding.to, text), "10.9.9.9");
}

static void devices(void **state)
{
	(void)state;
#define NETDEV(what)                                                                               \
	"table netdev d { # handle 9\n\tchain e { # handle 1\n\t\ttype filter hook egress " what   \
	" priority filter; policy accept;\n\t\ttcp dport 22 drop # handle 5\n\t}\n}\n"
	static const struct {
		const char *listing;
		bool kept, certain;
	} rows[] = {
		{ NETDEV("device \"eth0\""), true, true },
		{ NETDEV("device \"eth01\""), false, true },
		{ NETDEV("device \"lo\""), false, true },
		{ NETDEV("devices = { lo, eth0 }"), true, true },
		{ NETDEV("devices = { eth0, lo }"), true, true },
		{ NETDEV("devices = { lo, veth0 }"), false, true },
		{ "table netdev d { # handle 9\n\tchain e { # handle 1\n\t\ttcp dport 22 drop # "
		  "handle 5\n\t}\n}\n",
		  true, false },
		{ "", true, false },
	};
	struct flow flow = flow4();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct finding finding = { .handle = 5, .certain = true, .device_unknown = true };
		if (rule_take_text(&finding, rows[i].listing, &flow) != rows[i].kept)
			fail_msg("row %zu", i);
		assert_true(!rows[i].kept || finding.certain == rows[i].certain);
	}
	/* what the JSON names needs no text */
	struct findings found = { 0 };
	assert_true(rules_find(
		"{\"nftables\": [{\"chain\": {\"family\": \"netdev\", \"table\": \"d\", "
		"\"name\": \"c\", \"type\": \"filter\", \"hook\": \"egress\", \"prio\": 0, "
		"\"policy\": \"drop\", \"dev\": \"lo\"}}]}",
		&flow, &found));
	assert_int_equal(found.count, 0);
}

/* Every beginning of the listing is fine, whatever was cut. */
static void cut_listings(void **state)
{
	(void)state;
	struct flow flow = flow4();
	for (size_t length = 0; length <= strlen(LISTING); length++) {
		char *part = strndup(LISTING, length);
		for (int64_t handle = 0; handle < 50; handle++) {
			struct finding finding = { .handle = handle, .effect = WORD_RULE_DIVERTS };
			(void)rule_take_text(&finding, part, &flow);
		}
		free(part);
	}
}

static void descriptions(void **state)
{
	(void)state;
	char text[512];
	struct finding finding = { .tool = "nft",
				   .family = "inet",
				   .table = "fault",
				   .chain = "out",
				   .handle = 3,
				   .text = "tcp dport 22 drop" };
	rule_describe(&finding, text, sizeof(text));
	assert_string_equal(text, "table inet fault chain out handle 3: tcp dport 22 drop");
	finding.text[0] = '\0';
	rule_describe(&finding, text, sizeof(text));
	assert_string_equal(text, "table inet fault chain out handle 3");
	finding.policy = true;
	snprintf(finding.text, sizeof(finding.text), "policy drop");
	rule_describe(&finding, text, sizeof(text));
	assert_string_equal(text, "table inet fault chain out: policy drop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(diversions_in_text),
		cmocka_unit_test(translations_in_text),
		cmocka_unit_test(devices),
		cmocka_unit_test(cut_listings),
		cmocka_unit_test(descriptions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
