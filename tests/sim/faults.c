#include "faults.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#define CLOUD_SILENCE (1u << 3 | 1u << 4 | 1u << 5)

struct variant {
	enum cause cause;
	double weight;
	const char *words;
	void (*apply)(struct scenario *s, struct dice *dice);
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
		if (both && s->node[node].address.bytes[0] != 104 &&
		    !(s->node[node].address.bytes[0] == 10 && s->node[node].address.bytes[1] == 200))
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

static const uint8_t forbidden_codes[] = { 13, 10, 9, 3, 13, 3 };

static uint8_t forbidden(struct dice *dice)
{
	return forbidden_codes[dice_below(dice, sizeof(forbidden_codes))];
}

static uint8_t some_initial(struct dice *dice)
{
	static const uint8_t initial[] = { 64, 64, 64, 255, 128 };
	return initial[dice_below(dice, sizeof(initial))];
}

/* -- healthy ---------------------------------------------------------------------------- */

static void nothing(struct scenario *s, struct dice *dice)
{
	(void)s, (void)dice;
}

static void shy(struct scenario *s, struct dice *dice)
{
	(void)dice;
	serve(s, SERVICE_SSH_SHY, 0);
}

static void slow_banner(struct scenario *s, struct dice *dice)
{
	serve(s, SERVICE_SSH, dice_between(dice, MS(100), MS(2500)));
}

/* -- client ----------------------------------------------------------------------------- */

static void local_drop(struct scenario *s, struct dice *dice)
{
	s->client.out = dice_chance(dice, 0.8) ? OUT_DROP : OUT_LATE_DROP;
}

static void local_reject(struct scenario *s, struct dice *dice)
{
	s->client.out = dice_chance(dice, 0.5) ? OUT_RESET : OUT_PORT;
}

static void local_in(struct scenario *s, struct dice *dice)
{
	(void)dice;
	s->client.drops_answers = true;
}

static void local_proxy(struct scenario *s, struct dice *dice)
{
	static const enum local_out outs[] = { OUT_PROXY, OUT_PROXY_DEAD, OUT_PROXY_AWAY,
					       OUT_PROXY_HIDDEN };
	s->client.out = outs[dice_below(dice, 4)];
}

static void forbidden_connect(struct scenario *s, struct dice *dice)
{
	(void)dice;
	s->client.out = OUT_FORBIDDEN;
}

static void late_drop(struct scenario *s, struct dice *dice)
{
	(void)dice;
	s->client.out = OUT_LATE_DROP;
}

static void no_name(struct scenario *s, struct dice *dice)
{
	s->client.name_error = dice_chance(dice, 0.5) ? EAI_NONAME : EAI_AGAIN;
}

static void no_route(struct scenario *s, struct dice *dice)
{
	static const int errors[] = { ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES, ENETDOWN };
	s->client.route_error = errors[dice_below(dice, 5)];
}

/* On the VM's own link there is no gateway. */
static void dead_gateway(struct scenario *s, struct dice *dice)
{
	if (s->vantage == VANTAGE_VNET)
		no_route(s, dice);
	else
		s->client.gateway_silent = true;
}

/* -- edge ------------------------------------------------------------------------------- */

static void edge_drop(struct scenario *s, struct dice *dice)
{
	put_filter(s, edge_node(s), MATCH_PORTS, ACT_DROP)->before_ttl = dice_chance(dice, 0.4);
}

static void edge_drop_back(struct scenario *s, struct dice *dice)
{
	(void)dice;
	put_filter(s, edge_node(s), MATCH_PORTS, ACT_DROP)->back = true;
}

/* All but the web. */
static void edge_drop_most(struct scenario *s, struct dice *dice)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_OTHERS, ACT_DROP);
	filter->port[0] = 443;
	filter->port[1] = 80;
	filter->port_count = 1 + dice_below(dice, 2);
	filter->before_ttl = dice_chance(dice, 0.4);
}

static void edge_reject(struct scenario *s, struct dice *dice)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_UNREACHABLE);
	filter->icmp_code = forbidden(dice);
	filter->before_ttl = dice_chance(dice, 0.3);
}

