/* Walks a ruleset as the packet would: base chains by hook and priority, rules in order,
 * jumps and returns. Three-valued: what may match may also not. */
#include "firewall/rules.h"

#include <stdio.h>

#include "firewall/match.h"
#include "firewall/ruleset.h"

#define JUMPS_MAX 16
#define STEPS_MAX 400000 /* rules looked at: jumps may multiply a small ruleset */

struct walk {
	const struct ruleset *ruleset;
	const struct flow *flow;
	struct findings *out;
	const struct chain *base;
	bool incoming;
	bool diverted; /* certainly: what follows sees another packet */
	unsigned steps;
};

/* -- findings --------------------------------------------------------------------- */

/* Certain ones before the others, each kind in the order met. */
static struct finding *add_finding(struct walk *walk, enum event_word effect, enum match match)
{
	struct findings *out = walk->out;
	bool certain = match == MATCH_YES;
	if (out->count == FINDINGS_MAX && (!certain || out->finding[FINDINGS_MAX - 1].certain))
		return NULL;
	size_t at = out->count < FINDINGS_MAX ? out->count++ : FINDINGS_MAX - 1;
	for (; certain && at > 0 && !out->finding[at - 1].certain; at--)
		out->finding[at] = out->finding[at - 1];
	struct finding *finding = &out->finding[at];
	*finding = (struct finding){ .effect = effect,
				     .incoming = walk->incoming,
				     .certain = certain };
	return finding;
}

/* libnftables 1.0.6 leaves the device out. */
static bool sees_one_device(const struct chain *chain)
{
	return text_is(chain->family, "netdev") || text_is(chain->hook, "ingress") ||
	       text_is(chain->hook, "egress");
}

static void set_origin(const struct walk *walk, const struct chain *chain, int64_t handle,
		       struct finding *finding)
{
	snprintf(finding->tool, sizeof(finding->tool), "nft");
	snprintf(finding->family, sizeof(finding->family), "%s", chain->family);
	snprintf(finding->table, sizeof(finding->table), "%s", chain->table);
	snprintf(finding->chain, sizeof(finding->chain), "%s", chain->name);
	finding->handle = handle;
	finding->device_unknown = sees_one_device(walk->base) && walk->base->device == NULL;
}

static void report_rule(struct walk *walk, const struct chain *chain, const struct rule *rule,
			enum event_word effect, enum match match)
{
	struct finding *finding = add_finding(walk, effect, match);
	if (finding != NULL)
		set_origin(walk, chain, rule->handle, finding);
}

static void report_policy(struct walk *walk, enum match match)
{
	struct finding *finding = add_finding(walk, WORD_RULE_DROPS, match);
	if (finding == NULL)
		return;
	set_origin(walk, walk->base, 0, finding);
	finding->policy = true;
	snprintf(finding->text, sizeof(finding->text), "policy drop");
}

static void report_diversion(struct walk *walk, const struct chain *chain, const struct rule *rule,
			     const json_t *target, bool to_self, enum match match)
{
	struct finding *finding = add_finding(walk, WORD_RULE_DIVERTS, match);
	if (finding == NULL)
		return;
	set_origin(walk, chain, rule->handle, finding);
	const char *address = text_of(target, "addr");
	if (address != NULL)
		finding->to = address_parse(address);
	else if (to_self) /* nf_nat_redirect: a local packet goes to the loopback address */
		finding->to = address_parse(walk->flow->target.family == 6 ? "::1" : "127.0.0.1");
	int64_t port = json_integer_value(json_object_get(target, "port"));
	if (port > 0 && port <= UINT16_MAX)
		finding->to_port = (uint16_t)port;
	else if (json_object_get(target, "port") == NULL)
		finding->to_port = walk->flow->port;
}

/* -- the walk --------------------------------------------------------------------- */

/* What becomes of the packet at one rule, given that the rule's conditions hold. */
enum verdict_kind {
	VERDICT_NONE, /* it goes on to the next rule */
	VERDICT_ACCEPT,
	VERDICT_STOP, /* dropped, rejected, diverted or queued, and reported */
	VERDICT_JUMP,
	VERDICT_GOTO,
	VERDICT_RETURN,
};

struct verdict_taken {
	enum verdict_kind kind;
	const char *target;
};

struct place {
	struct walk *walk;
	const struct chain *chain;
	const struct rule *rule;
	enum match here; /* whether the packet comes to this rule at all */
	unsigned depth;
};

