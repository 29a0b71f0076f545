/* distance: where on the way the box sits that does what shows at some TTL; asked by who.c,
 * cutter.c, ports.c and deep.c.
 */
#ifndef OBSERVE_DISTANCE_H
#define OBSERVE_DISTANCE_H

#include "observe/observation.h"

/* Where the box sits that does what first shows at TTL `ttl`: an answer to WHO. `reply_ttl`
 * is that of what it sent; 0: nothing, or unknown. */
enum answer who_at(const struct observation *o, uint8_t ttl, uint8_t reply_ttl);

/* Whether what happens at TTL `ttl` can be the doing of the organisation's last device. */
bool within_edge(const struct paths *paths, uint8_t ttl);

/* How many routers at least had passed a segment on before it came to the one that quotes
 * it, by the TTL it had left; 0 unknown. */
uint8_t quoted_distance(const struct sent *sent);

#endif
