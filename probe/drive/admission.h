/* admission: which packets on the wire are this process's; asked by loop.c, and by wire.c for the
 * capture's filter.
 *
 * Others use the same port numbers: who connects to a service of this machine picks any, and
 * who means harm sweeps them all. So one end of a packet must be an address of this machine
 * together with a port of ours, and what an ICMP error quotes must have such a port. Whose of
 * these answer something that was sent, the tracker tells by their sequence numbers.
 */
#ifndef DRIVE_ADMISSION_H
#define DRIVE_ADMISSION_H

#include "sshwhy/packet.h"

/* Local ports of ours: `kernel_count` from `kernel`, `crafted_count` from `crafted`. */
struct ports {
	uint16_t kernel, kernel_count;
	uint16_t crafted, crafted_count;
};

#define HOME_ADDRESSES 24

/* Addresses of this machine that packets of ours may come from. */
struct home {
	struct address address[HOME_ADDRESSES];
	size_t count;
};

bool home_holds(const struct home *home, const struct address *address);
/* Adds an address, unless it is none or there already. */
void home_add(struct home *home, const struct address *address);
/* Adds the addresses of an interface, but those of loopback's that all machines have. */
void home_add_interface(struct home *home, const char *interface);

/* A packet of the sessions that have these ports. */
bool admit(const struct home *home, const struct ports *ports, const struct packet *packet);

/* The same as a BPF filter, somewhat wider, to be freed. */
char *admission_filter(const struct home *home, const struct ports *ports);
/* For frames with a VLAN tag, which only leave this machine (capture.h): wider still, for the
 * compiler's time grows with the square of what is asked. */
char *admission_filter_tagged(const struct ports *ports);

#endif
