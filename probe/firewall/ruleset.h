/* ruleset: chains and rules of one "list ruleset" answer; loaded for the walk in rules.c.
 *
 * What the JSON of libnftables says (libnftables-json(5)), borrowed from the document.
 */
#ifndef PROBE_FIREWALL_RULESET_H
#define PROBE_FIREWALL_RULESET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct rule {
	const json_t *expr; /* borrowed from the document */
	int64_t handle;
	size_t next; /* the chain's next rule, counted from 1; 0 none */
};

struct chain {
	const char *family, *table, *name, *hook, *type, *policy, *device;
	int64_t priority;
	bool dormant;
	size_t first, last; /* rules, counted from 1 */
};

struct ruleset {
	struct chain *chain;
	size_t chain_count;
	struct rule *rule;
	size_t rule_count;
};

/* Of the objects under "nftables". False: no memory. Freed by ruleset_free(), then too. */
bool ruleset_load(struct ruleset *ruleset, const json_t *objects);
void ruleset_free(struct ruleset *ruleset);

/* NULL: there is none. */
struct chain *ruleset_chain(const struct ruleset *ruleset, const char *family, const char *table,
			    const char *name);

/* -- what JSON says, which may be nothing ------------------------------------------- */

static inline bool text_is(const char *text, const char *word)
{
	return text != NULL && word != NULL && strcmp(text, word) == 0;
}

static inline const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

#endif
