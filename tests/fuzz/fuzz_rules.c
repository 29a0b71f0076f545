/* A ruleset as libnftables prints it, and the listing of a chain: what is found lies within what
 * was given, certain findings come first, and each can be told. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "firewall/rules.h"
#include "fuzz.h"
#include "sshwhy/cursor.h"

static const struct flow flows[] = {
	{ .source = { 4, { 10, 20, 0, 10 } },
	  .target = { 4, { 20, 99, 0, 4 } },
	  .port = 22,
	  .local_first = 61000,
	  .local_last = 61009,
	  .interface = "eth0",
	  .uid = 1000 },
	{ .source = { 6, { 0x20, 0x01, 0x0d, 0xb8, 0, 0x20, [15] = 0x10 } },
	  .target = { 6, { 0x20, 0x01, 0x0d, 0xb8, 0, 0x99, [15] = 4 } },
	  .port = 2222,
	  .local_first = 1024,
	  .local_last = 1024,
	  .interface = "lo" },
};

static char *as_text(struct cursor bytes)
{
	char *text = malloc(bytes.left + 1);
	expect(text != NULL);
	if (bytes.left > 0)
		memcpy(text, bytes.at, bytes.left);
	text[bytes.left] = '\0';
	return text;
}

static void check_finding(const struct finding *finding)
{
	expect(memchr(finding->tool, '\0', sizeof(finding->tool)) != NULL);
	expect(memchr(finding->family, '\0', sizeof(finding->family)) != NULL);
	expect(memchr(finding->table, '\0', sizeof(finding->table)) != NULL);
	expect(memchr(finding->chain, '\0', sizeof(finding->chain)) != NULL);
	expect(memchr(finding->text, '\0', sizeof(finding->text)) != NULL);
	expect(finding->to.family == 0 || finding->to.family == 4 || finding->to.family == 6);
	expect(finding->effect == WORD_RULE_DROPS || finding->effect == WORD_RULE_REJECTS ||
	       finding->effect == WORD_RULE_DIVERTS || finding->effect == WORD_RULE_QUEUES);
}

static void find(const char *json, const char *listing, const struct flow *flow)
{
	struct findings found = { 0 };
	char text[768];
	bool is_ruleset = rules_find(json, flow, &found);
	expect(is_ruleset || found.count == 0);
	expect(found.count <= FINDINGS_MAX);
	for (size_t i = 1; i < found.count; i++)
		expect(found.finding[i - 1].certain || !found.finding[i].certain);
	for (size_t i = 0; i < found.count; i++) { /* the text makes some less certain */
		check_finding(&found.finding[i]);
		(void)rule_take_text(&found.finding[i], listing, flow);
		check_finding(&found.finding[i]);
		rule_describe(&found.finding[i], text, sizeof(text));
	}
}

/* What precedes the first NUL is the JSON, the rest the listing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor rest = cursor_over(data, size);
	const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
	char *json = as_text(cursor_part(&rest, end != NULL ? (size_t)(end - data) : size));
	cursor_skip(&rest, end != NULL ? 1 : 0);
	char *listing = as_text(rest);
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		find(json, listing, &flows[i]);
	free(listing);
	free(json);
	return 0;
}