static enum match walk_chain(struct walk *walk, const struct chain *chain, enum match here,
			     unsigned depth);

static struct verdict_taken report_stop(const struct place *place, enum event_word effect,
					enum match match)
{
	report_rule(place->walk, place->chain, place->rule, effect, match);
	return (struct verdict_taken){ .kind = VERDICT_STOP };
}

static struct verdict_taken report_diverted(const struct place *place, const json_t *target,
					    bool to_self, enum match match)
{
	if (place->walk->incoming) /* answers of a connection keep its first packet's mapping */
		return (struct verdict_taken){ .kind = VERDICT_ACCEPT };
	report_diversion(place->walk, place->chain, place->rule, target, to_self, match);
	place->walk->diverted |= match == MATCH_YES;
	return (struct verdict_taken){ .kind = VERDICT_STOP };
}

static bool asks_for_random(const json_t *flags)
{
	for (size_t i = 0; i < json_array_size(flags); i++)
		if (asks_for_random(json_array_get(flags, i)))
			return true;
	const char *flag = json_string_value(flags);
	return text_is(flag, "random") || text_is(flag, "fully-random");
}

/* Without a word about ports, source translation leaves the port as it is where it can. What is
 * said of the address its text tells, in nft's words and those of iptables alike. */
static struct verdict_taken report_translated(const struct place *place, const json_t *target,
					      enum match match)
{
	bool other_source = target == NULL || json_object_get(target, "addr") != NULL ||
			    json_object_get(target, "port") != NULL ||
			    asks_for_random(json_object_get(target, "flags"));
	if (other_source && !place->walk->incoming)
		report_rule(place->walk, place->chain, place->rule, WORD_RULE_TRANSLATES, match);
	return (struct verdict_taken){ .kind = VERDICT_ACCEPT };
}

/* iptables' own targets, which libnftables knows by name only. */
static struct verdict_taken extension_verdict(const struct place *place, const json_t *xt,
					      enum match match)
{
	const char *name = text_of(xt, "name");
	if (!text_is(text_of(xt, "type"), "target") || name == NULL)
		return (struct verdict_taken){ .kind = VERDICT_NONE };
	if (text_is(name, "REJECT"))
		return report_stop(place, WORD_RULE_REJECTS, match);
	if (text_is(name, "DROP") || text_is(name, "TARPIT"))
		return report_stop(place, WORD_RULE_DROPS, match);
	if (text_is(name, "REDIRECT") || text_is(name, "DNAT") || text_is(name, "TPROXY"))
		return report_diverted(place, NULL, text_is(name, "REDIRECT"), match);
	if (text_is(name, "NFQUEUE"))
		return report_stop(place, WORD_RULE_QUEUES, match);
	if (text_is(name, "SNAT") || text_is(name, "MASQUERADE") || text_is(name, "NETMAP"))
		return report_translated(place, NULL, match);
	return (struct verdict_taken){ .kind = VERDICT_NONE };
}

/* One statement as a verdict; `match`: whether it is reached. */
static struct verdict_taken verdict_of(const struct place *place, const json_t *statement,
				       enum match match)
{
	const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)statement));
	const json_t *value = json_object_get(statement, key != NULL ? key : "");
	const char *target = text_of(value, "target");
	if (text_is(key, "drop"))
		return report_stop(place, WORD_RULE_DROPS, match);
	if (text_is(key, "reject"))
		return report_stop(place, WORD_RULE_REJECTS, match);
	if (text_is(key, "queue"))
		return report_stop(place, WORD_RULE_QUEUES, match);
	if (text_is(key, "redirect") || text_is(key, "tproxy"))
		return report_diverted(place, value, text_is(key, "redirect"), match);
	if (text_is(key, "dnat"))
		return report_diverted(place, value, false, match);
	if (text_is(key, "xt"))
		return extension_verdict(place, value, match);
	if (text_is(key, "snat") || text_is(key, "masquerade"))
		return report_translated(place, value, match);
	if (text_is(key, "accept"))
		return (struct verdict_taken){ .kind = VERDICT_ACCEPT };
	if (text_is(key, "jump"))
		return (struct verdict_taken){ .kind = VERDICT_JUMP, .target = target };
	if (text_is(key, "goto"))
		return (struct verdict_taken){ .kind = VERDICT_GOTO, .target = target };
	return (struct verdict_taken){ .kind = text_is(key, "return") ? VERDICT_RETURN
								      : VERDICT_NONE };
}

