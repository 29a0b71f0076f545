#include "firewall/ruleset.h"

#include <stdlib.h>

#define CHAINS_MAX 4096
#define RULES_MAX  200000

static bool has_flag(const json_t *flags, const char *flag)
{
	if (json_is_string(flags))
		return text_is(json_string_value(flags), flag);
	for (size_t i = 0; i < json_array_size(flags); i++)
		if (text_is(json_string_value(json_array_get(flags, i)), flag))
			return true;
	return false;
}

static void load_chain(struct ruleset *ruleset, const json_t *object)
{
	if (ruleset->chain_count == CHAINS_MAX)
		return;
	struct chain chain = {
		.family = text_of(object, "family"),
		.table = text_of(object, "table"),
		.name = text_of(object, "name"),
		.hook = text_of(object, "hook"),
		.type = text_of(object, "type"),
		.policy = text_of(object, "policy"),
		.device = text_of(object, "dev"),
		.priority = json_integer_value(json_object_get(object, "prio")),
	};
	if (chain.family != NULL && chain.table != NULL && chain.name != NULL)
		ruleset->chain[ruleset->chain_count++] = chain;
}

struct chain *ruleset_chain(const struct ruleset *ruleset, const char *family, const char *table,
			    const char *name)
{
	/* rules follow their chains: the last one looked for is near the end */
	for (size_t i = ruleset->chain_count; i-- > 0;) {
		struct chain *chain = &ruleset->chain[i];
		if (text_is(name, chain->name) && text_is(table, chain->table) &&
		    text_is(family, chain->family))
			return chain;
	}
	return NULL;
}

static void load_rule(struct ruleset *ruleset, const json_t *object, struct chain **recent)
{
	const char *family = text_of(object, "family"), *table = text_of(object, "table");
	const char *name = text_of(object, "chain");
	struct chain *chain = *recent;
	if (chain == NULL || !text_is(name, chain->name) || !text_is(table, chain->table) ||
	    !text_is(family, chain->family))
		chain = *recent = ruleset_chain(ruleset, family, table, name);
	if (chain == NULL || ruleset->rule_count == RULES_MAX)
		return;
	struct rule *rule = &ruleset->rule[ruleset->rule_count++];
	rule->expr = json_object_get(object, "expr");
	rule->handle = json_integer_value(json_object_get(object, "handle"));
	if (chain->last != 0)
		ruleset->rule[chain->last - 1].next = ruleset->rule_count;
	else
		chain->first = ruleset->rule_count;
	chain->last = ruleset->rule_count;
}

static void put_to_sleep(struct ruleset *ruleset, const json_t *table)
{
	for (size_t i = 0; i < ruleset->chain_count; i++)
		if (text_is(text_of(table, "name"), ruleset->chain[i].table) &&
		    text_is(text_of(table, "family"), ruleset->chain[i].family))
			ruleset->chain[i].dormant = true;
}

bool ruleset_load(struct ruleset *ruleset, const json_t *objects)
{
	size_t count = json_array_size(objects);
	struct chain *recent = NULL;
	ruleset->chain = calloc(count < CHAINS_MAX ? count + 1 : CHAINS_MAX, sizeof(struct chain));
	ruleset->rule = calloc(count < RULES_MAX ? count + 1 : RULES_MAX, sizeof(struct rule));
	if (ruleset->chain == NULL || ruleset->rule == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *chain = json_object_get(json_array_get(objects, i), "chain");
		if (chain != NULL)
			load_chain(ruleset, chain);
	}
	for (size_t i = 0; i < count; i++) {
		const json_t *object = json_array_get(objects, i);
		const json_t *rule = json_object_get(object, "rule");
		const json_t *table = json_object_get(object, "table");
		if (rule != NULL)
			load_rule(ruleset, rule, &recent);
		else if (table != NULL && has_flag(json_object_get(table, "flags"), "dormant"))
			put_to_sleep(ruleset, table);
	}
	return true;
}

void ruleset_free(struct ruleset *ruleset)
{
	free(ruleset->chain);
	free(ruleset->rule);
}
