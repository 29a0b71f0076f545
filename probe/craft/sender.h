/* sender: the sockets that crafted packets leave by, for any number of targets; opened with the
 * wire, used by craft.c. */
#ifndef PROBE_CRAFT_SENDER_H
#define PROBE_CRAFT_SENDER_H

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include "craft/craft.h"
#include "craft/shape.h"

/* The templates of a family (4 or 6), built when the sender was opened. */
const struct shape *sender_shapes(const struct sender *sender, unsigned family);

/* Where the numbers of its sockets stand (-1: none): whoever is left with them alone may change
 * them. */
#define SENDER_SOCKETS 3
int *sender_socket(struct sender *sender, unsigned index);

/* Each sends one IP packet and returns 0 or the errno. Neither blocks. */
int sender_raw(const struct sender *sender, const uint8_t *packet, size_t length,
	       const struct sockaddr_storage *to, socklen_t to_length);
int sender_link(const struct sender *sender, const uint8_t *packet, size_t length,
		const struct sockaddr_ll *to);

#endif
