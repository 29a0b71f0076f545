/* owner: which process listens on a local port, as /proc tells it. */
#ifndef PROBE_LOCAL_OWNER_H
#define PROBE_LOCAL_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sshwhy/address.h"

struct owner {
	bool listens;	/* somebody does; the rest may be unknown */
	uid_t uid;	/* of the socket */
	uint64_t inode; /* of the socket */
	pid_t pid;	/* 0: not to be had (another user's, and no CAP_SYS_PTRACE) */
	char name[32];	/* the process's own name for itself: any bytes */
	char program[128];
};

/* Who accepts TCP connections to `address`:`port` on this machine. `proc` is "/proc". */
void owner_find(const char *proc, const struct address *address, uint16_t port,
		struct owner *owner);

/* One line of /proc/net/tcp or tcp6: true when it is a socket that accepts connections
 * to `address`:`port`; then owner->uid and ->inode are set. */
bool owner_line(const char *line, const struct address *address, uint16_t port,
		struct owner *owner);

/* "port 8888 belongs to tinyproxy (pid 123, /usr/bin/tinyproxy)", "nothing listens on
 * port 8888" */
void owner_describe(const struct owner *owner, uint16_t port, char *text, size_t room);

#endif
