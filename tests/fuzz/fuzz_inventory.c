/* What the processes that read rules and owners say, as the probe takes it in: what passes for
 * sound can be told. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "firewall/inventory.h"
#include "fuzz.h"
#include "patch.h"

static void set_finding(struct finding *finding, bool diverts)
{
	*finding = (struct finding){ .effect = diverts ? WORD_RULE_DIVERTS : WORD_RULE_DROPS,
				     .certain = true,
				     .tool = "nft",
				     .family = "inet",
				     .table = "filter",
				     .chain = "output",
				     .handle = 7,
				     .text = "tcp dport 22 drop" };
	if (diverts)
		finding->to = address_parse("127.0.0.1");
	finding->to_port = diverts ? 8888 : 0;
}

static void set_part(struct inventory_part *part, bool diverts)
{
	part->rules.count = 2;
	set_finding(&part->rules.finding[0], false);
	set_finding(&part->rules.finding[1], diverts);
	part->diverted = diverts;
	part->owner_port = 8888;
	part->owner = (struct owner){ .listens = diverts,
				      .uid = 13,
				      .pid = 123,
				      .name = "tinyproxy",
				      .program = "/usr/bin/tinyproxy" };
}

static struct inventory_result *new_result(void)
{
	struct inventory_result *result = calloc(1, sizeof(*result));
	expect(result != NULL);
	for (size_t i = 0; i < INVENTORY_FLOWS; i++)
		set_part(&result->part[i], i % 2 == 1);
	result->read = true;
	memcpy(result->limit, "no context", sizeof("no context"));
	memcpy(result->legacy4, "filter", sizeof("filter"));
	return result;
}

#define expect_text(array) expect(memchr(array, '\0', sizeof(array)) != NULL)

static void tell_rule(const struct finding *rule)
{
	char text[768];
	rule_describe(rule, text, sizeof(text));
	expect(strlen(text) < sizeof(text));
	/* the next field would end it, unseen by the sanitizer */
	expect_text(rule->tool);
	expect_text(rule->family);
	expect_text(rule->table);
	expect_text(rule->chain);
	expect_text(rule->text);
	/* each is loaded, as by whoever tells them: the sanitizer sees what is no bool */
	volatile int bits = (rule->incoming ? 1 : 0) | (rule->certain ? 2 : 0) |
			    (rule->policy ? 4 : 0) | (rule->device_unknown ? 8 : 0);
	(void)bits;
	char to[ADDRESS_TEXT];
	(void)address_is_loopback(&rule->to);
	if (rule->to.family != 0)
		expect(address_text(&rule->to, to) != NULL);
}

static void tell_part(const struct inventory_part *part)
{
	char text[768];
	expect(part->rules.count <= FINDINGS_MAX);
	for (size_t i = 0; i < part->rules.count; i++)
		tell_rule(&part->rules.finding[i]);
	expect_text(part->owner.name);
	expect_text(part->owner.program);
	if (part->diverted)
		owner_describe(&part->owner, part->owner_port, text, sizeof(text));
}

static void tell(const struct inventory_result *result)
{
	char text[256];
	expect_text(result->limit);
	expect_text(result->legacy4);
	expect_text(result->legacy6);
	snprintf(text, sizeof(text), "%s%s%s", result->limit, result->legacy4, result->legacy6);
	for (size_t i = 0; result->read && i < INVENTORY_FLOWS; i++)
		tell_part(&result->part[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	struct inventory_result *result = new_result();
	expect(inventory_is_sound(result));
	patch(result, sizeof(*result), &input);
	if (inventory_is_sound(result))
		tell(result);
	free(result);
	return 0;
}
