/* What is drawn: first the way and who stands on it, then what is wrong, then the weather.
 * Each has a stream of random numbers of its own, so that calming one leaves the others. */
#include "scenario.h"

#include <errno.h>
#include <string.h>

#include "faults.h"
#include "lab.h"

const double loss_steps[LOSS_CLASSES] = { 0, 0.05, 0.10, 0.20, 0.30 };

const char *const calm_names[CALM_COUNT] = {
#define CALM(id, name) [CALM_##id] = name,
	CALMS
#undef CALM
};

static struct address ipv4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	uint8_t bytes[4] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d };
	return address_v4(bytes);
}

static struct address ipv6(unsigned a, unsigned b, unsigned c, unsigned d)
{
	uint8_t bytes[16] = { (uint8_t)(a >> 8), (uint8_t)a,	    (uint8_t)(b >> 8),
			      (uint8_t)b,	 (uint8_t)(c >> 8), (uint8_t)c };
	bytes[15] = (uint8_t)d;
	return address_v6(bytes);
}

static bool is_six(const struct scenario *s)
{
	return s->target.family == 6;
}

/* -- who asks --------------------------------------------------------------------------- */

static void draw_question(struct scenario *s, struct dice *dice)
{
	double place = dice_unit(dice), model = dice_unit(dice);
	s->vantage = place < 0.80 ? VANTAGE_CLIENT : place < 0.92 ? VANTAGE_INTERNET : VANTAGE_VNET;
	s->deployment = model < 0.6   ? DEPLOYMENT_ARM
			: model < 0.9 ? DEPLOYMENT_CLASSIC
				      : DEPLOYMENT_UNKNOWN;
	s->named = true;
	s->target = s->vantage == VANTAGE_VNET ? ipv4(10, 1, 0, 4) : ipv4(20, 99, 0, 4);
	switch (s->vantage) {
	case VANTAGE_VNET:
		s->local = ipv4(10, 1, 0, 5);
		break;
	case VANTAGE_INTERNET:
		s->local = ipv4(203, 0, 113, 10);
		break;
	default:
		s->local = dice_chance(dice, 0.1) ? ipv4(130, 5, 8, 10) : ipv4(10, 20, 0, 10);
		break;
	}
}

/* The same places over IPv6, which classic deployments have not. */
static void draw_family(struct scenario *s, struct dice *dice, int family)
{
	bool six = dice_chance(dice, 0.2);
	if (family != 0 ? family != 6 : !six)
		return;
	s->target = ipv6(0x2603, 0x1030, 0x99, 4);
	s->local = s->vantage == VANTAGE_VNET	    ? ipv6(0x2603, 0x1030, 0x99, 5)
		   : s->vantage == VANTAGE_INTERNET ? ipv6(0x2001, 0xdb8, 0x113, 10)
						    : ipv6(0x2001, 0xdb8, 0x20, 0x10);
	if (s->deployment == DEPLOYMENT_CLASSIC)
		s->deployment = DEPLOYMENT_ARM;
}

/* What the driver finds beside the network. */
static void draw_user(struct scenario *s, struct dice *dice)
{
	double modes = dice_unit(dice), config = dice_unit(dice);
	struct client *client = &s->client;
	client->rules_unread = dice_chance(dice, 0.15);
	client->other_rule = dice_chance(dice, 0.05);
	client->modes = modes < 0.80   ? WORD_MODE_FINE
			: modes < 0.90 ? WORD_MODE_DIFFERS
			: modes < 0.96 ? WORD_MODE_PARTLY
				       : WORD_MODE_UNUSED;
	client->config = config < 0.94	  ? WORD_CONFIG_DIRECT
			 : config < 0.955 ? WORD_CONFIG_PROXY_ANSWERS
					  : WORD_CONFIG_MAY_BE_PROXIED;
	client->key = dice_chance(dice, 0.5) ? WORD_HOST_KEY_SAME : WORD_HOST_KEY_NEW;
}

