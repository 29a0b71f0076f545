/* parallel: several waits at once; for captures that are opened and a wire that is closed.
 *
 * Setting up a packet ring and closing a packet or nftables socket each wait for one or
 * two RCU grace periods, some 10 ms apiece whatever the machine. Waits that run side by
 * side share their grace periods: two captures open in the time of one, and everything
 * closes in 30 ms instead of 90.
 */
#ifndef PROBE_PROCESS_PARALLEL_H
#define PROBE_PROCESS_PARALLEL_H

#include <stddef.h>

struct task {
	void (*run)(void *context);
	void *context;
};

/* Runs every task, each in a thread of its own, and returns when all are done. A task
 * whose thread cannot be made runs here. */
void parallel(const struct task *tasks, size_t count);

#endif
