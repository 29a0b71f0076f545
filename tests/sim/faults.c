#include "faults.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#define CLOUD_SILENCE (1u << 3 | 1u << 4 | 1u << 5)

struct variant {
	enum cause cause;
	double weight; /* among its cause's; 0: only when it is asked for */
	const char *words;
	void (*apply)(struct scenario *s, struct dice *dice, int how);
	int how;
	unsigned allowed; /* sources besides its own that packets cannot exclude */
};

/* -- tools ------------------------------------------------------------------------------ */

static struct filter *add_filter(struct scenario *s, uint8_t node, enum filter_match match,
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
static struct filter *put_filter(struct scenario *s, uint8_t node, enum filter_match match,
				 enum filter_act act)
{
	memmove(&s->filter[1], &s->filter[0], s->filter_count * sizeof(s->filter[0]));
	unsigned count = s->filter_count;
	s->filter_count = 0;
	struct filter *filter = add_filter(s, node, match, act);
	s->filter_count = count + 1;
	return filter;
}

static uint8_t edge_node(const struct scenario *s)
{
	return s->trail[0].node[s->edge != 0 ? s->edge : 1];
}

static uint8_t vm_node(const struct scenario *s)
{
	return s->host[0].node;
}

/* What no variant names: drawn, but in the lab all is plain. */
static bool perhaps(const struct scenario *s, struct dice *dice, double probability)
{
	return dice_chance(dice, probability) && !s->lab;
}

/* Beyond the organisation, before the cloud; on every way there is. */
static uint8_t transit_node(const struct scenario *s, struct dice *dice)
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
static uint8_t balancer_node(const struct scenario *s)
{
	return s->trail[0].node[s->trail[0].length - 1];
}

static struct door *ssh_door(struct scenario *s)
{
	return &s->host[0].door[0];
}

static void serve(struct scenario *s, enum service service, int64_t pause_ns)
{
	ssh_door(s)->service = service;
	ssh_door(s)->pause_ns = pause_ns;
}

enum { PROHIBITED = 13, PORT_UNREACHABLE = 3 };

/* Filters say "prohibited" in one of three ways. */
static uint8_t code_of(const struct scenario *s, struct dice *dice, int how)
{
	static const uint8_t prohibited[] = { 13, 10, 9 };
	uint8_t drawn = prohibited[dice_below(dice, 3)];
	return how == PROHIBITED && !s->lab ? drawn : (uint8_t)how;
}

static uint8_t some_initial(const struct scenario *s, struct dice *dice)
{
	static const uint8_t initial[] = { 64, 64, 64, 255, 128 };
	uint8_t drawn = initial[dice_below(dice, sizeof(initial))];
	return s->lab ? 64 : drawn;
}

/* -- healthy ---------------------------------------------------------------------------- */

static void nothing(struct scenario *s, struct dice *dice, int how)
{
	(void)s, (void)dice, (void)how;
}

static void shy(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	serve(s, SERVICE_SSH_SHY, 0);
}

static void slow_banner(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	serve(s, SERVICE_SSH, dice_between(dice, MS(100), MS(2500)));
}

/* What the guide asks for, ssh does not. */
static void wide_modes(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.modes = WORD_MODE_DIFFERS;
}

/* The user's ssh knows the key and would go through a proxy: beside the way that is probed. */
static void known_and_proxied(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.key = WORD_HOST_KEY_SAME;
	s->client.config = WORD_CONFIG_PROXIED;
}

/* -- client ----------------------------------------------------------------------------- */

static void local_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = (enum local_out)how;
	s->client.rule = RULE_FOUND_OUT;
}

/* iptables' old tables: that there are some is all that is known of them. */
static void local_drop_legacy(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.out = OUT_DROP;
	s->client.rules_hidden = "legacy iptables has rules too (table filter)";
}

static void local_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.out = OUT_RESET;
	s->client.rule = RULE_FOUND_OUT;
}

static void local_reject(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = OUT_REJECT;
	s->client.reject_error = how;
	s->client.rule = RULE_FOUND_OUT;
}

