/* courier: a process of its own, which alone holds the sockets that packets are sent by, and
 * connects the kernel's; started by drive.c, asked by loop.c.
 *
 * The process that reads the network can be got the better of by what it reads; then it still
 * cannot send what it likes, for it has no socket to send by and can only ask. The courier is
 * forked before anything is open, and is sent out with its errands (errand.h) when routes and the
 * kernel's sockets are there and nothing has been read; it opens its own. Each session's addresses
 * and licence (plan/licence.h) are fixed from then on. It reads nothing but letters, and is locked
 * in (cell.h). It ends when the process that started it ends, whatever way that does.
 */
#ifndef PROBE_CRAFT_COURIER_H
#define PROBE_CRAFT_COURIER_H

#include "craft/errand.h"

struct courier;

/* With privilege, which the courier needs until it is locked in. NULL: there is no courier. */
struct courier *courier_start(struct error *error);

/* Once. From now on it makes ready. */
bool courier_send_out(struct courier *courier, const struct errands *errands, struct error *error);

/* Waits until the courier is locked in, once. False: it could not be. */
bool courier_ready(struct courier *courier, struct error *error);

/* Why a session can craft nothing; NULL: it can. Known when the courier is ready. */
const char *courier_limit(const struct courier *courier, size_t session);

/* Has an ACTION_SEND or ACTION_CONNECT done; *error is what the kernel said to it: 0, EINPROGRESS
 * or an errno. False when it was not even tried: there is trouble, and nothing else is done any
 * more. That is ours, and no fact about the network. */
bool courier_carry(struct courier *courier, size_t session, const struct action *action,
		   int *error);

/* Link-layer sends need the next hop's address: see craft.h. Once for each session. */
void courier_tell_next_hop(struct courier *courier, size_t session, const uint8_t *address,
			   size_t length);

/* What is wrong with the courier; NULL: nothing. */
const char *courier_trouble(const struct courier *courier);

/* Tells it to end, which takes the kernel some 10 ms; and waits for that, but not for ever. */
void courier_dismiss(struct courier *courier);
void courier_end(struct courier *courier); /* NULL is fine, and undismissed too */

#endif