static void edge_reset(struct scenario *s, struct dice *dice)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_RESET);
	filter->before_ttl = dice_chance(dice, 0.3);
	filter->initial_ttl = some_initial(dice);
}

static void edge_reset_most(struct scenario *s, struct dice *dice)
{
	edge_drop_most(s, dice);
	s->filter[0].act = ACT_RESET;
	s->filter[0].initial_ttl = some_initial(dice);
}

static void edge_proxy(struct scenario *s, struct dice *dice)
{
	static const enum service services[] = { SERVICE_CLOSES, SERVICE_RESETS, SERVICE_MUTE,
						 SERVICE_HTTP, SERVICE_MUTE, SERVICE_CLOSES };
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_REDIRECT);
	filter->before_ttl = true;
	filter->host = (uint8_t)s->host_count;
	if (dice_chance(dice, 0.25)) { /* it answers for every port, of every address */
		filter->match = MATCH_OTHERS;
		filter->port_count = 0;
	}
	struct host *proxy = &s->host[s->host_count++];
	*proxy = (struct host){ .node = edge_node(s), .door_count = 1 };
	proxy->initial_ttl = proxy->syn_ack_ttl = proxy->reset_ttl = some_initial(dice);
	proxy->forgives = dice_chance(dice, 0.3);
	proxy->door[0] = (struct door){ .state = DOOR_OPEN,
					.service = services[dice_below(dice, 6)],
					.pause_ns = dice_between(dice, 0, MS(80)) };
}

static void edge_ids_reset(struct scenario *s, struct dice *dice)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_IDENT,
					   dice_chance(dice, 0.5) ? ACT_RESET : ACT_RESET_BOTH);
	filter->before_ttl = dice_chance(dice, 0.3);
	filter->passes = dice_chance(dice, 0.3);
	filter->initial_ttl = some_initial(dice);
	if (dice_chance(dice, 0.3)) { /* the server's words, too */
		filter = put_filter(s, edge_node(s), MATCH_IDENT, ACT_RESET);
		filter->back = true;
	}
}

static void edge_ids_drop(struct scenario *s, struct dice *dice)
{
	put_filter(s, edge_node(s), MATCH_IDENT, ACT_DROP)->before_ttl = dice_chance(dice, 0.3);
}

static void edge_no_route(struct scenario *s, struct dice *dice)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_OTHERS, ACT_UNREACHABLE);
	filter->port_count = 0;
	filter->icmp_code = dice_chance(dice, 0.5) ? 0 : 1;
}

static void edge_blackhole(struct scenario *s, struct dice *dice)
{
	(void)dice;
	put_filter(s, edge_node(s), MATCH_OTHERS, ACT_DROP)->port_count = 0;
}

static void mtu_hole(struct scenario *s, struct dice *dice)
{
	/* On the VM's own link there is only that. */
	uint8_t node = s->vantage == VANTAGE_VNET ? vm_node(s) :
		       dice_chance(dice, 0.5)	   ? edge_node(s) :
						     transit_node(s, dice);
	struct filter *filter = put_filter(s, node, MATCH_LARGE, ACT_DROP);
	filter->size = (uint16_t)dice_between(dice, 1280, 1499);
	if (dice_chance(dice, 0.3)) { /* and back: the server's KEXINIT is shorter */
		filter = put_filter(s, node, MATCH_LARGE, ACT_DROP);
		filter->size = (uint16_t)dice_between(dice, 576, 1499);
		filter->back = true;
	}
}

static void transit_drop(struct scenario *s, struct dice *dice)
{
	put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_DROP)->before_ttl =
		dice_chance(dice, 0.3);
}

static void transit_reject(struct scenario *s, struct dice *dice)
{
	struct filter *filter =
		put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_UNREACHABLE);
	filter->icmp_code = forbidden(dice);
}

