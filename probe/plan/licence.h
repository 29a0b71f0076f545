/* licence: what a plan may have done at all, whatever it has been fed with; granted before the
 * first packet is read, and held by the courier (craft/courier.h).
 *
 * Who gets the better of the process that reads the network can make it ask for anything. So the
 * courier, which holds the sockets, does nothing but what some plan of this run could want: from
 * the run's own ports, to ports that plans look at, segments of their kinds, and no more of them
 * than the longest plan has. Pure, as the plan is.
 */
#ifndef PLAN_LICENCE_H
#define PLAN_LICENCE_H

#include "plan/plan.h"

#define LICENCE_PORTS 40 /* the SSH port, controls, candidates, those who listen */

struct licence {
	uint16_t kernel_ports, crafted_ports; /* the first of each, as in struct plan_config */
	uint16_t reference;
	uint8_t full_ttl, tos;
	bool deep;
	struct licence_ports {
		uint16_t port[LICENCE_PORTS]; /* the SSH port is the first */
		size_t count;
	} segments, connections; /* where they may go */
	unsigned segments_left;
	unsigned connected;  /* a bit for each of the kernel's ports: it is used once */
	unsigned conversing; /* of these, those that lead to the SSH port */
};

/* For a plan with this configuration, which asks for SSH at `port`. Time and key may be unset. */
void licence_grant(struct licence *licence, const struct plan_config *config, uint16_t port);

/* Somebody is known to listen on the VM: the plan may connect there (EVENT_LISTENER). */
void licence_add_listener(struct licence *licence, uint16_t port);

/* Whether the action, ACTION_SEND or ACTION_CONNECT, may be done; it is counted then. */
bool licence_covers(struct licence *licence, const struct action *action);

#endif
