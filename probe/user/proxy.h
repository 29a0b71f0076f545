/* proxy: the way that ssh's configuration takes, tried; started and told by the machine.
 *
 * Runs the person's own ProxyCommand, or for a ProxyJump what ssh itself makes of it (ssh -W),
 * as that person (nobody stands in for root), as ssh would (ssh_config(5)), and listens for an
 * identification (RFC 4253 4.2). Nothing is said to whoever answers. What the command starts ends
 * with proxy_end(), or with this process (command.h).
 */
#ifndef PROBE_USER_PROXY_H
#define PROBE_USER_PROXY_H

#include <stdint.h>

#include "user/command.h"
#include "user/settings.h"

enum proxy_outcome {
	PROXY_UNTOLD,  /* it wants what only its user has */
	PROXY_STOPPED, /* waiting was broken off */
	PROXY_SILENT,  /* nothing was heard in time */
	PROXY_UNHEARD, /* nor had it the time for that */
	PROXY_ANSWERS, /* with an identification */
	PROXY_FAILS,   /* it ended without one, or what came is none */
};

struct proxy;

/* NULL: ssh goes through no proxy, or it cannot be run. */
struct proxy *proxy_start(const struct settings *settings, const struct person *person);

/* Waits for it, at most `patience_ms` after the start, no longer than until `deadline_ms` (of
 * clock_ms()), and until the descriptor `stop` (-1: none) becomes readable. `said`: what it
 * complained of or answered with last; not escaped. */
enum proxy_outcome proxy_wait(struct proxy *proxy, int patience_ms, int64_t deadline_ms, int stop,
			      char *said, size_t room);

void proxy_end(struct proxy *proxy); /* NULL: nothing */

#endif