/* As Debian has it, as OpenSSH has it up to 10.0 and since; or none. */
static void draw_marks(struct scenario *s, struct dice *dice)
{
	static const uint8_t marks[] = { 0x10, 0x10, 0x10, 0x48, 0x48, 0xb8, 0xb8, 0 };
	s->client.tos = marks[dice_below(dice, sizeof(marks))];
	s->client.ecn = dice_chance(dice, 0.05);
}

/* -- the way ---------------------------------------------------------------------------- */

static struct node *add_node(struct scenario *s, struct dice *dice, struct address address)
{
	static const uint8_t initial[] = { 64, 64, 255, 255, 255, 128 };
	struct node *node = &s->node[s->node_count];
	*node = (struct node){ .address = address, .initial_ttl = initial[dice_below(dice, 6)] };
	struct trail *trail = &s->trail[0];
	trail->node[++trail->length] = (uint8_t)s->node_count++;
	return node;
}

static void add_inside(struct scenario *s, struct dice *dice)
{
	unsigned hops = 1 + dice_below(dice, 3);
	bool public = s->local.bytes[0] == 130;
	for (unsigned i = 0; i < hops; i++) {
		struct address address = ipv4(10, 20 + i, 0, 1);
		if (public)
			address = ipv4(130, 5, 8, 1 + i);
		if (is_six(s))
			address = ipv6(0x2001, 0xdb8, 0x20, 1 + i);
		add_node(s, dice, address);
	}
	s->edge = s->trail[0].length;
}

static void add_transit(struct scenario *s, struct dice *dice)
{
	unsigned hops = 1 + dice_below(dice, 9);
	double first = dice_unit(dice);
	for (unsigned i = 0; i < hops; i++) {
		struct address address = ipv4(198, 51, 100 + i, 1);
		if (i == 0 && first < 0.12)
			address = ipv4(100, 64, 9, 1); /* a provider's NAT */
		else if (i == 0 && first < 0.2)
			address = ipv4(172, 20, 9, 1); /* or its own private numbers */
		if (is_six(s))
			address = ipv6(0x2001, 0xdb8, 0x100 + i, 1);
		add_node(s, dice, address);
	}
}

static void add_cloud(struct scenario *s, struct dice *dice)
{
	unsigned hops = 1 + dice_below(dice, 5);
	bool private = dice_chance(dice, 0.3);
	for (unsigned i = 0; i < hops; i++) {
		struct address address =
			private && i > 0 ? ipv4(10, 200, i, 1) : ipv4(104, 44, i, 1);
		if (is_six(s))
			address = ipv6(0x2603, 0x1000, i, 1);
		add_node(s, dice, address)->cloud = true;
	}
}

/* Two ways for a stretch between the organisation and the VM. */
static void add_second_way(struct scenario *s, struct dice *dice)
{
	const struct trail *one = &s->trail[0];
	struct trail *two = &s->trail[1];
	*two = *one;
	/* The first hop outside and the last before the VM are every flow's. */
	unsigned from = s->edge + 2u, to = one->length - 2u;
	double kind = dice_unit(dice);
	bool longer = dice_chance(dice, 0.15);
	if (kind < 0.55 || one->length < 4 || to < from)
		return;
	s->ecmp = kind < 0.9 ? ECMP_FLOW : ECMP_PACKET;
	from += dice_below(dice, to - from + 1);
	unsigned last = from + dice_below(dice, to - from + 1);
	two->length = (uint8_t)(from - 1);
	for (unsigned at = from; at <= last + longer; at++) {
		s->node[s->node_count] = s->node[one->node[at <= last ? at : last]];
		s->node[s->node_count].address.bytes[is_six(s) ? 15 : 3] = (uint8_t)(77 + at);
		two->node[++two->length] = (uint8_t)s->node_count++;
	}
	for (unsigned at = last + 1; at <= one->length; at++)
		two->node[++two->length] = one->node[at];
}

static void draw_way(struct scenario *s, struct dice *dice)
{
	if (s->vantage == VANTAGE_CLIENT)
		add_inside(s, dice);
	if (s->vantage != VANTAGE_VNET) {
		add_transit(s, dice);
		add_cloud(s, dice);
	}
	add_node(s, dice, s->target);
	add_second_way(s, dice);
}

