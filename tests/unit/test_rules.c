/* Local firewall rules: which of them would stop or divert a connection, as libnftables
 * 1.0.6 prints them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/inventory.h"
#include "flows.h"

/* A document with one table, one base chain and these rules' expressions, and a chain
 * "other" to jump to with one rule more. */
static void document(char *json, size_t room, const char *family, const char *hook,
		     const char *policy, const char *const *rules, const char *other)
{
	int used = snprintf(
		json, room,
		"{\"nftables\": [{\"metainfo\": {}}, {\"table\": {\"family\": \"%s\", "
		"\"name\": \"t\"}}, {\"chain\": {\"family\": \"%s\", \"table\": \"t\", "
		"\"name\": \"other\"}}, {\"chain\": {\"family\": \"%s\", \"table\": \"t\", "
		"\"name\": \"c\", \"type\": \"filter\", \"hook\": \"%s\", \"prio\": 0, "
		"\"policy\": \"%s\"}}",
		family, family, family, hook, policy);
	for (int i = 0; rules[i] != NULL; i++)
		used += snprintf(json + used, room - (size_t)used,
				 ", {\"rule\": {\"family\": \"%s\", \"table\": \"t\", \"chain\": "
				 "\"c\", \"handle\": %d, \"expr\": [%s]}}",
				 family, i + 1, rules[i]);
	if (other != NULL)
		used += snprintf(json + used, room - (size_t)used,
				 ", {\"rule\": {\"family\": \"%s\", \"table\": \"t\", \"chain\": "
				 "\"other\", \"handle\": 99, \"expr\": [%s]}}",
				 family, other);
	snprintf(json + used, room - (size_t)used, "]}");
}

#define PAYLOAD(protocol, field)                                                                   \
	"{\"payload\": {\"protocol\": \"" protocol "\", \"field\": \"" field "\"}}"
#define META(key) "{\"meta\": {\"key\": \"" key "\"}}"
#define STATE	  "{\"ct\": {\"key\": \"state\"}}"
#define MATCH(op, left, right)                                                                     \
	"{\"match\": {\"op\": \"" op "\", \"left\": " left ", \"right\": " right "}}"
#define DPORT(right) MATCH("==", PAYLOAD("tcp", "dport"), right)
#define DROP	     "{\"drop\": null}"
#define ACCEPT	     "{\"accept\": null}"
#define JUMP	     "{\"jump\": {\"target\": \"other\"}}"
#define RETURN	     "{\"return\": null}"

enum expected { NONE, MAY, WILL };

static enum expected verdict_of(const struct findings *found)
{
	return found->count == 0 ? NONE : found->finding[0].certain ? WILL : MAY;
}

/* -- single conditions ------------------------------------------------------------ */

