/* wire: what all sessions of a process share: captures, the shield; opened by drive.c,
 * read by loop.c.
 *
 * Each of them waits for the kernel when it is opened or closed, some 10 ms; together
 * they wait once (process/parallel.h).
 */
#ifndef DRIVE_WIRE_H
#define DRIVE_WIRE_H

#include "capture/capture.h"
#include "drive/admission.h"
#include "firewall/shield.h"
#include "route/route.h"
#include "sshwhy/run.h"

#define WIRE_CAPTURES RUN_INTERFACES /* loopback, and the interfaces of the routes */

struct wire {
	struct capture *capture[WIRE_CAPTURES];
	const char *interface[WIRE_CAPTURES]; /* borrowed from the routes */
	unsigned index[WIRE_CAPTURES];	      /* of the interfaces */
	size_t capture_count;
	struct home home;
	struct shield *shield; /* NULL: the kernel answers replies to crafted SYNs */
	int links;	       /* readable when an interface may have gone; -1: nobody will tell */
	const char *gone;      /* the interface that went; NULL: all are there */
};

/* What a wire is opened for. The routes must live as long as it does. */
struct wire_wish {
	const struct route *const *routes;
	size_t route_count;
	struct ports ports;
	const struct shielded *shielded;
	size_t shielded_count; /* SHIELDED_MAX at most */
};

/* From here on the kernel tells of interfaces that go: before their routes are looked up. */
void wire_watch(struct wire *wire);

/* Opens captures on the interface of every route that has one and on loopback, for the ports, and
 * raises the shield. Without a shield the kernel resets what crafted SYNs open: less polite to the
 * VM, no less true. So that it cannot be raised is no error. */
bool wire_open(struct wire *wire, const struct wire_wish *wish, struct error *error);

/* Whether an interface went, as far as the kernel has told by now; it tells before anything is
 * refused for that reason. */
bool wire_gone(struct wire *wire);

void wire_close(struct wire *wire);

#endif