/* -- the VM ----------------------------------------------------------------------------- */

static void add_door(struct host *host, uint16_t port, enum door_state state, enum service service)
{
	host->door[host->door_count++] =
		(struct door){ .port = port, .state = state, .service = service };
}

static void draw_vm(struct scenario *s, struct dice *dice)
{
	static const uint8_t initial[] = { 64, 64, 64, 64, 64, 64, 128, 128, 255, 64 };
	struct host *vm = &s->host[s->host_count++];
	*vm = (struct host){ .node = s->trail[0].node[s->trail[0].length] };
	vm->initial_ttl = vm->syn_ack_ttl = vm->reset_ttl = initial[dice_below(dice, 10)];
	if (dice_chance(dice, 0.08)) /* a load balancer that shakes hands itself */
		vm->syn_ack_ttl = vm->initial_ttl == 64 ? 128 : 64;
	if (dice_chance(dice, 0.08)) /* stacks that reset with another TTL */
		vm->reset_ttl = 255;
	vm->reset_short = dice_chance(dice, 0.04);
	vm->forgives = dice_chance(dice, 0.2);
	vm->thinks_ns = dice_between(dice, US(100), MS(8));
	add_door(vm, SSH_PORT, DOOR_OPEN, SERVICE_SSH);
	vm->door[0].pause_ns = dice_between(dice, MS(1), MS(30));
	add_door(vm, 80, dice_chance(dice, 0.5) ? DOOR_OPEN : DOOR_CLOSED, SERVICE_HTTP);
	add_door(vm, 443, dice_chance(dice, 0.4) ? DOOR_OPEN : DOOR_CLOSED, SERVICE_DISLIKES);
	if (dice_chance(dice, 0.15)) /* a guest firewall that drops the rest */
		add_door(vm, 0, DOOR_SILENT, SERVICE_MUTE);
}

/* A load balancer that forwards as routers do, and translates. */
static void draw_balancer(struct scenario *s, struct dice *dice)
{
	uint8_t balancer = s->trail[0].node[s->trail[0].length - 1];
	if (s->vantage != VANTAGE_VNET)
		s->node[balancer].translates = dice_chance(dice, 0.25);
}

/* What the NSG lets pass besides SSH; classic endpoints do the same one step before. */
static void draw_allowed(struct scenario *s, struct dice *dice)
{
	double open = dice_unit(dice);
	if (s->vantage == VANTAGE_VNET || open < 0.2)
		return;
	struct filter *nsg = &s->filter[s->filter_count++];
	*nsg = (struct filter){ .node = s->host[0].node,
				.match = MATCH_OTHERS,
				.port = { 22, 80, 443 },
				.port_count = open < 0.6   ? 1
					      : open < 0.8 ? 2
							   : 3,
				.act = ACT_DROP };
}

/* -- weather ---------------------------------------------------------------------------- */

static void draw_delays(struct scenario *s, struct dice *dice, bool calm)
{
	/* 1 to 300 ms there and back, most often little. */
	double shape = dice_unit(dice);
	double total = 0.5 + 149.5 * shape * shape * shape;
	double share[NODES_MAX], sum = 0;
	for (unsigned i = 0; i < s->node_count; i++)
		sum += share[i] = 0.05 + dice_unit(dice);
	for (unsigned i = 0; i < s->node_count; i++)
		s->node[i].delay_ns =
			calm ? US(500) : (int64_t)(total * 1e6 * share[i] / sum) + US(20);
	if (s->vantage == VANTAGE_VNET && !calm)
		s->node[0].delay_ns = US(150);
}

