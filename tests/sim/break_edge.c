/* What the edge of the organisation and the networks behind it do. */
#include "breaks.h"

void edge_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	put_filter(s, edge_node(s), MATCH_PORTS, ACT_DROP)->before_ttl = how == BEFORE_TTL;
}

void edge_drop_back(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, edge_node(s), MATCH_PORTS, ACT_DROP)->back = true;
}

/* All but the web. */
void edge_drop_most(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, edge_node(s), MATCH_OTHERS, ACT_DROP);
	filter->port[0] = 443;
	filter->port[1] = 80;
	filter->port_count = 1 + dice_below(dice, 2);
	filter->before_ttl = perhaps(s, dice, 0.4);
}

void edge_reject(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_UNREACHABLE);
	filter->icmp_code = code_of(s, dice, how);
	filter->before_ttl = perhaps(s, dice, 0.3);
}

void edge_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, edge_node(s), MATCH_PORTS, ACT_RESET);
	filter->before_ttl = perhaps(s, dice, 0.3);
	filter->initial_ttl = some_initial(s, dice);
}

void edge_reset_most(struct scenario *s, struct dice *dice, int how)
{
	edge_drop_most(s, dice, how);
	s->filter[0].act = ACT_RESET;
	s->filter[0].initial_ttl = some_initial(s, dice);
}

void edge_proxy(struct scenario *s, struct dice *dice, int how)
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

void edge_relay(struct scenario *s, struct dice *dice, int how)
{
	edge_proxy(s, dice, how);
	struct host *proxy = &s->host[s->host_count - 1];
	proxy->relays = true;
	proxy->thinks_ns += s->host[0].thinks_ns;
	proxy->door[0].pause_ns += ssh_door(s)->pause_ns;
}

void edge_sshd(struct scenario *s, struct dice *dice, int how)
{
	edge_proxy(s, dice, SERVICE_SSH);
	s->client.key = (enum event_word)how;
}

void edge_ids_reset(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_IDENT, (enum filter_act)how);
	filter->before_ttl = perhaps(s, dice, 0.3);
	filter->passes = perhaps(s, dice, 0.2);
	filter->initial_ttl = some_initial(s, dice);
}

/* Each end's words are answered with a reset. */
void edge_ids_reset_each(struct scenario *s, struct dice *dice, int how)
{
	edge_ids_reset(s, dice, how);
	put_filter(s, edge_node(s), MATCH_IDENT, ACT_RESET)->back = true;
}

/* Beside the path, a copy of each packet is looked at, by a program that takes its time. */
void edge_ids_inject(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_IDENT, (enum filter_act)how);
	filter->before_ttl = true;
	filter->passes = true;
	filter->delay_ns = dice_between(dice, US(10), s->lab ? US(1500) : MS(5));
	filter->initial_ttl = some_initial(s, dice);
}

void edge_ids_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	put_filter(s, edge_node(s), MATCH_IDENT, ACT_DROP)->before_ttl = perhaps(s, dice, 0.3);
}

void edge_no_route(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, edge_node(s), MATCH_OTHERS, ACT_UNREACHABLE);
	filter->port_count = 0;
	filter->before_ttl = how == BEFORE_TTL;
	filter->no_route = true;
	filter->icmp_code = dice_chance(dice, 0.5) || s->lab ? 1 : 0;
}

void edge_blackhole(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	put_filter(s, edge_node(s), MATCH_OTHERS, ACT_DROP)->port_count = 0;
}

void mtu_hole(struct scenario *s, struct dice *dice, int how)
{
	/* On the VM's own link there is only that. */
	bool here = dice_chance(dice, 0.5) || s->lab;
	uint8_t node = s->vantage == VANTAGE_VNET ? vm_node(s)
		       : here			  ? edge_node(s)
						  : transit_node(s, dice);
	struct filter *filter = put_filter(s, node, MATCH_LARGE, ACT_DROP);
	filter->size = (uint16_t)(s->lab ? 1400 : dice_between(dice, 1280, 1499));
	if (how == REPLY_ALONE) { /* all that the library is told passes */
		filter->size = (uint16_t)(s->lab ? 1300 : dice_between(dice, 1150, 1499));
		filter->back = true;
	}
	if (how == BOTH_WAYS) { /* the server's KEXINIT is shorter */
		filter = put_filter(s, node, MATCH_LARGE, ACT_DROP);
		filter->size = (uint16_t)dice_between(dice, 576, 1499);
		filter->back = true;
	}
}

void transit_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_DROP)->before_ttl =
		perhaps(s, dice, 0.3);
}

void transit_reject(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter = put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_UNREACHABLE);
	filter->icmp_code = code_of(s, dice, how);
}

void transit_no_route(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, transit_node(s, dice), MATCH_OTHERS, ACT_UNREACHABLE);
	filter->port_count = 0;
	filter->no_route = true;
	filter->icmp_code = dice_chance(dice, 0.5) ? 0 : 1;
}

void transit_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	struct filter *filter = put_filter(s, transit_node(s, dice), MATCH_PORTS, ACT_RESET);
	filter->initial_ttl = some_initial(s, dice);
}

void transit_ids(struct scenario *s, struct dice *dice, int how)
{
	struct filter *filter =
		put_filter(s, transit_node(s, dice), MATCH_IDENT, (enum filter_act)how);
	filter->initial_ttl = some_initial(s, dice);
}

/* -- what ssh's own marks come to ------------------------------------------------------- */

static void be_marked(struct scenario *s)
{
	if (s->client.tos == 0)
		s->client.tos = 0x48;
}

void qos_edge(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	be_marked(s);
	put_filter(s, edge_node(s), MATCH_DSCP, ACT_DROP)->before_ttl = how == BEFORE_TTL;
}

void qos_transit(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	be_marked(s);
	put_filter(s, transit_node(s, dice), MATCH_DSCP, ACT_DROP)->before_ttl =
		perhaps(s, dice, 0.3);
}

void qos_reject(struct scenario *s, struct dice *dice, int how)
{
	be_marked(s);
	struct filter *filter = put_filter(s, edge_node(s), MATCH_DSCP, ACT_UNREACHABLE);
	filter->icmp_code = code_of(s, dice, how);
	filter->before_ttl = perhaps(s, dice, 0.3);
}

void qos_ecn(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	s->client.ecn = true;
	struct filter *filter = put_filter(s, edge_node(s), MATCH_ECN, ACT_RESET);
	filter->before_ttl = perhaps(s, dice, 0.3);
	filter->initial_ttl = some_initial(s, dice);
}