static void local_in(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.drops_answers = true;
	s->client.resets_answers = how != 0;
	s->client.rule = RULE_FOUND_IN;
}

static void local_proxy(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = (enum local_out)how;
	if (how != OUT_PROXY_HIDDEN) /* that one is no rule: a hook in connect() */
		s->client.rule = RULE_FOUND_DIVERTS;
}

/* The way that is probed is well; ssh takes another. */
static void own_proxy(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	s->client.config =
		dice_chance(dice, 0.65) ? WORD_CONFIG_PROXY_FAILS : WORD_CONFIG_PROXY_SILENT;
}

/* Software beside the firewall: no rule tells of it. */
static void interfere(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = (enum local_out)how;
}

/* nftables' own hooks there, which the host's firewall does not know. */
static void drop_below(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.out = OUT_LATE_DROP;
	s->client.rule = RULE_FOUND_BELOW_OUT;
}

static void drop_answers_below(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.drops_answers = true;
	s->client.rule = RULE_FOUND_BELOW_IN;
}

static void swallow_answers(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.drops_answers = true;
}

static void kill_connections(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.kills = true;
}

enum { MODES_REFUSED, MODES_FATAL };

static void bad_modes(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.modes = how == MODES_FATAL ? WORD_MODE_FATAL : WORD_MODE_REFUSED;
}

static void key_is(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.key = (enum event_word)how;
}

static void no_name(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.name_error = how;
	s->named = true;
}

static void no_route(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.route_error = how;
}

/* On the VM's own link there is no gateway. */
static void dead_gateway(struct scenario *s, struct dice *dice, int how)
{
	if (s->vantage == VANTAGE_VNET)
		no_route(s, dice, how);
	else
		s->client.gateway_silent = true;
}

/* -- edge ------------------------------------------------------------------------------- */

/* Where a device looks: a router at the TTL first, a firewall in front of it not. */
enum { AFTER_TTL, BEFORE_TTL };

static void edge_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	put_filter(s, edge_node(s), MATCH_PORTS, ACT_DROP)->before_ttl = how == BEFORE_TTL;
}

static void edge_drop_back(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, edge_node(s), MATCH_PORTS, ACT_DROP)->back = true;
}

/* All but the web. */
static void edge_drop_most(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, edge_node(s), MATCH_OTHERS, ACT_DROP);
	filter->port[0] = 443;
	filter->port[1] = 80;
	filter->port_count = 1 + dice_below(dice, 2);
	filter->before_ttl = perhaps(s, dice, 0.4);
}

static void edge_reject(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_UNREACHABLE);
	filter->icmp_code = code_of(s, dice, how);
	filter->before_ttl = perhaps(s, dice, 0.3);
}

static void edge_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_RESET);
	filter->before_ttl = perhaps(s, dice, 0.3);
	filter->initial_ttl = some_initial(s, dice);
}

static void edge_reset_most(struct scenario *s, struct dice *dice, int how)
{
	edge_drop_most(s, dice, how);
	s->filter[0].act = ACT_RESET;
	s->filter[0].initial_ttl = some_initial(s, dice);
}

static void edge_proxy(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_REDIRECT);
	filter->before_ttl = true;
	filter->host = (uint8_t)s->host_count;
	if (perhaps(s, dice, 0.25)) { /* it answers for every port, of every address */
		filter->match = MATCH_OTHERS;
		filter->port_count = 0;
	}
	struct host *proxy = &s->host[s->host_count++];
	*proxy = (struct host){ .node = edge_node(s), .door_count = 1, .thinks_ns = US(300) };
	proxy->initial_ttl = proxy->syn_ack_ttl = proxy->reset_ttl = some_initial(s, dice);
	proxy->forgives = perhaps(s, dice, 0.3);
	proxy->door[0] =
		(struct door){ .state = DOOR_OPEN,
			       .service = (enum service)how,
			       .pause_ns = dice_between(dice, 0, s->lab ? MS(2) : MS(80)) };
}

static void edge_relay(struct scenario *s, struct dice *dice, int how)
{
	edge_proxy(s, dice, how);
	struct host *proxy = &s->host[s->host_count - 1];
	proxy->relays = true;
	proxy->thinks_ns += s->host[0].thinks_ns;
	proxy->door[0].pause_ns += ssh_door(s)->pause_ns;
}

