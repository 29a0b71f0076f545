/* owner: which process listens on a port, by /proc; asked by the inventory and by the machine. */
#ifndef PROBE_PROCESS_OWNER_H
#define PROBE_PROCESS_OWNER_H

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
bool owner_line(const char *text, const struct address *address, uint16_t port,
		struct owner *owner);

/* "port 8888 belongs to tinyproxy (pid 123, /usr/bin/tinyproxy)", "nothing listens on
 * port 8888" */
void owner_describe(const struct owner *owner, uint16_t port, char *text, size_t room);

#define LISTENERS_MAX 16

struct listener {
	uint16_t port;
	struct owner owner;
};

/* Those whose process has the name of an SSH server come first; then those whose process is
 * not to be had, and sockets that systemd holds for whom it will start. */
struct listeners {
	size_t count;
	struct listener listener[LISTENERS_MAX];
};

/* Who may be an SSH server and accepts TCP connections to `address` of this machine, on other
 * ports than `except`. False when the kernel's table cannot be read. Names of other users'
 * processes take CAP_SYS_PTRACE. */
bool listeners_find(const char *proc, const struct address *address, uint16_t except,
		    struct listeners *listeners);

/* "sshd (pid 123, /usr/sbin/sshd) listens on port 2222" */
void listener_describe(const struct listener *listener, char *text, size_t room);

#endif
