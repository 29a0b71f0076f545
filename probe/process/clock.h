/* clock: what time it is, in nanoseconds; asked by all of probe/ that waits or stamps. */
#ifndef PROBE_PROCESS_CLOCK_H
#define PROBE_PROCESS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* For whoever waits with poll(). */
static inline int64_t clock_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

#endif