static void edge_sshd(struct scenario *s, struct dice *dice, int how)
{
	edge_proxy(s, dice, SERVICE_SSH);
	s->client.key = (enum event_word)how;
}

static void edge_ids_reset(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_IDENT, (enum filter_act)how);
	filter->before_ttl = perhaps(s, dice, 0.3);
	filter->passes = perhaps(s, dice, 0.2);
	filter->initial_ttl = some_initial(s, dice);
}

/* Each end's words are answered with a reset. */
static void edge_ids_reset_each(struct scenario *s, struct dice *dice, int how)
{
	edge_ids_reset(s, dice, how);
	put_filter(s, edge_node(s), MATCH_IDENT, ACT_RESET)->back = true;
}

/* Beside the path, a copy of each packet is looked at, by a program that takes its time. */
static void edge_ids_inject(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_IDENT, (enum filter_act)how);
	filter->before_ttl = true;
	filter->passes = true;
	filter->delay_ns = dice_between(dice, US(10), s->lab ? US(1500) : MS(5));
	filter->initial_ttl = some_initial(s, dice);
}

static void edge_ids_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	put_filter(s, edge_node(s), MATCH_IDENT, ACT_DROP)->before_ttl = perhaps(s, dice, 0.3);
}

static void edge_no_route(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_OTHERS, ACT_UNREACHABLE);
	filter->port_count = 0;
	filter->before_ttl = how == BEFORE_TTL;
	filter->no_route = true;
	filter->icmp_code = dice_chance(dice, 0.5) || s->lab ? 1 : 0;
}

static void edge_blackhole(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, edge_node(s), MATCH_OTHERS, ACT_DROP)->port_count = 0;
}

enum { ONE_WAY, BOTH_WAYS };

static void mtu_hole(struct scenario *s, struct dice *dice, int how)
{
	/* On the VM's own link there is only that. */
	bool here = dice_chance(dice, 0.5) || s->lab;
	uint8_t node = s->vantage == VANTAGE_VNET ? vm_node(s)
		       : here			  ? edge_node(s)
						  : transit_node(s, dice);
	struct filter *filter = put_filter(s, node, MATCH_LARGE, ACT_DROP);
	filter->size = (uint16_t)(s->lab ? 1400 : dice_between(dice, 1280, 1499));
	if (how == BOTH_WAYS) { /* the server's KEXINIT is shorter */
		filter = put_filter(s, node, MATCH_LARGE, ACT_DROP);
		filter->size = (uint16_t)dice_between(dice, 576, 1499);
		filter->back = true;
	}
}

static void transit_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_DROP)->before_ttl =
		perhaps(s, dice, 0.3);
}

static void transit_reject(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_UNREACHABLE);
	filter->icmp_code = code_of(s, dice, how);
}

static void transit_no_route(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, transit_node(s, dice), MATCH_OTHERS, ACT_UNREACHABLE);
	filter->port_count = 0;
	filter->no_route = true;
	filter->icmp_code = dice_chance(dice, 0.5) ? 0 : 1;
}

static void transit_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_RESET);
	filter->initial_ttl = some_initial(s, dice);
}

static void transit_ids(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter =
		put_filter(s, transit_node(s, dice), MATCH_IDENT, (enum filter_act)how);
	filter->initial_ttl = some_initial(s, dice);
}

/* -- endpoint, nsg ---------------------------------------------------------------------- */

/* What it translates it passes on; the rest is for itself, and comes no farther. */
static struct filter *put_at_balancer(struct scenario *s, enum filter_match match)
{
	struct filter *filter = put_filter(s, balancer_node(s), match, ACT_DROP);
	filter->before_ttl = s->node[balancer_node(s)].translates;
	return filter;
}

static void balancer_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_at_balancer(s, MATCH_PORTS);
}

/* An ACL may stand before the translation or behind it. */
static void balancer_deny(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_at_balancer(s, MATCH_PORTS);
	filter->before_ttl &= dice_chance(dice, 0.5);
}