/* Statements that neither ask nor decide anything. */
static bool is_idle(const char *key)
{
	static const char *const names[] = { "counter", "log",	     "comment", "notrack", "mangle",
					     "set",	"ct helper", "secmark", "dup",	   "flow" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(key, names[i]))
			return true;
	return false;
}

/* What a statement asks of the packet; MATCH_YES when it asks nothing. */
static enum match statement_holds(const struct place *place, const json_t *statement)
{
	const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)statement));
	const json_t *value = json_object_get(statement, key != NULL ? key : "");
	if (text_is(key, "match"))
		return match_condition(value, place->walk->flow, place->walk->incoming);
	if (text_is(key, "xt"))
		return text_is(text_of(value, "type"), "match") &&
				       !text_is(text_of(value, "name"), "comment")
			       ? MATCH_MAYBE
			       : MATCH_YES;
	static const char *const known[] = { "drop",	   "reject", "accept",	"queue", "redirect",
					     "tproxy",	   "dnat",   "snat",	"jump",	 "goto",
					     "masquerade", "return", "continue" };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (text_is(key, known[i]))
			return MATCH_YES;
	return is_idle(key) ? MATCH_YES : MATCH_MAYBE; /* limits, quotas, what is yet to come */
}

/* Follows one verdict. Returns whether the packet's way through the base chain ends with
 * it; *leaves: whether it leaves this chain for its caller. */
static enum match follow_verdict(const struct place *place, struct verdict_taken verdict,
				 enum match match, enum match *leaves)
{
	enum match reached = match_both(place->here, match), ends = MATCH_NO;
	*leaves = MATCH_NO;
	switch (verdict.kind) {
	case VERDICT_NONE:
		return MATCH_NO;
	case VERDICT_ACCEPT:
	case VERDICT_STOP:
		return match;
	case VERDICT_RETURN:
		*leaves = match;
		return MATCH_NO;
	case VERDICT_JUMP:
	case VERDICT_GOTO: {
		const struct chain *from = place->chain;
		const struct chain *to = ruleset_chain(place->walk->ruleset, from->family,
						       from->table, verdict.target);
		if (to != NULL && place->depth < JUMPS_MAX)
			ends = walk_chain(place->walk, to, reached, place->depth + 1);
		if (verdict.kind == VERDICT_GOTO)
			*leaves = match;
		return match_both(ends, match);
	}
	}
	return MATCH_NO;
}

/* A verdict map: its first entry that certainly fits, and those before it that may. */
static enum match follow_map(const struct place *place, const json_t *map, enum match match,
			     enum match *leaves)
{
	const json_t *key = json_object_get(map, "key");
	const json_t *data = json_object_get(map, "data");
	const json_t *set = json_object_get(data, "set");
	enum match ends = MATCH_NO;
	*leaves = MATCH_NO;
	if (json_is_string(data)) /* a named map */
		return MATCH_NO;
	for (size_t i = 0; i < json_array_size(set); i++) {
		const json_t *pair = json_array_get(set, i);
		enum match fits =
			match_both(match, match_value(key, json_array_get(pair, 0),
						      place->walk->flow, place->walk->incoming));
		if (fits == MATCH_NO)
			continue;
		enum match away;
		struct verdict_taken verdict =
			verdict_of(place, json_array_get(pair, 1), match_both(place->here, fits));
		ends = match_either(ends, follow_verdict(place, verdict, fits, &away));
		*leaves = match_either(*leaves, away);
		if (fits == MATCH_YES)
			break;
	}
	return ends;
}

/* One rule: conditions and statements from left to right, one verdict at most. */
static enum match walk_rule(const struct place *place, enum match *leaves)
{
	enum match match = MATCH_YES, ends = MATCH_NO;
	*leaves = MATCH_NO;
	for (size_t i = 0; i < json_array_size(place->rule->expr) && match != MATCH_NO; i++) {
		const json_t *statement = json_array_get(place->rule->expr, i);
		const json_t *map = json_object_get(statement, "vmap");
		if (map != NULL)
			return follow_map(place, map, match, leaves);
		match = match_both(match, statement_holds(place, statement));
		if (match == MATCH_NO)
			break;
		struct verdict_taken verdict =
			verdict_of(place, statement, match_both(place->here, match));
		if (verdict.kind == VERDICT_NONE)
			continue;
		ends = follow_verdict(place, verdict, match, leaves);
		break;
	}
	return ends;
}

