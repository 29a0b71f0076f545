/* sockets: the kernel's tables of TCP sockets, and whether a process holds one, by /proc; asked by
 * owner.c and holder.c. `proc` is "/proc". */
#ifndef PROBE_PROCESS_SOCKETS_H
#define PROBE_PROCESS_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "sshwhy/address.h"

enum { SOCKET_LISTENS = 10 }; /* TCP_LISTEN */

/* A line of such a table. IPv4 in IPv6's form stays so. */
struct socket_line {
	struct address local, remote;
	uint16_t local_port, remote_port;
	unsigned state;
	uid_t uid;
	uint64_t inode; /* 0: no process holds it any more */
};

struct socket_table {
	FILE *file;
	unsigned left; /* lines that are still read */
};

/* "tcp" or "tcp6", of this process's network namespace. False: there is no such table. */
bool sockets_open(struct socket_table *table, const char *proc, const char *name);
bool sockets_next(struct socket_table *table, struct socket_line *line);
void sockets_close(struct socket_table *table);

/* False: the text is none, as is the table's title. */
bool sockets_line(const char *text, struct socket_line *line);

/* ::ffff:1.2.3.4 is the IPv4 address it holds. */
struct address sockets_unmapped(struct address address);

enum held { HELD_NOT_KNOWN, HELD, HELD_NOT };

/* Whether a process ("123") has a descriptor of this socket. Not known: it has gone, or may not be
 * looked into. */
enum held sockets_held(const char *proc, const char *pid, uint64_t inode);

#endif
