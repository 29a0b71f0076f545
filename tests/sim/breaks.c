/* What all ways of breaking a network use: filters, and where to put them. */
#include "breaks.h"

#include <string.h>

struct filter *add_filter(struct scenario *s, uint8_t node, enum filter_match match,
			  enum filter_act act)
{
	struct filter *filter = &s->filter[s->filter_count++];
	*filter = (struct filter){ .node = node,
				   .match = match,
				   .port = { 22 },
				   .port_count = 1,
				   .act = act,
				   .initial_ttl = 64 };
	return filter;
}

/* First of all: what the fault does comes before what stood there. */
struct filter *put_filter(struct scenario *s, uint8_t node, enum filter_match match,
			  enum filter_act act)
{
	memmove(&s->filter[1], &s->filter[0], s->filter_count * sizeof(s->filter[0]));
	unsigned count = s->filter_count;
	s->filter_count = 0;
	struct filter *filter = add_filter(s, node, match, act);
	s->filter_count = count + 1;
	return filter;
}

uint8_t edge_node(const struct scenario *s)
{
	return s->trail[0].node[s->edge != 0 ? s->edge : 1];
}

uint8_t vm_node(const struct scenario *s)
{
	return s->host[0].node;
}

/* What no variant names: drawn, but in the lab all is plain. */
bool perhaps(const struct scenario *s, struct dice *dice, double probability)
{
	return dice_chance(dice, probability) && !s->lab;
}

/* Beyond the organisation, before the cloud; on every way there is. */
uint8_t transit_node(const struct scenario *s, struct dice *dice)
{
	uint8_t shared[NODES_MAX];
	unsigned count = 0;
	for (unsigned i = s->edge + 1u; i < s->trail[0].length; i++) {
		uint8_t node = s->trail[0].node[i];
		bool both = s->ecmp == ECMP_NONE;
		for (unsigned k = 1; k <= s->trail[1].length; k++)
			both |= s->trail[1].node[k] == node;
		if (both && !s->node[node].cloud)
			shared[count++] = node;
	}
	return count > 0 ? shared[dice_below(dice, count)] : s->trail[0].node[s->edge + 1u];
}

/* The load balancer: the last hop before the VM. */
uint8_t balancer_node(const struct scenario *s)
{
	return s->trail[0].node[s->trail[0].length - 1];
}

struct door *ssh_door(struct scenario *s)
{
	return &s->host[0].door[0];
}

void serve(struct scenario *s, enum service service, int64_t pause_ns)
{
	ssh_door(s)->service = service;
	ssh_door(s)->pause_ns = pause_ns;
}

/* Filters say "prohibited" in one of three ways. */
uint8_t code_of(const struct scenario *s, struct dice *dice, int how)
{
	static const uint8_t prohibited[] = { 13, 10, 9 };
	uint8_t drawn = prohibited[dice_below(dice, 3)];
	return how == PROHIBITED && !s->lab ? drawn : (uint8_t)how;
}

uint8_t some_initial(const struct scenario *s, struct dice *dice)
{
	static const uint8_t initial[] = { 64, 64, 64, 255, 128 };
	uint8_t drawn = initial[dice_below(dice, sizeof(initial))];
	return s->lab ? 64 : drawn;
}