/* Whether the packet's way through the base chain ends in this chain. */
static enum match walk_chain(struct walk *walk, const struct chain *chain, enum match here,
			     unsigned depth)
{
	enum match ended = MATCH_NO;
	struct place place = { .walk = walk, .chain = chain, .here = here, .depth = depth };
	bool sure = true; /* that a packet which came into this chain comes to this rule */
	for (size_t at = chain->first; at != 0 && walk->steps < STEPS_MAX;
	     at = place.rule->next, walk->steps++) {
		enum match leaves;
		place.rule = &walk->ruleset->rule[at - 1];
		enum match ends = walk_rule(&place, &leaves);
		if (ends != MATCH_NO)
			ended = sure ? match_either(ended, ends) : MATCH_MAYBE;
		if (ends == MATCH_YES || leaves == MATCH_YES)
			return ended;
		if (ends == MATCH_MAYBE || leaves == MATCH_MAYBE) {
			sure = false;
			place.here = match_both(place.here, MATCH_MAYBE);
		}
	}
	return ended;
}

static void walk_base(struct walk *walk, const struct chain *base)
{
	walk->base = base;
	enum match ended = walk_chain(walk, base, MATCH_YES, 0);
	if (ended != MATCH_YES && text_is(base->policy, "drop"))
		report_policy(walk, ended == MATCH_NO ? MATCH_YES : MATCH_MAYBE);
}

/* -- base chains in their order ---------------------------------------------------- */

/* When a base chain sees the packet; -1: never. */
static int hook_rank(const struct walk *walk, const struct chain *chain)
{
	static const char *const out[] = { "output", "postrouting", "egress" };
	static const char *const in[] = { "ingress", "prerouting", "input" };
	const char *family = walk->flow->target.family == 6 ? "ip6" : "ip";
	if (chain->dormant || chain->hook == NULL)
		return -1;
	if (!text_is(chain->family, family) && !text_is(chain->family, "inet") &&
	    !text_is(chain->family, "netdev"))
		return -1;
	if (sees_one_device(chain) && chain->device != NULL &&
	    !text_is(chain->device, walk->flow->interface))
		return -1;
	if (walk->incoming && text_is(chain->type, "nat")) /* sees first packets only */
		return -1;
	for (int rank = 0; rank < 3; rank++)
		if (text_is(chain->hook, walk->incoming ? in[rank] : out[rank]))
			return rank;
	return -1;
}

static const struct chain *next_base(const struct walk *walk, const struct chain *after)
{
	const struct chain *best = NULL;
	int best_rank = 0, after_rank = after != NULL ? hook_rank(walk, after) : -1;
	for (size_t i = 0; i < walk->ruleset->chain_count; i++) {
		const struct chain *chain = &walk->ruleset->chain[i];
		int rank = hook_rank(walk, chain);
		if (rank < 0)
			continue;
		bool later = after == NULL || rank > after_rank ||
			     (rank == after_rank &&
			      (chain->priority > after->priority ||
			       (chain->priority == after->priority && chain > after)));
		bool sooner = best == NULL || rank < best_rank ||
			      (rank == best_rank && chain->priority < best->priority);
		if (later && sooner) {
			best = chain;
			best_rank = rank;
		}
	}
	return best;
}

static void walk_hooks(const struct ruleset *ruleset, const struct flow *flow, bool incoming,
		       struct findings *out)
{
	struct walk walk = { .ruleset = ruleset, .flow = flow, .out = out, .incoming = incoming };
	for (const struct chain *base = NULL;
	     !walk.diverted && (base = next_base(&walk, base)) != NULL;)
		walk_base(&walk, base);
}

bool rules_find(const char *json, const struct flow *flow, struct findings *out)
{
	json_t *document = json_loads(json, 0, NULL);
	const json_t *objects = json_object_get(document, "nftables");
	struct ruleset ruleset = { 0 };
	bool loaded = json_is_array(objects) && ruleset_load(&ruleset, objects);
	if (loaded) {
		walk_hooks(&ruleset, flow, false, out);
		walk_hooks(&ruleset, flow, true, out);
	}
	ruleset_free(&ruleset);
	json_decref(document);
	return loaded;
}
