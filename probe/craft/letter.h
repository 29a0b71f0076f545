/* letter: an action on its way to the courier, as numbers; written by courier.c, read by
 * delivery.c.
 *
 * Who writes it may be in a stranger's hands. So it has no pointer, no enumeration and no bool in
 * it: every value that its bytes may have is one.
 */
#ifndef PROBE_CRAFT_LETTER_H
#define PROBE_CRAFT_LETTER_H

#include "plan/plan.h"

enum letter_kind { LETTER_SEND, LETTER_CONNECT, LETTER_NEXT_HOP };

struct letter {
	uint8_t kind, session; /* enum letter_kind; index */
	uint8_t way, ttl, tos, flags, marks;
	uint16_t local_port, remote_port, segment_max, ip_id, window;
	uint32_t sequence, acknowledgement, timestamp_value, timestamp_echo;
	uint8_t payload[PLAN_PAYLOAD_MAX]; /* of a segment, or the next hop's address */
};

/* What comes back. */
struct receipt {
	int32_t error;	  /* errno of what was done, 0 or EINPROGRESS; EPERM when nothing was */
	uint32_t refused; /* how many letters were, this one included */
};

/* Each returns the letter's length; 0: it cannot be written. */
size_t letter_of_action(struct letter *letter, size_t session, const struct action *action);
size_t letter_of_next_hop(struct letter *letter, size_t session, const uint8_t *address,
			  size_t length);

/* The bytes of its payload; -1: it is shorter than a letter. */
int letter_payload(size_t length);

/* The action of a LETTER_SEND or LETTER_CONNECT, whose payload is borrowed from the letter. */
bool letter_read(const struct letter *letter, size_t length, struct action *action);

#endif
