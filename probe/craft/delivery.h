/* delivery: what the courier does with a letter: refuse it, or send, or connect; its loop is in
 * courier.c.
 *
 * Addresses, routes and the licence of each session stand here from the start, and no letter
 * changes them. Nothing is read from the network.
 */
#ifndef PROBE_CRAFT_DELIVERY_H
#define PROBE_CRAFT_DELIVERY_H

#include "craft/craft.h"
#include "craft/letter.h"
#include "plan/licence.h"

#define DELIVERY_SESSIONS 4

struct delivery {
	struct delivery_session {
		struct licence licence;
		struct craft *craft;	       /* NULL: nothing can be crafted */
		int socket[PLAN_KERNEL_PORTS]; /* -1: none, or connected already */
		struct peer {
			struct address address;
			unsigned scope; /* of the interface, for link-local addresses */
		} target, reference;
		bool next_hop_told;
	} session[DELIVERY_SESSIONS];
	size_t count;
	uint32_t refused;
};

/* Does what the letter's `length` bytes ask for, if the licence covers it. */
struct receipt delivery_take(struct delivery *delivery, const struct letter *letter, size_t length);

#endif
