/* path: hop by hop, how far packets come; made from the tracker's exchanges when an observation
 * begins (observe.c), read by the question files, and by the report to show the hops.
 */
#ifndef OBSERVE_PATH_H
#define OBSERVE_PATH_H

#include "sshwhy/fact.h"

void paths_build(const struct track *track, int64_t now_ns, struct paths *paths);

/* Whether the way to the target passes the edge of an organisation: a client's does,
 * unless it is a VPN's (the guide clears the edge then) or the target is a neighbour. */
bool path_has_edge(const struct run *run);

/* Whether a hop's address belongs to the client's own organisation, as far as an
 * address can tell. */
bool path_inside(const struct run *run, const struct address *hop);

/* SYNs with small TTLs were sent: silence can be placed, where there are routers to place it by. */
bool paths_are_swept(const struct paths *paths);

#endif