static void transit_no_route(struct scenario *s, struct dice *dice)
{
	struct filter *filter =
		put_filter(s, transit_node(s, dice), MATCH_OTHERS, ACT_UNREACHABLE);
	filter->port_count = 0;
	filter->icmp_code = dice_chance(dice, 0.5) ? 0 : 1;
}

static void transit_reset(struct scenario *s, struct dice *dice)
{
	struct filter *filter = put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_RESET);
	filter->initial_ttl = some_initial(dice);
}

static void transit_ids(struct scenario *s, struct dice *dice)
{
	struct filter *filter =
		put_filter(s, transit_node(s, dice), MATCH_IDENT,
			   dice_chance(dice, 0.5) ? ACT_RESET_BOTH : ACT_DROP);
	filter->initial_ttl = some_initial(dice);
}

/* -- endpoint, nsg ---------------------------------------------------------------------- */

static void balancer_drop(struct scenario *s, struct dice *dice)
{
	(void)dice;
	put_filter(s, balancer_node(s), MATCH_PORTS, ACT_DROP);
}

static void no_endpoint(struct scenario *s, struct dice *dice)
{
	struct filter *filter = put_filter(s, balancer_node(s), MATCH_OTHERS, ACT_DROP);
	filter->port[0] = 80;
	filter->port_count = dice_below(dice, 2);
}

