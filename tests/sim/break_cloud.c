/* What endpoint, network security group and VM do. */
#include "breaks.h"

#include <string.h>

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
void balancer_deny(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_at_balancer(s, MATCH_PORTS);
	filter->before_ttl &= dice_chance(dice, 0.5);
}

/* how: the ports that have one. */
void no_endpoint(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	struct filter *filter = put_at_balancer(s, MATCH_OTHERS);
	filter->port[0] = 80;
	filter->port_count = (unsigned)how;
}

void closed_private_port(struct scenario *s, struct dice *dice, int how)
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

void other_public_port(struct scenario *s, struct dice *dice, int how)
{
	balancer_drop(s, dice, how);
	open_on_2222(s);
}

void nsg_ssh(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, vm_node(s), MATCH_PORTS, ACT_DROP);
}

void nsg_all(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, vm_node(s), MATCH_OTHERS, ACT_DROP)->port_count = 0;
}

/* -- vm --------------------------------------------------------------------------------- */

void vm_gone(struct scenario *s, struct dice *dice, int how)
{
	if (s->vantage == VANTAGE_VNET)
		s->client.gateway_silent = true; /* on this very link: it answers no ARP */
	else
		nsg_all(s, dice, how);
}

/* The last router asks for its link-layer address in vain. */
void vm_unresolved(struct scenario *s, struct dice *dice, int how)
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

void vm_closed(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	ssh_door(s)->state = DOOR_CLOSED;
}

/* how: what the old port does. */
void vm_moved(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	ssh_door(s)->state = (enum door_state)how;
	open_on_2222(s);
}

void vm_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	ssh_door(s)->state = DOOR_SILENT;
}

void vm_drop_out(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, vm_node(s), MATCH_PORTS, ACT_DROP)->back = true;
}

void vm_reject(struct scenario *s, struct dice *dice, int how)
{
	add_filter(s, vm_node(s), MATCH_PORTS, ACT_UNREACHABLE)->icmp_code = code_of(s, dice, how);
}

static void limit(struct scenario *s, enum filter_limit kind, enum filter_act act, unsigned spared)
{
	struct filter *filter = add_filter(s, vm_node(s), MATCH_PORTS, act);
	filter->limit = kind;
	filter->spared = spared;
	filter->icmp_code = PORT_UNREACHABLE;
}

/* ufw limit: five within 30 s, of which ssh has had most when somebody probes. */
void vm_limit_flows(struct scenario *s, struct dice *dice, int how)
{
	bool used_up = dice_chance(dice, 0.6);
	unsigned left = 1 + dice_below(dice, 5);
	limit(s, LIMIT_FLOWS, (enum filter_act)how, used_up ? 0 : left);
}

/* The five packets of the lab's: an acknowledgement goes with what the client says next, and a
 * large segment is not cut before it is counted. Here these are seven. */
#define LAB_SPARES 7

/* The same rule by somebody who has forgotten "--ctstate NEW". */
void vm_limit_segments(struct scenario *s, struct dice *dice, int how)
{
	unsigned left = 1 + dice_below(dice, 8); /* no handshake is over by then */
	limit(s, LIMIT_SEGMENTS, (enum filter_act)how, s->lab ? LAB_SPARES : left);
}

void vm_refuse_ecn(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.ecn = true;
	add_filter(s, vm_node(s), MATCH_ECN, ACT_RESET)->initial_ttl = s->host[0].reset_ttl;
}

void vm_ids_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	struct filter *filter = add_filter(s, vm_node(s), MATCH_IDENT, (enum filter_act)how);
	filter->initial_ttl = s->host[0].initial_ttl;
}

void vm_ids_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	add_filter(s, vm_node(s), MATCH_IDENT, ACT_DROP);
}

void refusing(struct scenario *s, struct dice *dice, int how)
{
	bool slow = perhaps(s, dice, 0.2);
	serve(s, (enum service)how,
	      slow ? dice_between(dice, MS(500), MS(2500)) : dice_between(dice, 0, MS(20)));
}

/* hosts.deny: sshd sleeps before it ends (refuse() of libwrap). */
void refusing_late(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, MS(5000));
}

void hung(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, how == SERVICE_DRIPS ? MS(10) : 0);
}

void other_service(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, MS(1));
}

void ssh_service(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	serve(s, (enum service)how, ssh_door(s)->pause_ns);
}