/* how: the ports that have one. */
static void no_endpoint(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	struct filter *filter = put_at_balancer(s, MATCH_OTHERS);
	filter->port[0] = 80;
	filter->port_count = (unsigned)how;
}

static void closed_private_port(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	ssh_door(s)->state = DOOR_CLOSED;
}

static void open_on_2222(struct scenario *s)
{
	struct host *vm = &s->host[0];
	memmove(&vm->door[1], &vm->door[0], vm->door_count * sizeof(vm->door[0]));
	vm->door_count++;
	vm->door[0] = (struct door){ .port = 2222, .state = DOOR_OPEN, .service = SERVICE_SSH };
	for (unsigned i = 0; i < s->filter_count; i++)
		if (s->filter[i].match == MATCH_OTHERS && s->filter[i].node == vm->node)
			s->filter[i].port[s->filter[i].port_count++] = 2222;
}

static void other_public_port(struct scenario *s, struct dice *dice, int how)
{
	balancer_drop(s, dice, how);
	open_on_2222(s);
}

static void nsg_ssh(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, vm_node(s), MATCH_PORTS, ACT_DROP);
}

static void nsg_all(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, vm_node(s), MATCH_OTHERS, ACT_DROP)->port_count = 0;
}

/* -- vm --------------------------------------------------------------------------------- */

static void vm_gone(struct scenario *s, struct dice *dice, int how)
{
	if (s->vantage == VANTAGE_VNET)
		s->client.gateway_silent = true; /* on this very link: it answers no ARP */
	else
		nsg_all(s, dice, how);
}

/* The last router asks for its link-layer address in vain. */
static void vm_unresolved(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	if (s->vantage == VANTAGE_VNET) {
		s->client.gateway_silent = true;
		return;
	}
	struct filter *filter = put_filter(s, balancer_node(s), MATCH_OTHERS, ACT_UNREACHABLE);
	filter->port_count = 0;
	filter->icmp_code = 1;
	filter->delay_ns = MS(3000);
	filter->own_name = dice_chance(dice, 0.4);
}

static void vm_closed(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	ssh_door(s)->state = DOOR_CLOSED;
}

/* how: what the old port does. */
static void vm_moved(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	ssh_door(s)->state = (enum door_state)how;
	open_on_2222(s);
}

static void vm_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	ssh_door(s)->state = DOOR_SILENT;
}

static void vm_drop_out(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, vm_node(s), MATCH_PORTS, ACT_DROP)->back = true;
}

static void vm_reject(struct scenario *s, struct dice *dice, int how)
{
	add_filter(s, vm_node(s), MATCH_PORTS, ACT_UNREACHABLE)->icmp_code = code_of(s, dice, how);
}

static void vm_ids_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	struct filter *filter = add_filter(s, vm_node(s), MATCH_IDENT, (enum filter_act)how);
	filter->initial_ttl = s->host[0].initial_ttl;
}

static void vm_ids_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	add_filter(s, vm_node(s), MATCH_IDENT, ACT_DROP);
}

static void refusing(struct scenario *s, struct dice *dice, int how)
{
	bool slow = perhaps(s, dice, 0.2);
	serve(s, (enum service)how,
	      slow ? dice_between(dice, MS(500), MS(2500)) : dice_between(dice, 0, MS(20)));
}

/* hosts.deny: sshd sleeps before it ends (refuse() of libwrap). */
static void refusing_late(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, MS(5000));
}

static void hung(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, how == SERVICE_DRIPS ? MS(10) : 0);
}

static void other_service(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, MS(1));
}

static void ssh_service(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, ssh_door(s)->pause_ns);
}

/* -- the table -------------------------------------------------------------------------- */

#define S(n) (1u << (n))

