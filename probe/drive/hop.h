/* hop: the link-layer address of the next hop, asked for until it is known or late; used by loop.c.
 */
#ifndef DRIVE_HOP_H
#define DRIVE_HOP_H

#include "drive/session.h"

void look_at_next_hop(struct session *session);
/* The same for the way to the reference. Without a route connect() says so itself. */
void look_at_reference_hop(struct session *session);

#endif
