/* errand: what the courier is sent out with: for whom it sends, where to, and the kernel's sockets
 * that it connects; written by the drive, told and heard over a socket by courier.c.
 *
 * Both ends are one program, and nothing of the network has been read when it is told: so it
 * goes as it lies in memory, and the sockets as SCM_RIGHTS (unix(7)).
 */
#ifndef PROBE_CRAFT_ERRAND_H
#define PROBE_CRAFT_ERRAND_H

#include "craft/delivery.h"
#include "route/route.h"
#include "user/person.h"

struct errand {
	struct address target;
	struct route route;
	struct address reference; /* family 0: none */
	struct route reference_route;
	struct licence licence;
	int socket[PLAN_KERNEL_PORTS]; /* bound already; -1: none */
};

struct errands {
	struct person person;	     /* in whose name is sent, and to whom privilege is dropped */
	char interface[IF_NAMESIZE]; /* the one that the user asked for; "": none */
	struct errand errand[DELIVERY_SESSIONS]; /* one for each session */
	size_t count;
};

/* False: errno says why. */
bool errands_tell(int channel, const struct errands *errands);

/* Waits; the sockets are the caller's. False: the other end is closed, or there is no room for
 * the sockets. */
bool errands_hear(int channel, struct errands *errands);

#endif
