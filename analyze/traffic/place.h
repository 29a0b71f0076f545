/* place: where a capture was taken, as the packets of one conversation tell it; asked by settle.c.
 *
 * A packet with the TTL that stacks start with (64, 128, 255) has passed no router: its
 * sender is here. What a machine notes of direction, or what other connections showed,
 * tells it too.
 */
#ifndef TRAFFIC_PLACE_H
#define TRAFFIC_PLACE_H

#include "sshwhy/fact.h"
#include "traffic/table.h"

#define LOCALS_MAX 32

/* Addresses that are this machine's own, as connections to others showed. */
struct locals {
	struct address address[LOCALS_MAX];
	unsigned count, next;
};

/* The two sides of a connection that was answered, by the TTLs of its SYN and SYN-ACK. */
void locals_learn(struct locals *locals, const struct address *client, uint8_t client_ttl,
		  const struct address *server, uint8_t server_ttl);

/* The word of EVENT_PLACE, with the reason in words of its own. */
#define PLACE_TEXT 256
enum event_word place_of_capture(const struct conversation *conversation,
				 const struct locals *locals, char text[PLACE_TEXT]);

#endif
