/* reserve: local ports that nobody else uses while we do; taken by the drive for its sessions.
 *
 * The kernel knows nothing of a crafted SYN: that an answer is ours shows in its local port
 * alone. Two probes that share a port take each other's answers for their own, and each
 * other's shield (firewall/shield.h) cuts their connections. So every such port is held by a socket
 * that is bound to it and does no more: no other bind() or connect() in this network
 * namespace gets the port, it takes no privilege, and it ends with the process, however
 * that ends. These sockets have no descriptors: they lie in a queue, as sockets that are
 * passed on and never received, so that who may open few files can probe too.
 */
#ifndef PROBE_PROCESS_RESERVE_H
#define PROBE_PROCESS_RESERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/error.h"

/* first > last: empty */
struct port_zone {
	uint16_t first, last;
};

/* From which ports the kernel serves sockets that ask for none (ip_local_port_range). */
struct port_zone reserve_ephemeral(void);

/* Where to look for free ports, best first: outside `ephemeral`, and, where that leaves no
 * port, inside. Returns how many. */
#define RESERVE_ZONES 3
size_t reserve_zones(struct port_zone ephemeral, struct port_zone zones[RESERVE_ZONES]);

/* What one session needs: ports for sockets of its own, which it binds later, and ports to
 * hold for it. */
struct port_block {
	uint16_t own, held;
};

#define RESERVE_HELD_MAX 160

struct reservation {
	uint16_t own, held; /* the first ones of each kind; those of a block's follow one another */
	int queue[2];	    /* a socket pair: what lies in it is held; only where count > 0 */
	size_t count;	    /* of the ports held */
};

/* Takes `blocks` neighbouring blocks at a random place of the first zone that has them.
 * Own ports are not held, but no other reservation gets them as long as this one has its
 * held ones: they are to be bound with SO_REUSEADDR, for where nothing else is left their
 * last connection may have ended a moment ago. False: none is free, or no more sockets. */
bool reserve(const struct port_zone *zones, size_t zone_count, struct port_block block,
	     size_t blocks, struct reservation *reservation, struct error *error);
void reserve_release(struct reservation *reservation); /* zeroed: nothing to do */

#endif