static void conditions(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		enum expected four, six;
	} rows[] = {
		{ DPORT("22"), WILL, WILL },
		{ DPORT("23"), NONE, NONE },
		{ DPORT("\"ssh\""), WILL, WILL },
		{ DPORT("{\"set\": [80, 22]}"), WILL, WILL },
		{ DPORT("{\"set\": [80, {\"range\": [23, 30]}]}"), NONE, NONE },
		{ DPORT("{\"set\": [{\"elem\": {\"val\": 22, \"timeout\": 9}}]}"), WILL, WILL },
		{ DPORT("{\"range\": [22, 22]}"), WILL, WILL },
		{ DPORT("{\"range\": [23, 65535]}"), NONE, NONE },
		{ DPORT("{\"range\": [0, 21]}"), NONE, NONE },
		{ DPORT("\"@named\""), MAY, MAY },
		{ MATCH("!=", PAYLOAD("tcp", "dport"), "22"), NONE, NONE },
		{ MATCH("!=", PAYLOAD("tcp", "dport"), "23"), WILL, WILL },
		{ MATCH("<", PAYLOAD("tcp", "dport"), "22"), NONE, NONE },
		{ MATCH("<=", PAYLOAD("tcp", "dport"), "22"), WILL, WILL },
		{ MATCH(">", PAYLOAD("tcp", "dport"), "22"), NONE, NONE },
		{ MATCH(">", PAYLOAD("tcp", "dport"), "21"), WILL, WILL },
		{ MATCH(">=", PAYLOAD("tcp", "dport"), "22"), WILL, WILL },
		{ MATCH("==", PAYLOAD("tcp", "sport"), "22"), NONE, NONE },
		{ MATCH("==", PAYLOAD("tcp", "sport"), "61000"), MAY, MAY },
		{ MATCH(">=", PAYLOAD("tcp", "sport"), "1024"), WILL, WILL },
		{ MATCH("==", PAYLOAD("th", "dport"), "22"), WILL, WILL },
		{ MATCH("==", PAYLOAD("udp", "dport"), "22"), NONE, NONE },
		{ MATCH("!=", PAYLOAD("udp", "dport"), "22"), NONE, NONE },
		{ MATCH("==", PAYLOAD("ip", "daddr"), "\"20.99.0.4\""), WILL, NONE },
		{ MATCH("==", PAYLOAD("ip", "daddr"), "\"20.99.0.5\""), NONE, NONE },
		{ MATCH("!=", PAYLOAD("ip", "daddr"), "\"20.99.0.5\""), WILL, NONE },
		{ MATCH("==", PAYLOAD("ip", "saddr"), "\"10.20.0.10\""), WILL, NONE },
		{ MATCH("==", PAYLOAD("ip", "daddr"),
			"{\"prefix\": {\"addr\": \"20.99.0.0\", \"len\": 24}}"),
		  WILL, NONE },
		{ MATCH("==", PAYLOAD("ip", "daddr"),
			"{\"prefix\": {\"addr\": \"20.98.0.0\", \"len\": 16}}"),
		  NONE, NONE },
		{ MATCH("==", PAYLOAD("ip", "daddr"),
			"{\"range\": [\"20.99.0.1\", \"20.99.0.4\"]}"),
		  WILL, NONE },
		{ MATCH("==", PAYLOAD("ip", "daddr"),
			"{\"range\": [\"20.99.0.5\", \"20.99.0.9\"]}"),
		  NONE, NONE },
		{ MATCH("==", PAYLOAD("ip", "protocol"), "6"), WILL, NONE },
		{ MATCH("==", PAYLOAD("ip", "ttl"), "64"), MAY, NONE },
		{ MATCH("==", PAYLOAD("ip6", "daddr"),
			"{\"prefix\": {\"addr\": \"2001:db8:99::\", \"len\": 64}}"),
		  NONE, WILL },
		{ MATCH("==", PAYLOAD("ip6", "nexthdr"), "6"), NONE, WILL },
		{ MATCH("==", META("l4proto"), "6"), WILL, WILL },
		{ MATCH("==", META("l4proto"), "{\"set\": [6, 17]}"), WILL, WILL },
		{ MATCH("==", META("l4proto"), "\"udp\""), NONE, NONE },
		{ MATCH("==", META("nfproto"), "\"ipv4\""), WILL, NONE },
		{ MATCH("==", META("oifname"), "\"eth0\""), WILL, WILL },
		{ MATCH("==", META("oifname"), "\"eth*\""), WILL, WILL },
		{ MATCH("!=", META("oifname"), "\"lo\""), WILL, WILL },
		{ MATCH("==", META("oifname"), "\"@named\""), MAY, MAY },
		{ MATCH("==", META("oif"), "\"lo\""), NONE, NONE },
		{ MATCH("==", META("skuid"), "1000"), WILL, WILL },
		{ MATCH("==", META("skuid"), "0"), NONE, NONE },
		{ MATCH("==", META("skuid"), "\"alice\""), MAY, MAY },
		{ MATCH("==", META("mark"), "1"), MAY, MAY },
		{ MATCH("in", STATE, "[2, 4]"), NONE, NONE },
		{ MATCH("in", STATE, "8"), WILL, WILL },
		{ MATCH("in", STATE, "[\"new\", \"untracked\"]"), WILL, WILL },
		{ MATCH("==", STATE, "{\"set\": [8, 64]}"), WILL, WILL },
		{ MATCH("!=", STATE, "8"), NONE, NONE },
		{ MATCH("==", "{\"&\": [" PAYLOAD("tcp", "flags") ", [2, 16]]}", "2"), WILL, WILL },
		{ MATCH("==", "{\"&\": [" PAYLOAD("tcp", "flags") ", [\"syn\", \"ack\"]]}",
			"[\"syn\", \"ack\"]"),
		  NONE, NONE },
		{ MATCH("==", "{\"fib\": {\"result\": \"type\"}}", "2"), MAY, MAY },
		{ "{\"limit\": {\"rate\": 5, \"per\": \"second\"}}", MAY, MAY },
		{ "{\"xt\": {\"type\": \"match\", \"name\": \"owner\"}}", MAY, MAY },
		{ "{\"xt\": {\"type\": \"match\", \"name\": \"comment\"}}", WILL, WILL },
		{ "{\"counter\": {\"packets\": 0, \"bytes\": 0}}", WILL, WILL },
		{ "{\"of tomorrow\": {}}", MAY, MAY },
		{ "{\"match\": 7}", MAY, MAY },
		{ "{}", MAY, MAY },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char rule[1024], json[4096];
		struct flow four = flow4(), six = flow6();
		struct findings found4 = { 0 }, found6 = { 0 };
		snprintf(rule, sizeof(rule), "%s, " DROP, rows[i].condition);
		document(json, sizeof(json), "inet", "output", "accept",
			 (const char *[]){ rule, NULL }, NULL);
		assert_true(rules_find(json, &four, &found4));
		assert_true(rules_find(json, &six, &found6));
		if (verdict_of(&found4) != rows[i].four || verdict_of(&found6) != rows[i].six)
			fail_msg("row %zu: %s", i, rows[i].condition);
	}
}