static const struct variant variants[] = {
	{ CAUSE_HEALTHY, 6, "nothing is wrong", nothing, 0, 0 },
	{ CAUSE_HEALTHY, 1, "identifies itself after the client", shy, 0, 0 },
	{ CAUSE_HEALTHY, 1, "the banner comes late", slow_banner, 0, 0 },
	{ CAUSE_HEALTHY, 0.3, "relayed by a proxy", edge_relay, SERVICE_SSH, 0 },
	{ CAUSE_HEALTHY, 0, "known, and ssh goes through a proxy", known_and_proxied, 0, 0 },
	{ CAUSE_HEALTHY, 0, "modes are wider than the guide's", wide_modes, 0, 0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 5, "drops", local_drop, OUT_DROP, 0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 1, "drops, by a hidden table", local_drop_legacy, 0, 0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 2, "resets", local_reset, 0, 0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 2, "rejects, port unreachable", local_reject, ECONNREFUSED,
	  0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 0.2, "rejects, host unreachable", local_reject, EHOSTUNREACH,
	  0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 0.2, "rejects, network unreachable", local_reject, ENETUNREACH,
	  0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 0.2, "rejects, protocol unreachable", local_reject,
	  ENOPROTOOPT, 0 },
	/* what ICMPv6's "prohibited" comes to */
	{ CAUSE_CLIENT_FIREWALL_OUT, 0.2, "rejects, permission denied", local_reject, EACCES, 0 },
	{ CAUSE_CLIENT_FIREWALL_IN, 4, "drops answers", local_in, false, 0 },
	{ CAUSE_CLIENT_FIREWALL_IN, 1, "resets answers", local_in, true, 0 },
	{ CAUSE_CLIENT_PROXY, 1, "redirects to a program", local_proxy, OUT_PROXY, 0 },
	{ CAUSE_CLIENT_PROXY, 1, "redirects to nothing", local_proxy, OUT_PROXY_DEAD, 0 },
	{ CAUSE_CLIENT_PROXY, 1, "redirects to another machine", local_proxy, OUT_PROXY_AWAY, 0 },
	{ CAUSE_CLIENT_PROXY, 1, "diverts connect()", local_proxy, OUT_PROXY_HIDDEN, 0 },
	{ CAUSE_CLIENT_PROXY, 1, "ssh's own configuration", own_proxy, 0, 0 },
	{ CAUSE_CLIENT_SECURITY, 5, "forbids connect()", interfere, OUT_FORBIDDEN, 0 },
	{ CAUSE_CLIENT_SECURITY, 3, "drops at the interface", interfere, OUT_LATE_DROP, 0 },
	{ CAUSE_CLIENT_SECURITY, 2, "drops answers", swallow_answers, 0, 0 },
	{ CAUSE_CLIENT_SECURITY, 2, "an nftables chain drops at the interface", drop_below, 0, 0 },
	{ CAUSE_CLIENT_SECURITY, 2, "an nftables chain drops answers at the interface",
	  drop_answers_below, 0, 0 },
	{ CAUSE_CLIENT_SECURITY, 2, "ends connections", kill_connections, 0, 0 },
	{ CAUSE_CLIENT_KEY_PERMISSIONS, 2, "the only keys are refused", bad_modes, MODES_REFUSED,
	  0 },
	{ CAUSE_CLIENT_KEY_PERMISSIONS, 1, "ssh ends", bad_modes, MODES_FATAL, 0 },
	{ CAUSE_CLIENT_KNOWN_HOSTS, 3, "another key is known", key_is, WORD_HOST_KEY_CHANGED,
	  S(5) },
	{ CAUSE_CLIENT_KNOWN_HOSTS, 2, "expected, another key is known", key_is,
	  WORD_HOST_KEY_STALE, 0 },
	{ CAUSE_CLIENT_DNS, 1, "no such name", no_name, EAI_NONAME, 0 },
	{ CAUSE_CLIENT_DNS, 1, "no name server", no_name, EAI_AGAIN, 0 },
	{ CAUSE_CLIENT_ROUTE, 1, "no route", no_route, ENETUNREACH, 0 },
	{ CAUSE_CLIENT_ROUTE, 1, "unreachable", no_route, EHOSTUNREACH, 0 },
	{ CAUSE_CLIENT_ROUTE, 1, "black hole", no_route, EINVAL, 0 },
	{ CAUSE_CLIENT_ROUTE, 1, "prohibited", no_route, EACCES, 0 },
	{ CAUSE_CLIENT_ROUTE, 1, "interface down", no_route, ENETDOWN, 0 },
	{ CAUSE_CLIENT_ROUTE, 1, "the gateway is silent", dead_gateway, ENETUNREACH, S(2) },
	{ CAUSE_EDGE_FIREWALL, 2.4, "drops SSH", edge_drop, AFTER_TTL, 0 },
	{ CAUSE_EDGE_FIREWALL, 1.6, "drops SSH before the TTL", edge_drop, BEFORE_TTL, 0 },
	{ CAUSE_EDGE_FIREWALL, 0.6, "drops the answers", edge_drop_back, 0, CLOUD_SILENCE },
	{ CAUSE_EDGE_FIREWALL, 2, "drops all but the web", edge_drop_most, 0, 0 },
	{ CAUSE_EDGE_FIREWALL, 2, "rejects, prohibited", edge_reject, PROHIBITED, 0 },
	{ CAUSE_EDGE_FIREWALL, 1, "rejects, port unreachable", edge_reject, PORT_UNREACHABLE, 0 },
	{ CAUSE_EDGE_FIREWALL, 2, "resets", edge_reset, 0, 0 },
	{ CAUSE_EDGE_FIREWALL, 1, "resets all but the web", edge_reset_most, 0, 0 },
	{ CAUSE_EDGE_PROXY, 2, "closes", edge_proxy, SERVICE_CLOSES, 0 },
	{ CAUSE_EDGE_PROXY, 1, "resets", edge_proxy, SERVICE_RESETS, 0 },
	{ CAUSE_EDGE_PROXY, 2, "says nothing", edge_proxy, SERVICE_MUTE, 0 },
	{ CAUSE_EDGE_PROXY, 1, "speaks HTTP", edge_proxy, SERVICE_HTTP, 0 },
	{ CAUSE_EDGE_PROXY, 0.5, "speaks SSH, another key is known", edge_sshd,
	  WORD_HOST_KEY_CHANGED, 0 },
	{ CAUSE_EDGE_PROXY, 0.5, "speaks SSH, another key is expected", edge_sshd,
	  WORD_HOST_KEY_WRONG, 0 },
	{ CAUSE_EDGE_IDS, 2, "resets the client", edge_ids_reset, ACT_RESET, 0 },
	{ CAUSE_EDGE_IDS, 2, "resets both ends", edge_ids_reset, ACT_RESET_BOTH, 0 },
	{ CAUSE_EDGE_IDS, 1, "resets each end", edge_ids_reset_each, ACT_RESET, 0 },
	{ CAUSE_EDGE_IDS, 1, "injects resets", edge_ids_inject, ACT_RESET, 0 },
	{ CAUSE_EDGE_IDS, 4, "drops the identification", edge_ids_drop, 0, 0 },
	{ CAUSE_EDGE_ROUTE, 4, "unreachable", edge_no_route, AFTER_TTL, 0 },
	{ CAUSE_EDGE_ROUTE, 4, "unreachable before the TTL", edge_no_route, BEFORE_TTL, 0 },
	{ CAUSE_EDGE_ROUTE, 2, "black hole", edge_blackhole, 0, 0 },
	{ CAUSE_EDGE_MTU, 7, "large packets vanish", mtu_hole, ONE_WAY, 0 },
	{ CAUSE_EDGE_MTU, 3, "large packets vanish, both ways", mtu_hole, BOTH_WAYS, 0 },
	{ CAUSE_EDGE_TRANSIT, 5, "drops SSH", transit_drop, 0, 0 },
	{ CAUSE_EDGE_TRANSIT, 1.3, "rejects, prohibited", transit_reject, PROHIBITED, 0 },
	{ CAUSE_EDGE_TRANSIT, 0.7, "rejects, port unreachable", transit_reject, PORT_UNREACHABLE,
	  0 },
	{ CAUSE_EDGE_TRANSIT, 1, "unreachable", transit_no_route, 0, 0 },
	{ CAUSE_EDGE_TRANSIT, 1, "resets", transit_reset, 0, 0 },
	{ CAUSE_EDGE_TRANSIT, 0.5, "resets at the identification", transit_ids, ACT_RESET_BOTH, 0 },
	{ CAUSE_EDGE_TRANSIT, 0.5, "drops the identification", transit_ids, ACT_DROP, 0 },
	{ CAUSE_ENDPOINT_MISSING, 1, "no endpoint", no_endpoint, 0, CLOUD_SILENCE },
	{ CAUSE_ENDPOINT_MISSING, 1, "the web has one", no_endpoint, 1, CLOUD_SILENCE },
	{ CAUSE_ENDPOINT_PORT, 9, "leads to a closed port", closed_private_port, 0, S(5) },
	{ CAUSE_ENDPOINT_PORT, 9, "SSH is public as 2222", other_public_port, 0, CLOUD_SILENCE },
	{ CAUSE_ENDPOINT_PORT, 2, "leads to another service", other_service, SERVICE_HTTP, S(5) },
	{ CAUSE_ENDPOINT_PORT, 3, "leads to no machine", nsg_ssh, 0, CLOUD_SILENCE },
	{ CAUSE_ENDPOINT_ACL, 1, "denies", balancer_deny, 0, CLOUD_SILENCE },
	{ CAUSE_NSG_DENY, 7, "denies SSH", nsg_ssh, 0, CLOUD_SILENCE },
	{ CAUSE_NSG_DENY, 3, "denies all", nsg_all, 0, CLOUD_SILENCE },
	{ CAUSE_VM_DOWN, 8, "silent", vm_gone, 0, CLOUD_SILENCE },
	{ CAUSE_VM_DOWN, 2, "unreachable", vm_unresolved, 0, CLOUD_SILENCE },
	{ CAUSE_VM_SSHD_DOWN, 1, "closed", vm_closed, 0, S(3) },
	{ CAUSE_VM_PORT, 4, "on 2222", vm_moved, DOOR_CLOSED, S(3) },
	{ CAUSE_VM_PORT, 2, "on 2222, 22 is silent", vm_moved, DOOR_SILENT, CLOUD_SILENCE },
	{ CAUSE_VM_PORT, 2, "hidden", vm_closed, 0, S(3) },
	{ CAUSE_VM_FIREWALL, 4, "drops", vm_drop, 0, CLOUD_SILENCE },
	{ CAUSE_VM_FIREWALL, 1, "drops all of this client's", nsg_all, 0, CLOUD_SILENCE },
	{ CAUSE_VM_FIREWALL, 1, "drops the answers", vm_drop_out, 0, CLOUD_SILENCE },
	{ CAUSE_VM_FIREWALL, 1.7, "rejects, prohibited", vm_reject, PROHIBITED, 0 },
	{ CAUSE_VM_FIREWALL, 1, "rejects, port unreachable", vm_reject, PORT_UNREACHABLE, 0 },
	{ CAUSE_VM_FIREWALL, 0.1, "rejects, network prohibited", vm_reject, 9, 0 },
	{ CAUSE_VM_FIREWALL, 0.1, "rejects, host prohibited", vm_reject, 10, 0 },
	{ CAUSE_VM_FIREWALL, 0.1, "rejects, protocol unreachable", vm_reject, 2, 0 },
	{ CAUSE_VM_FIREWALL, 1, "resets", vm_closed, 0, S(3) },
	{ CAUSE_VM_IDS, 3, "resets the client", vm_ids_reset, ACT_RESET, 0 },
	{ CAUSE_VM_IDS, 3, "resets both ends", vm_ids_reset, ACT_RESET_BOTH, 0 },
	{ CAUSE_VM_IDS, 3, "drops the identification", vm_ids_drop, 0, 0 },
	{ CAUSE_VM_SSHD_REFUSING, 4, "closes", refusing, SERVICE_CLOSES, 0 },
	{ CAUSE_VM_SSHD_REFUSING, 2, "resets", refusing, SERVICE_RESETS, 0 },
	{ CAUSE_VM_SSHD_REFUSING, 4, "says why and closes", refusing, SERVICE_TEXT, 0 },
	{ CAUSE_VM_SSHD_REFUSING, 0.5, "closes after a while", refusing_late, SERVICE_CLOSES, 0 },
	{ CAUSE_VM_SSHD_HUNG, 8, "mute", hung, SERVICE_MUTE, 0 },
	{ CAUSE_VM_SSHD_HUNG, 2, "drips", hung, SERVICE_DRIPS, 0 },
	{ CAUSE_VM_SSHD_HUNG, 1, "stalls", hung, SERVICE_STALLS, 0 },
	{ CAUSE_VM_NOT_SSH, 1, "greets", other_service, SERVICE_GREETS, 0 },
	{ CAUSE_VM_NOT_SSH, 1, "speaks HTTP", other_service, SERVICE_HTTP, 0 },
	{ CAUSE_VM_NOT_SSH, 1, "closes at the first words", other_service, SERVICE_DISLIKES, 0 },
	{ CAUSE_VM_KEX, 1, "no common algorithm", ssh_service, SERVICE_KEX, 0 },
	{ CAUSE_VM_HOST_KEY, 3, "another key is known", key_is, WORD_HOST_KEY_CHANGED, S(1) },
	{ CAUSE_VM_HOST_KEY, 2, "another key is expected", key_is, WORD_HOST_KEY_WRONG, 0 },
	{ CAUSE_VM_AUTH, 1, "refuses the keys", ssh_service, SERVICE_AUTH, 0 },
};