static void draw_routers(struct scenario *s, struct dice *dice, const bool calm[CALM_COUNT])
{
	static const double steps[] = { 0, 0, 0.1, 0.3, 0.6 };
	double silent = steps[dice_below(dice, 5)];
	double rates = dice_unit(dice), brief = dice_chance(dice, 0.5) ? 0.3 : 0;
	uint8_t balancer = s->trail[0].node[s->trail[0].length - 1];
	for (unsigned i = 0; i < s->node_count; i++) {
		struct node *node = &s->node[i];
		double often = i == balancer && s->vantage != VANTAGE_VNET ? 0.7 : silent;
		node->silent =
			dice_chance(dice, often) && !calm[CALM_SILENT_HOPS] && !node->translates;
		node->short_quotes = dice_chance(dice, brief) && !calm[CALM_SHORT_QUOTES];
		double own = dice_unit(dice);
		node->rate = rates < 0.3		? ICMP_UNLIMITED
			     : rates < 0.8 || own < 0.7 ? ICMP_LINUX
							: ICMP_STRICT;
		if (calm[CALM_ICMP_RATE])
			node->rate = ICMP_UNLIMITED;
	}
}

/* ICMPv6 quotes as much as there is room for (RFC 4443 2.4), and has limits of its own. */
static void fit_routers(struct scenario *s, struct dice *dice)
{
	for (unsigned i = 0; i < s->node_count && is_six(s); i++) {
		struct node *node = &s->node[i];
		bool wide = dice_chance(dice, 0.3);
		node->short_quotes = false;
		if (node->rate == ICMP_LINUX)
			node->rate = wide ? ICMP_LINUX6_WIDE : ICMP_LINUX6;
	}
}

static void draw_icmp_filter(struct scenario *s, struct dice *dice, bool calm)
{
	bool filtered = dice_chance(dice, 0.08);
	unsigned at = 1 + dice_below(dice, s->trail[0].length);
	if (s->edge != 0 && dice_chance(dice, 0.7))
		at = s->edge;
	if (filtered && !calm && s->filter_count < FILTERS_MAX)
		s->filter[s->filter_count++] = (struct filter){ .node = s->trail[0].node[at],
								.back = true,
								.match = MATCH_ICMP };
}

static void draw_line(struct scenario *s, struct dice *dice, const struct draw_options *options)
{
	struct weather *w = &s->weather;
	const bool *calm = options->calm;
	s->loss_class = dice_below(dice, LOSS_CLASSES);
	if (options->loss_class >= 0)
		s->loss_class = (unsigned)options->loss_class;
	w->lossy = (uint8_t)(1 + dice_below(dice, s->trail[0].length));
	w->loss_out = calm[CALM_LOSS_OUT] ? 0 : loss_steps[s->loss_class];
	w->loss_back = calm[CALM_LOSS_BACK] ? 0 : loss_steps[s->loss_class];
	double duplicate = dice_chance(dice, 0.3) ? 0.1 * dice_unit(dice) : 0;
	double jitter = dice_chance(dice, 0.4) ? 30e6 * dice_unit(dice) * dice_unit(dice) : 0;
	w->duplicate = calm[CALM_DUPLICATE] ? 0 : duplicate;
	w->jitter_ns = calm[CALM_REORDER] ? 0 : (int64_t)jitter;
	double asymmetric = dice_unit(dice);
	uint8_t from = (uint8_t)(1 + dice_below(dice, s->trail[0].length));
	uint8_t more = (uint8_t)(1 + dice_below(dice, 4));
	if (asymmetric < 0.3 && !calm[CALM_ASYMMETRY]) {
		w->asymmetric_from = from;
		w->asymmetry = more;
	}
	w->nat = s->edge;
	w->quotes_rewritten =
		dice_chance(dice, 0.06) && s->edge != 0 && !calm[CALM_NAT] && !is_six(s);
	bool drops = dice_chance(dice, 0.01);
	double unseen = 0.01 + 0.2 * dice_unit(dice);
	w->unseen = drops && !calm[CALM_CAPTURE] ? unseen : 0;
}

static void draw_strangers(struct scenario *s, bool calm)
{
	struct dice dice = dice_for(s->seed, 11);
	bool sends = dice_chance(&dice, 0.06);
	unsigned kind = 1 + dice_below(&dice, STRANGERS - 1);
	s->weather.strange_ns = dice_between(&dice, US(500), MS(10));
	s->weather.strangers = sends && !calm ? (enum strangers)kind : STRANGERS_NONE;
}

