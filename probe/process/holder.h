/* holder: whether a TCP connection of this machine is that of a process, or of what it has started,
 * by /proc; asked by who keeps the person's ssh company. */
#ifndef PROBE_PROCESS_HOLDER_H
#define PROBE_PROCESS_HOLDER_H

#include "process/sockets.h"

/* Of a connection as the kernel has it; where packets are translated on their way out, what is
 * captured has other ends. */
struct socket_ends {
	uint16_t local_port, remote_port;
	struct address remote;
};

/* HELD_NOT: somebody else holds it. Not known: nobody does any more, or `pid` or one that came of
 * it may not be looked into (another user's, or one that is not dumpable). */
enum held holder_is(const char *proc, pid_t pid, const struct socket_ends *ends);

#endif