#define VARIANTS (sizeof(variants) / sizeof(*variants))

bool fault_exists(enum cause cause)
{
	for (size_t i = 0; i < VARIANTS; i++)
		if (variants[i].cause == cause)
			return true;
	return false;
}

bool fault_has_variant(enum cause cause, const char *words)
{
	for (size_t i = 0; i < VARIANTS; i++)
		if (variants[i].cause == cause && strcmp(variants[i].words, words) == 0)
			return true;
	return false;
}

static void apply(struct scenario *s, struct dice *dice, const struct variant *variant)
{
	s->variant = variant->words;
	s->allowed = variant->allowed | S(cause_source(s->cause));
	variant->apply(s, dice, variant->how);
}

/* One of the cause's, by weight. */
static const struct variant *draw(const struct scenario *s, struct dice *dice)
{
	const struct variant *last = NULL;
	double sum = 0;
	for (size_t i = 0; i < VARIANTS; i++)
		sum += variants[i].cause == s->cause ? variants[i].weight : 0;
	double at = dice_unit(dice) * sum;
	for (size_t i = 0; i < VARIANTS; i++) {
		if (variants[i].cause != s->cause || variants[i].weight <= 0)
			continue;
		last = &variants[i];
		at -= last->weight;
		if (at < 0)
			break;
	}
	return last;
}

