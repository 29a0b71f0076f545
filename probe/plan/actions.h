/* actions: what the plan has sent and opened, as the driver is told to do it.
 *
 * Used by the files of the plan. What a segment consists of stands here and nowhere else.
 */
#ifndef PLAN_ACTIONS_H
#define PLAN_ACTIONS_H

#include "plan/state.h"

/* A connection of the kernel's to the target, on the next of its ports. */
struct action action_connect(struct plan *plan, enum purpose purpose, uint16_t remote_port);

/* The same to the reference: on the last of the kernel's ports, the others are the target's. */
struct action action_connect_reference(const struct plan *plan);

/* The SSH conversation on an exchange's connection. */
struct action action_talk(const struct exchange *exchange);

/* Whether the kernel's SYN to the SSH port offers ECN, as the machine is set to (net.ipv4.tcp_ecn);
 * crafted ones then do the same. */
bool kernel_offers_ecn(const struct plan *plan);

/* A crafted segment, by the link way: all but its numbers and what it carries. To the SSH port it
 * is marked as ssh would, unless it asks what becomes of those that are not. */
struct segment_name {
	enum purpose purpose;
	uint16_t local_port, remote_port;
	uint8_t ttl, flags;
};
struct action action_segment(struct plan *plan, const struct segment_name *name);

/* A SYN from a slot's port, at `due_ns`. */
struct syn {
	unsigned slot;
	enum way way;
	enum purpose purpose;
	uint16_t remote_port;
	uint8_t ttl;	 /* 0: the kernel's own, so that it arrives */
	uint8_t attempt; /* of the same TTL from the same port; told apart by their numbers */
};
void send_syn(struct plan *plan, int64_t due_ns, const struct syn *syn);

/* The number of the pass that goes on, of the sweep or inside the connection. */
uint8_t pass_number(const struct plan *plan);

/* A reset for every SYN-ACK that a crafted SYN drew: our half-open connections do not stay on
 * the VM. */
void send_resets(struct plan *plan);

/* Whether the action is a SYN that is to end on the way. */
bool is_swept_syn(const struct plan *plan, const struct action *action);

#endif