static void closed_private_port(struct scenario *s, struct dice *dice)
{
	(void)dice;
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

static void other_public_port(struct scenario *s, struct dice *dice)
{
	balancer_drop(s, dice);
	open_on_2222(s);
}

static void nsg_ssh(struct scenario *s, struct dice *dice)
{
	(void)dice;
	put_filter(s, vm_node(s), MATCH_PORTS, ACT_DROP);
}

static void nsg_all(struct scenario *s, struct dice *dice)
{
	(void)dice;
	put_filter(s, vm_node(s), MATCH_OTHERS, ACT_DROP)->port_count = 0;
}

/* -- vm --------------------------------------------------------------------------------- */

static void vm_gone(struct scenario *s, struct dice *dice)
{
	if (s->vantage == VANTAGE_VNET)
		s->client.gateway_silent = true; /* on this very link: it answers no ARP */
	else
		nsg_all(s, dice);
}

/* The last router asks for its link-layer address in vain. */
static void vm_unresolved(struct scenario *s, struct dice *dice)
{
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

static void vm_closed(struct scenario *s, struct dice *dice)
{
	(void)dice;
	ssh_door(s)->state = DOOR_CLOSED;
}

static void vm_moved(struct scenario *s, struct dice *dice)
{
	(void)dice;
	ssh_door(s)->state = DOOR_CLOSED;
	open_on_2222(s);
}

static void vm_moved_silent(struct scenario *s, struct dice *dice)
{
	(void)dice;
	ssh_door(s)->state = DOOR_SILENT;
	open_on_2222(s);
}

static void vm_moved_hidden(struct scenario *s, struct dice *dice)
{
	(void)dice;
	ssh_door(s)->state = DOOR_CLOSED;
}

static void vm_drop(struct scenario *s, struct dice *dice)
{
	(void)dice;
	ssh_door(s)->state = DOOR_SILENT;
}

static void vm_drop_out(struct scenario *s, struct dice *dice)
{
	(void)dice;
	put_filter(s, vm_node(s), MATCH_PORTS, ACT_DROP)->back = true;
}

static void vm_reject(struct scenario *s, struct dice *dice)
{
	add_filter(s, vm_node(s), MATCH_PORTS, ACT_UNREACHABLE)->icmp_code = forbidden(dice);
}

static void vm_ids_reset(struct scenario *s, struct dice *dice)
{
	struct filter *filter = add_filter(s, vm_node(s), MATCH_IDENT,
					   dice_chance(dice, 0.5) ? ACT_RESET : ACT_RESET_BOTH);
	filter->initial_ttl = s->host[0].initial_ttl;
}

static void vm_ids_drop(struct scenario *s, struct dice *dice)
{
	(void)dice;
	add_filter(s, vm_node(s), MATCH_IDENT, ACT_DROP);
}

static void refusing(struct scenario *s, struct dice *dice)
{
	static const enum service services[] = { SERVICE_CLOSES, SERVICE_RESETS, SERVICE_TEXT,
						 SERVICE_TEXT, SERVICE_CLOSES };
	int64_t pause = dice_chance(dice, 0.2) ? dice_between(dice, MS(500), MS(2500)) :
						 dice_between(dice, 0, MS(20));
	serve(s, services[dice_below(dice, 5)], pause);
}

static void mute(struct scenario *s, struct dice *dice)
{
	(void)dice;
	serve(s, SERVICE_MUTE, 0);
}

static void drips(struct scenario *s, struct dice *dice)
{
	(void)dice;
	serve(s, SERVICE_DRIPS, MS(10));
}

static void stalls(struct scenario *s, struct dice *dice)
{
	(void)dice;
	serve(s, SERVICE_STALLS, 0);
}

static void not_ssh(struct scenario *s, struct dice *dice)
{
	static const enum service services[] = { SERVICE_GREETS, SERVICE_HTTP, SERVICE_DISLIKES };
	serve(s, services[dice_below(dice, 3)], MS(1));
}

static void old_algorithms(struct scenario *s, struct dice *dice)
{
	(void)dice;
	serve(s, SERVICE_KEX, 0);
}

static void refuses_keys(struct scenario *s, struct dice *dice)
{
	(void)dice;
	serve(s, SERVICE_AUTH, 0);
}

/* -- the table -------------------------------------------------------------------------- */

#define S(n) (1u << (n))

static const struct variant variants[] = {
	{ CAUSE_HEALTHY, 6, "nothing is wrong", nothing, 0 },
	{ CAUSE_HEALTHY, 1, "the server identifies itself after the client", shy, 0 },
	{ CAUSE_HEALTHY, 1, "the banner comes late", slow_banner, 0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 6, "drops", local_drop, 0 },
	{ CAUSE_CLIENT_FIREWALL_OUT, 4, "rejects", local_reject, 0 },
	{ CAUSE_CLIENT_FIREWALL_IN, 1, "drops answers", local_in, 0 },
	{ CAUSE_CLIENT_PROXY, 1, "redirects", local_proxy, 0 },
	{ CAUSE_CLIENT_SECURITY, 7, "forbids connect()", forbidden_connect, 0 },
	{ CAUSE_CLIENT_SECURITY, 3, "drops before the wire", late_drop, 0 },
	{ CAUSE_CLIENT_DNS, 1, "no such name", no_name, 0 },
	{ CAUSE_CLIENT_ROUTE, 5, "no route", no_route, 0 },
	{ CAUSE_CLIENT_ROUTE, 1, "the gateway is silent", dead_gateway, S(2) },
	{ CAUSE_EDGE_FIREWALL, 4, "drops SSH", edge_drop, 0 },
	{ CAUSE_EDGE_FIREWALL, 1, "drops the answers", edge_drop_back, CLOUD_SILENCE },
	{ CAUSE_EDGE_FIREWALL, 2, "drops all but the web", edge_drop_most, 0 },
	{ CAUSE_EDGE_FIREWALL, 3, "rejects", edge_reject, 0 },
	{ CAUSE_EDGE_FIREWALL, 2, "resets", edge_reset, 0 },
	{ CAUSE_EDGE_FIREWALL, 1, "resets all but the web", edge_reset_most, 0 },
	{ CAUSE_EDGE_PROXY, 1, "answers", edge_proxy, 0 },
	{ CAUSE_EDGE_IDS, 6, "resets at the identification", edge_ids_reset, 0 },
	{ CAUSE_EDGE_IDS, 4, "drops the identification", edge_ids_drop, 0 },
	{ CAUSE_EDGE_ROUTE, 8, "unreachable", edge_no_route, 0 },
	{ CAUSE_EDGE_ROUTE, 2, "black hole", edge_blackhole, 0 },
	{ CAUSE_EDGE_MTU, 1, "large packets vanish", mtu_hole, 0 },
	{ CAUSE_EDGE_TRANSIT, 5, "drops SSH", transit_drop, 0 },
	{ CAUSE_EDGE_TRANSIT, 2, "rejects", transit_reject, 0 },
	{ CAUSE_EDGE_TRANSIT, 1, "unreachable", transit_no_route, 0 },
	{ CAUSE_EDGE_TRANSIT, 1, "resets", transit_reset, 0 },
	{ CAUSE_EDGE_TRANSIT, 1, "inspects", transit_ids, 0 },
	{ CAUSE_ENDPOINT_MISSING, 1, "no endpoint", no_endpoint, CLOUD_SILENCE },
	{ CAUSE_ENDPOINT_PORT, 6, "leads to a closed port", closed_private_port, S(5) },
	{ CAUSE_ENDPOINT_PORT, 4, "SSH is public as 2222", other_public_port, CLOUD_SILENCE },
	{ CAUSE_ENDPOINT_ACL, 1, "denies", balancer_drop, CLOUD_SILENCE },
	{ CAUSE_NSG_DENY, 7, "denies SSH", nsg_ssh, CLOUD_SILENCE },
	{ CAUSE_NSG_DENY, 3, "denies all", nsg_all, CLOUD_SILENCE },
	{ CAUSE_VM_DOWN, 8, "silent", vm_gone, CLOUD_SILENCE },
	{ CAUSE_VM_DOWN, 2, "unreachable", vm_unresolved, CLOUD_SILENCE },
	{ CAUSE_VM_SSHD_DOWN, 1, "closed", vm_closed, S(3) },
	{ CAUSE_VM_PORT, 4, "on 2222", vm_moved, S(3) },
	{ CAUSE_VM_PORT, 2, "on 2222, 22 silent", vm_moved_silent, CLOUD_SILENCE },
	{ CAUSE_VM_PORT, 2, "hidden", vm_moved_hidden, S(3) },
	{ CAUSE_VM_FIREWALL, 5, "drops", vm_drop, CLOUD_SILENCE },
	{ CAUSE_VM_FIREWALL, 1, "drops the answers", vm_drop_out, CLOUD_SILENCE },
	{ CAUSE_VM_FIREWALL, 3, "rejects", vm_reject, 0 },
	{ CAUSE_VM_FIREWALL, 1, "resets", vm_closed, S(3) },
	{ CAUSE_VM_IDS, 6, "resets at the identification", vm_ids_reset, 0 },
	{ CAUSE_VM_IDS, 3, "drops the identification", vm_ids_drop, 0 },
	{ CAUSE_VM_SSHD_REFUSING, 1, "closes", refusing, 0 },
	{ CAUSE_VM_SSHD_HUNG, 8, "mute", mute, 0 },
	{ CAUSE_VM_SSHD_HUNG, 2, "drips", drips, 0 },
	{ CAUSE_VM_SSHD_HUNG, 1, "stalls", stalls, 0 },
	{ CAUSE_VM_NOT_SSH, 1, "another service", not_ssh, 0 },
	{ CAUSE_VM_KEX, 1, "no common algorithm", old_algorithms, 0 },
	{ CAUSE_VM_AUTH, 1, "refuses the keys", refuses_keys, 0 },
};

#define VARIANTS (sizeof(variants) / sizeof(*variants))

bool fault_exists(enum cause cause)
{
	for (size_t i = 0; i < VARIANTS; i++)
		if (variants[i].cause == cause)
			return true;
	return false;
}

void fault_apply(struct scenario *s, struct dice *dice)
{
	double sum = 0;
	for (size_t i = 0; i < VARIANTS; i++)
		sum += variants[i].cause == s->cause ? variants[i].weight : 0;
	double at = dice_unit(dice) * sum;
	for (size_t i = 0; i < VARIANTS; i++) {
		const struct variant *variant = &variants[i];
		if (variant->cause != s->cause)
			continue;
		at -= variant->weight;
		if (at >= 0)
			continue;
		s->variant = variant->words;
		s->allowed = variant->allowed | S(cause_source(s->cause));
		variant->apply(s, dice);
		return;
	}
}