/* A second fault behind one that shows first, whatever lies behind it. */
static void apply_behind(struct scenario *s, struct dice *dice)
{
	static const struct {
		void (*apply)(struct scenario *s, struct dice *dice, int how);
		int how;
	} behind[] = {
		{ nsg_ssh, 0 },
		{ vm_closed, 0 },
		{ vm_drop, 0 },
		{ hung, SERVICE_MUTE },
	};
	bool first = s->cause == CAUSE_CLIENT_FIREWALL_OUT || s->cause == CAUSE_CLIENT_PROXY ||
		     s->cause == CAUSE_EDGE_FIREWALL || s->cause == CAUSE_EDGE_PROXY ||
		     s->cause == CAUSE_EDGE_ROUTE;
	unsigned which = dice_below(dice, 4);
	if (first && perhaps(s, dice, 0.05))
		behind[which].apply(s, dice, behind[which].how);
}

void fault_apply(struct scenario *s, struct dice *dice, const char *words)
{
	const struct variant *variant = draw(s, dice);
	for (size_t i = 0; words != NULL && i < VARIANTS; i++)
		if (variants[i].cause == s->cause && strcmp(variants[i].words, words) == 0)
			variant = &variants[i];
	apply_behind(s, dice);
	if (variant != NULL)
		apply(s, dice, variant);
}

void fault_list(FILE *out)
{
	for (size_t i = 0; i < VARIANTS; i++)
		fprintf(out, "%-24s %s\n", cause_name(variants[i].cause), variants[i].words);
}
