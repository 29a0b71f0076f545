/* proxy: tries the way that ssh's configuration takes instead of the direct one.
 *
 * Runs the person's own ProxyCommand, or for a ProxyJump what ssh itself makes of it (ssh -W),
 * as that person, as ssh would (ssh_config(5)), and listens for an identification (RFC 4253
 * 4.2). Nothing is said to whoever answers. The command ends with proxy_end(), or with this
 * process.
 */
#ifndef PROBE_LOCAL_PROXY_H
#define PROBE_LOCAL_PROXY_H

#include <stdint.h>

#include "local/ssh_config.h"

enum proxy_outcome {
	PROXY_UNTOLD,  /* it wants what only its user has */
	PROXY_SILENT,  /* nothing was heard in time */
	PROXY_ANSWERS, /* with an identification */
	PROXY_FAILS,   /* it ended without one, or what came is none */
};

struct proxy;

/* `port` and `user` (NULL: none was named) as asked for on the command line. NULL: the
 * configuration names no proxy for certain, or it cannot be run. Call it with the person's
 * rights. */
struct proxy *proxy_start(const struct config_reader *reader, uint16_t port);

/* Waits for it, at most `patience_ms` after the start. `said`: what it complained of or
 * answered with last; not escaped. */
enum proxy_outcome proxy_wait(struct proxy *proxy, int patience_ms, char *said, size_t room);

void proxy_end(struct proxy *proxy); /* NULL: nothing */

#endif
