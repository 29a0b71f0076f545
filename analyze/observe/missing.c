#include "observe/missing.h"

#include <math.h>

#include "observe/loss.h"

/* Where packets are lost at random, a few silences are no sign of a filter. */
static double missed_by_loss(const struct paths *paths, const struct path *path)
{
	unsigned silent = 0;
	for (uint8_t ttl = (uint8_t)(path->last_router + 1); ttl <= PATH_TTL_MAX; ttl++)
		silent += path->hop[ttl].missed;
	return paths_accident(paths, (uint8_t)(path->last_router + 1), silent);
}

/* The share of hops at which routers spread flows over two ways, one of them through a router that
 * never answers. Half of all flows go that way: by chance it may be each flow that drew nothing
 * here, and none of those that were answered. */
#define FORKS 0.15
double missed_by_accident(const struct paths *paths, const struct path *path, uint8_t missing)
{
	return missed_by_loss(paths, path) +
	       FORKS * pow(0.5, path->hop[missing].flows + paths->flows[missing]);
}

/* A router's silence counts after this many comparisons. */
#define MISSED_ENOUGH 2

uint8_t first_missing_router(const struct paths *paths, const struct path *path)
{
	if (missed_by_loss(paths, path) > ACCIDENT)
		return 0;
	for (uint8_t ttl = (uint8_t)(path->last_router + 1); ttl <= PATH_TTL_MAX; ttl++)
		if (path->hop[ttl].missed >= MISSED_ENOUGH)
			return ttl;
	return 0;
}