/* The answers: the same words with the ends swapped, and of an established connection. */
static void conditions_on_answers(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		enum expected expected;
	} rows[] = {
		{ MATCH("==", PAYLOAD("tcp", "sport"), "22"), WILL },
		{ DPORT("22"), NONE },
		{ DPORT("{\"range\": [61000, 65000]}"), WILL },
		{ DPORT("{\"range\": [1024, 61500]}"), MAY },
		{ MATCH("==", PAYLOAD("ip", "saddr"), "\"20.99.0.4\""), WILL },
		{ MATCH("==", PAYLOAD("ip", "daddr"), "\"10.20.0.10\""), WILL },
		{ MATCH("in", STATE, "8"), NONE },
		{ MATCH("in", STATE, "2"), WILL },
		{ MATCH("==", META("iifname"), "\"eth0\""), WILL },
		{ MATCH("==", META("skuid"), "1000"), MAY },
		{ MATCH("==", "{\"&\": [" PAYLOAD("tcp", "flags") ", [2, 16]]}", "2"), NONE },
		{ MATCH("==", "{\"&\": [" PAYLOAD("tcp", "flags") ", [2, 16]]}", "18"), WILL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char rule[1024], json[4096];
		struct flow flow = flow4();
		struct findings found = { 0 };
		snprintf(rule, sizeof(rule), "%s, " DROP, rows[i].condition);
		document(json, sizeof(json), "inet", "input", "accept",
			 (const char *[]){ rule, NULL }, NULL);
		assert_true(rules_find(json, &flow, &found));
		if (verdict_of(&found) != rows[i].expected)
			fail_msg("row %zu: %s", i, rows[i].condition);
		assert_true(found.count == 0 || found.finding[0].incoming);
	}
}

/* -- chains ------------------------------------------------------------------------ */

