#include "sshwhy/shortage.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>

#define BIT(asked) (1u << (asked))

/* All that may be ours. Whatever is not here is what a network, a route or a firewall says. */
static const struct {
	int error;
	unsigned evidence; /* of these calls it is not ours, but the network's or a firewall's */
} shortages[] = {
	/* descriptors, sockets, references in flight */
	{ EMFILE, 0 },
	{ ENFILE, 0 },
	{ ETOOMANYREFS, 0 },
	{ EUSERS, 0 },
	/* memory, buffers, queues. (The hook of a firewall at the interface too says ENOBUFS to a
	 * frame, but nothing rests on that error alone.) */
	{ ENOMEM, 0 },
	{ ENOBUFS, 0 },
	{ EAGAIN, 0 }, /* of connect(): no local port, no room for a route */
	{ ENOSPC, 0 },
	/* local ports and addresses; but a route to nowhere has none either */
	{ EADDRINUSE, 0 },
	{ EADDRNOTAVAIL, BIT(ASKED_ROUTE) },
	/* the wait was cut short, or the answer lost */
	{ EINTR, 0 },
	{ EIO, 0 },
	/* what a process may do. A rule that drops what the kernel would send says so in the same
	 * word; but route lookups pass no rules. */
	{ EPERM, BIT(ASKED_CONNECT) | BIT(ASKED_SEND) },
	{ ENOSYS, 0 },
	/* getaddrinfo() */
	{ EAI_SYSTEM, 0 },
	{ EAI_MEMORY, 0 },
	{ EAI_INTR, 0 },
};

bool is_shortage(enum asked asked, int error)
{
	for (size_t i = 0; i < sizeof(shortages) / sizeof(shortages[0]); i++)
		if (shortages[i].error == error)
			return (shortages[i].evidence & BIT(asked)) == 0;
	return false;
}