static void draw_weather(struct scenario *s, struct dice *dice, const struct draw_options *options)
{
	struct dice routers = dice_for(s->seed, 7);
	draw_delays(s, dice, options->calm[CALM_DELAY]);
	draw_routers(s, dice, options->calm);
	fit_routers(s, &routers);
	draw_icmp_filter(s, dice, options->calm[CALM_ICMP_FILTER]);
	draw_line(s, dice, options);
	draw_strangers(s, options->calm[CALM_STRANGERS]);
	if (options->calm[CALM_ECMP])
		s->ecmp = ECMP_NONE;
	if (options->calm[CALM_TTL])
		s->host[0].syn_ack_ttl = s->host[0].reset_ttl = s->host[0].initial_ttl;
}

/* -- all of it -------------------------------------------------------------------------- */

void scenario_ask(const struct scenario *s, struct run *run, int64_t now_ns)
{
	memset(run, 0, sizeof(*run));
	run->planned = true;
	run->host = s->named ? "vm.example" : is_six(s) ? "2001:db8:99::4" : "20.99.0.4";
	run->named = s->named;
	run->port = SSH_PORT;
	run->vantage = s->vantage;
	run->deployment = s->deployment;
	run->path = PATH_INTERNET;
	run->mtu = 1500;
	run->started_ns = run->stopped_ns = now_ns;
	run->interface = "eth0";
	if (s->client.name_error != 0)
		return;
	run->address = s->target;
	run->local_address = s->local;
}

static enum cause draw_cause(const struct scenario *s, struct dice *dice,
			     const struct draw_options *options)
{
	struct run run;
	double weight[CAUSES], sum = 0;
	scenario_ask(s, &run, 0);
	for (int c = 0; c < CAUSES; c++) {
		double own = prior((enum cause)c, &run);
		weight[c] =
			own > 0 && fault_exists((enum cause)c) ? (options->uniform ? 1 : own) : 0;
		sum += weight[c];
	}
	double at = dice_unit(dice) * sum;
	for (int c = 0; c < CAUSES; c++) {
		if (weight[c] > 0 && at < weight[c])
			return (enum cause)c;
		at -= weight[c];
	}
	return CAUSE_HEALTHY;
}

static void draw_extras(struct scenario *s, uint64_t seed, const struct draw_options *options)
{
	struct dice dice = dice_for(seed, 5);
	bool kept = dice_chance(&dice, 0.5); /* NAT at the edge, most often */
	bool edge = dice_chance(&dice, 0.7) && s->edge != 0;
	uint8_t anywhere = (uint8_t)(1 + dice_below(&dice, s->trail[0].length));
	s->keeps_fragments = !kept || s->lab ? 0 : edge ? s->edge : anywhere;
	s->reference_luck = dice_unit(&dice);
	s->deep = options->deep;
	s->reference = options->reference;
}

void scenario_draw(struct scenario *s, uint64_t seed, const struct draw_options *options)
{
	struct dice way = dice_for(seed, 1), weather = dice_for(seed, 2), fault = dice_for(seed, 4);
	struct dice family = dice_for(seed, 9), user = dice_for(seed, 6);
	struct dice balancer = dice_for(seed, 10), marks = dice_for(seed, 12);
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	if (options->lab != NULL) {
		lab_draw(s, options);
	} else {
		draw_question(s, &way);
		draw_family(s, &family, options->family);
		draw_user(s, &user);
		draw_marks(s, &marks);
		draw_way(s, &way);
		draw_vm(s, &way);
		draw_balancer(s, &balancer);
	}
	if (options->deployment >= 0)
		s->deployment = (enum deployment)options->deployment;
	s->cause = draw_cause(s, &fault, options);
	if (options->cause >= 0)
		s->cause = (enum cause)options->cause;
	if (options->lab == NULL)
		draw_allowed(s, &way);
	fault_apply(s, &fault, options->variant);
	if (options->lab == NULL)
		draw_weather(s, &weather, options);
	else
		lab_draw_weather(s, &weather, options->lab);
	draw_extras(s, seed, options);
}
