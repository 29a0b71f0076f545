/* missing: the first router that answers what is compared with and not this; asked by where.c (of
 * SYNs) and cutter.c (of words inside the connection).
 */
#ifndef OBSERVE_MISSING_H
#define OBSERVE_MISSING_H

#include "sshwhy/fact.h"

/* Its TTL; 0: none is missing. */
uint8_t first_missing_router(const struct paths *paths, const struct path *path);

/* How likely it is that the router at TTL `missing` is silent to these packets by chance alone. */
double missed_by_accident(const struct paths *paths, const struct path *path, uint8_t missing);

#endif
