/* match: whether a condition of a rule holds for a packet of ours; asked by the walk in rules.c. */
#ifndef PROBE_FIREWALL_MATCH_H
#define PROBE_FIREWALL_MATCH_H

#include <jansson.h>

#include "firewall/rules.h"

/* Ordered: the lesser of two is both together, the greater one or the other. */
enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

static inline enum match match_both(enum match a, enum match b)
{
	return a < b ? a : b;
}

static inline enum match match_either(enum match a, enum match b)
{
	return a > b ? a : b;
}

/* The object under "match". */
enum match match_condition(const json_t *condition, const struct flow *flow, bool incoming);

/* Whether `left` (an expression) has the value `right`, as in a verdict map. */
enum match match_value(const json_t *left, const json_t *right, const struct flow *flow,
		       bool incoming);

#endif