static void orders(void **state)
{
	(void)state;
	static const struct {
		const char *rules[4], *other, *policy;
		enum expected expected;
		int64_t handle;
	} rows[] = {
		/* the first verdict counts */
		{ { ACCEPT, DROP }, NULL, "accept", NONE, 0 },
		{ { DPORT("23") ", " ACCEPT, DROP }, NULL, "accept", WILL, 2 },
		{ { DPORT("\"@s\"") ", " ACCEPT, DROP }, NULL, "accept", MAY, 2 },
		/* policies */
		{ { DPORT("23") ", " ACCEPT }, NULL, "drop", WILL, 0 },
		{ { DPORT("22") ", " ACCEPT }, NULL, "drop", NONE, 0 },
		{ { DPORT("\"@s\"") ", " ACCEPT }, NULL, "drop", MAY, 0 },
		/* jumps and returns */
		{ { JUMP }, DROP, "accept", WILL, 99 },
		{ { DPORT("23") ", " JUMP }, DROP, "accept", NONE, 0 },
		{ { DPORT("\"@s\"") ", " JUMP }, DROP, "accept", MAY, 99 },
		{ { JUMP, DROP }, ACCEPT, "accept", NONE, 0 },
		{ { JUMP, DROP }, RETURN, "accept", WILL, 2 },
		{ { JUMP, DROP }, DPORT("\"@s\"") ", " ACCEPT, "accept", MAY, 2 },
		{ { JUMP, DROP }, DPORT("\"@s\"") ", " RETURN, "accept", WILL, 2 },
		{ { "{\"goto\": {\"target\": \"other\"}}", DROP }, RETURN, "accept", NONE, 0 },
		{ { "{\"goto\": {\"target\": \"other\"}}", DROP }, RETURN, "drop", WILL, 0 },
		{ { RETURN, DROP }, NULL, "accept", NONE, 0 },
		{ { RETURN, ACCEPT }, NULL, "drop", WILL, 0 },
		/* a chain that calls itself comes to an end */
		{ { JUMP, DROP }, JUMP, "accept", WILL, 2 },
		/* verdict maps */
		{ { "{\"vmap\": {\"key\": " PAYLOAD("tcp",
						    "dport") ", \"data\": {\"set\": [[23, " ACCEPT
							     "], [22, " DROP "]]}}}" },
		  NULL,
		  "accept",
		  WILL,
		  1 },
		{ { "{\"vmap\": {\"key\": " PAYLOAD(
			  "tcp", "dport") ", \"data\": {\"set\": [[22, " JUMP "]]}}}" },
		  DROP,
		  "accept",
		  WILL,
		  99 },
		{ { "{\"vmap\": {\"key\": " STATE ", \"data\": {\"set\": [[2, " ACCEPT
		    "], [8, {\"continue\": null}]]}}}",
		    DROP },
		  NULL,
		  "accept",
		  WILL,
		  2 },
		{ { "{\"vmap\": {\"key\": " STATE ", \"data\": \"@map\"}}", DROP },
		  NULL,
		  "accept",
		  WILL,
		  2 },
		/* kinds of verdicts */
		{ { "{\"reject\": {\"type\": \"tcp reset\"}}" }, NULL, "accept", WILL, 1 },
		{ { "{\"xt\": {\"type\": \"target\", \"name\": \"REJECT\"}}" },
		  NULL,
		  "accept",
		  WILL,
		  1 },
		{ { "{\"xt\": {\"type\": \"target\", \"name\": \"LOG\"}}", DROP },
		  NULL,
		  "accept",
		  WILL,
		  2 },
		{ { "{\"queue\": {\"num\": 1}}" }, NULL, "accept", WILL, 1 },
		{ { "{\"log\": null}, " DROP }, NULL, "accept", WILL, 1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[4096];
		struct flow flow = flow4();
		struct findings found = { 0 };
		document(json, sizeof(json), "ip", "output", rows[i].policy, rows[i].rules,
			 rows[i].other);
		assert_true(rules_find(json, &flow, &found));
		if (verdict_of(&found) != rows[i].expected ||
		    (found.count > 0 && found.finding[0].handle != rows[i].handle))
			fail_msg("row %zu", i);
		assert_true(found.count == 0 || found.finding[0].policy == (rows[i].handle == 0));
	}
}

static void hooks_and_families(void **state)
{
	(void)state;
	static const struct {
		const char *family, *hook;
		enum expected four, six;
		bool incoming;
	} rows[] = {
		{ "ip", "output", WILL, NONE, false },
		{ "ip6", "output", NONE, WILL, false },
		{ "inet", "postrouting", WILL, WILL, false },
		{ "inet", "prerouting", WILL, WILL, true },
		{ "inet", "forward", NONE, NONE, false },
		{ "inet", "ingress", WILL, WILL, true },
		{ "netdev", "egress", WILL, WILL, false },
		{ "bridge", "output", NONE, NONE, false },
		{ "arp", "output", NONE, NONE, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[4096];
		struct flow four = flow4(), six = flow6();
		struct findings found4 = { 0 }, found6 = { 0 };
		document(json, sizeof(json), rows[i].family, rows[i].hook, "accept",
			 (const char *[]){ DROP, NULL }, NULL);
		assert_true(rules_find(json, &four, &found4) && rules_find(json, &six, &found6));
		assert_int_equal(verdict_of(&found4), rows[i].four);
		assert_int_equal(verdict_of(&found6), rows[i].six);
		assert_true(found4.count == 0 || found4.finding[0].incoming == rows[i].incoming);
	}
}

#define CHAIN(table, type, prio, policy)                                                           \
	"{\"chain\": {\"family\": \"ip\", \"table\": \"" table                                     \
	"\", \"name\": \"c\", \"type\": \"" type "\", \"hook\": \"output\", \"prio\": " prio       \
	", \"policy\": \"" policy "\"}}"
#define RULE(table, expr)                                                                          \
	"{\"rule\": {\"family\": \"ip\", \"table\": \"" table                                      \
	"\", \"chain\": \"c\", \"handle\": 7, \"expr\": [" expr "]}}"

static void diversions(void **state)
{
	(void)state;
	static const struct {
		const char *expr, *to;
		uint16_t port;
	} rows[] = {
		{ DPORT("22") ", {\"redirect\": {\"port\": 8888}}", "127.0.0.1", 8888 },
		{ "{\"redirect\": null}", "127.0.0.1", 22 },
		{ "{\"dnat\": {\"addr\": \"127.0.0.1\", \"port\": 99}}", "127.0.0.1", 99 },
		{ "{\"dnat\": {\"addr\": \"10.9.9.9\"}}", "10.9.9.9", 22 },
		{ "{\"dnat\": {\"addr\": {\"range\": [\"10.0.0.1\", \"10.0.0.4\"]}}}", "-", 22 },
		{ "{\"redirect\": {\"port\": 99999}}", "127.0.0.1", 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[2048], text[ADDRESS_TEXT];
		struct flow flow = flow4();
		struct findings found = { 0 };
		/* what filters after it sees another packet */
		snprintf(
			json, sizeof(json),
			"{\"nftables\": [" CHAIN("f", "filter", "0", "drop") ", " CHAIN(
				"n", "nat", "-100", "accept") ", {\"rule\": {\"family\": \"ip\", "
							      "\"table\": \"n\", \"chain\": \"c\", "
							      "\"handle\": 7, \"expr\": [%s]}}]}",
			rows[i].expr);
		assert_true(rules_find(json, &flow, &found));
		assert_int_equal(found.count, 1);
		assert_int_equal(found.finding[0].effect, WORD_RULE_DIVERTS);
		assert_string_equal(address_text(&found.finding[0].to, text), rows[i].to);
		assert_int_equal(found.finding[0].to_port, rows[i].port);
	}
}

/* Source translation is told where it may give the connection another source; of iptables only the
 * text tells more. */
static void translations(void **state)
{
	(void)state;
	static const struct {
		const char *expr;
		bool told;
	} rows[] = {
		{ "{\"masquerade\": null}", false },
		{ "{\"masquerade\": {\"port\": {\"range\": [1024, 2048]}}}", true },
		{ "{\"masquerade\": {\"flags\": \"random\"}}", true },
		{ "{\"masquerade\": {\"flags\": [\"persistent\", \"fully-random\"]}}", true },
		{ "{\"snat\": {\"addr\": \"10.20.0.9\"}}", true },
		{ "{\"xt\": {\"type\": \"target\", \"name\": \"MASQUERADE\"}}", true },
		{ "{\"xt\": {\"type\": \"target\", \"name\": \"SNAT\"}}", true },
		{ "{\"xt\": {\"type\": \"target\", \"name\": \"LOG\"}}", false },
		{ "{\"snat\": {\"addr\": \"10.20.0.9\", \"port\": 7000}}", true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[2048];
		const char *const rules[] = { rows[i].expr, NULL };
		struct flow flow = flow4();
		struct findings found = { 0 };
		document(json, sizeof(json), "ip", "postrouting", "accept", rules, NULL);
		assert_true(rules_find(json, &flow, &found));
		if (found.count != rows[i].told)
			fail_msg("%s", rows[i].expr);
		if (rows[i].told)
			assert_int_equal(found.finding[0].effect, WORD_RULE_TRANSLATES);
	}
}

/* Before the filter by priority, wherever it is listed; nat chains see no answers. */
static void priorities(void **state)
{
	(void)state;
	struct flow flow = flow4();
	struct findings found = { 0 };
	assert_true(rules_find(
		"{\"nftables\": [" CHAIN("n", "nat", "-100", "accept") ", " CHAIN(
			"f", "filter", "0", "drop") ", " RULE("n", "{\"redirect\": null}") "]}",
		&flow, &found));
	assert_int_equal(found.count, 1);
	assert_int_equal(found.finding[0].effect, WORD_RULE_DIVERTS);
	found.count = 0;
	assert_true(rules_find("{\"nftables\": [{\"chain\": {\"family\": \"ip\", \"table\": \"n\", "
			       "\"name\": \"c\", "
			       "\"type\": \"nat\", \"hook\": \"prerouting\", \"prio\": -100, "
			       "\"policy\": \"drop\"}}]}",
			       &flow, &found));
	assert_int_equal(found.count, 0);
}

/* What a probe raises (shield.c), its own and another's beside it: neither is about the
 * kernel's connections, whatever the table is called. */
#define SHIELD(first, last)                                                                        \
	"{\"nftables\": [{\"table\": {\"family\": \"inet\", \"name\": \"sshwhy-7\", "              \
	"\"flags\": \"sshwhy-7\"}}, {\"chain\": {\"family\": \"inet\", \"table\": \"sshwhy-7\", "  \
	"\"name\": \"input\", \"type\": \"filter\", \"hook\": \"input\", \"prio\": -300, "         \
	"\"policy\": \"accept\"}}, {\"rule\": {\"family\": \"inet\", \"table\": \"sshwhy-7\", "    \
	"\"chain\": \"input\", \"handle\": 2, \"expr\": [{\"match\": {\"op\": \"==\", \"left\": "  \
	"{\"payload\": {\"protocol\": \"ip\", \"field\": \"saddr\"}}, \"right\": "                 \
	"\"20.99.0.4\"}}, "                                                                        \
	"{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"tcp\", "            \
	"\"field\": \"dport\"}}, \"right\": {\"range\": [" first ", " last                         \
	"]}}}, {\"drop\": null}]}}]}"

static void shields_hide_other_ports(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		size_t found;
	} rows[] = {
		{ SHIELD("61004", "61043"), 0 }, /* ours */
		{ SHIELD("62000", "62039"), 0 }, /* another's */
		{ SHIELD("61000", "61043"), 1 }, /* and this drops answers of ours */
	};
	struct flow flow = flow4();
	flow.local_last = 61003;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct findings found = { 0 };
		assert_true(rules_find(rows[i].json, &flow, &found));
		assert_int_equal(found.count, rows[i].found);
	}
}

static void tables_that_do_not_count(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{\"nftables\": [{\"table\": {\"family\": \"ip\", \"name\": \"t\", \"flags\": "
		"\"dormant\"}}, " CHAIN("t", "filter", "0", "drop") "]}",
		"{\"nftables\": [{\"table\": {\"family\": \"ip\", \"name\": \"t\", \"flags\": "
		"[\"owner\", \"dormant\"]}}, " CHAIN("t", "filter", "0", "drop") "]}",
		"{\"nftables\": []}",
		"{\"nftables\": [7, null, {}, {\"chain\": 7}, {\"rule\": []}, {\"chain\": "
		"{\"name\": 1}}]}",
		"{\"nftables\": [" RULE("nowhere", DROP) "]}",
	};
	struct flow flow = flow4();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct findings found = { 0 };
		assert_true(rules_find(rows[i], &flow, &found));
		assert_int_equal(found.count, 0);
	}
	struct findings found = { 0 };
	assert_false(rules_find("", &flow, &found));
	assert_false(rules_find("{\"nftables\": 1}", &flow, &found));
	assert_false(rules_find("[", &flow, &found));
}

/* The certain one comes first, however many others there are. */
static void no_more_than_there_is_room_for(void **state)
{
	(void)state;
	const char *rules[FINDINGS_MAX + 4] = { 0 };
	char json[8192];
	struct flow flow = flow4();
	struct findings found = { 0 };
	for (size_t i = 0; i < FINDINGS_MAX + 3; i++)
		rules[i] = DPORT("\"@s\"") ", " DROP;
	document(json, sizeof(json), "ip", "output", "accept", rules, NULL);
	assert_true(rules_find(json, &flow, &found));
	assert_int_equal(found.count, FINDINGS_MAX);
	document(json, sizeof(json), "ip", "input", "accept", (const char *[]){ DROP, NULL }, NULL);
	assert_true(rules_find(json, &flow, &found));
	assert_int_equal(found.count, FINDINGS_MAX);
	assert_true(found.finding[0].certain && found.finding[0].incoming);
	assert_false(found.finding[1].certain);
	assert_int_equal(found.finding[1].handle, 1);
}

/* -- what is read of the process that found them ------------------------------------------------
 */

static void set_bool(bool *value, unsigned char byte)
{
	memcpy(value, &byte, sizeof(byte));
}

#define FILL(array) memset(array, 'x', sizeof(array))

static struct inventory_result sound_result(void)
{
	struct inventory_result result = { .read = true };
	result.part[3].rules.count = FINDINGS_MAX;
	for (size_t i = 0; i < FINDINGS_MAX; i++)
		result.part[3].rules.finding[i].effect = WORD_RULE_DROPS;
	return result;
}

/* Of whoever reads rules all may be wrong, in the last flow's last finding as in the first. */
static void what_is_read_of_them_is_sound(void **state)
{
	(void)state;
	struct inventory_result result = sound_result();
	struct inventory_part *part = &result.part[3];
	struct finding *last = &part->rules.finding[FINDINGS_MAX - 1];
	assert_true(inventory_is_sound(&result));
#define LIE(...)                                                                                   \
	do {                                                                                       \
		__VA_ARGS__;                                                                       \
		assert_false(inventory_is_sound(&result));                                         \
		result = sound_result();                                                           \
	} while (0)
	LIE(part->rules.count++);
	LIE(part->rules.count = SIZE_MAX);
	LIE(last->effect = WORD_NONE);
	LIE(set_bool(&last->incoming, 2));
	LIE(set_bool(&last->certain, 255));
	LIE(set_bool(&last->policy, 3));
	LIE(set_bool(&last->device_unknown, 2));
	LIE(FILL(last->tool));
	LIE(FILL(last->family));
	LIE(FILL(last->table));
	LIE(FILL(last->chain));
	LIE(FILL(last->text));
	LIE(last->to.family = 5);
	LIE(set_bool(&part->diverted, 2));
	LIE(set_bool(&part->owner.listens, 2));
	LIE(FILL(part->owner.name));
	LIE(FILL(part->owner.program));
	LIE(set_bool(&result.read, 2));
	LIE(FILL(result.limit));
	LIE(FILL(result.legacy4));
	LIE(FILL(result.legacy6));
#undef LIE
	assert_true(inventory_is_sound(&result));
	/* what lies behind the last finding is nobody's */
	part->rules.count--;
	FILL(last->text);
	assert_true(inventory_is_sound(&result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(conditions_on_answers),
		cmocka_unit_test(orders),
		cmocka_unit_test(hooks_and_families),
		cmocka_unit_test(diversions),
		cmocka_unit_test(translations),
		cmocka_unit_test(priorities),
		cmocka_unit_test(shields_hide_other_ports),
		cmocka_unit_test(tables_that_do_not_count),
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(what_is_read_of_them_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
