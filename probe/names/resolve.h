/* resolve: the addresses of a host's name; asked for by the drive, before any socket is opened. */
#ifndef PROBE_NAMES_RESOLVE_H
#define PROBE_NAMES_RESOLVE_H

#include "names/resolver.h"
#include "sshwhy/address.h"

struct resolution {
	struct address address[ADDRESSES_MAX]; /* in getaddrinfo's order, without duplicates */
	size_t count;
	int error;	/* 0 or EAI_* */
	char text[256]; /* the resolver's words when it failed */
	bool literal;	/* host was an address, nothing was asked */
};

/* family: 0 any, 4 or 6. A literal in brackets is fine. Link-local IPv6 addresses
 * keep no zone here: pass the interface with -i. Gives up after `timeout_ms` with EAI_AGAIN,
 * which is what getaddrinfo says of silent name servers too, only 10 to 30 s later; at once
 * with EAI_INTR when the descriptor `stop` (-1: none) becomes readable; with EAI_SYSTEM when there
 * is nobody to ask name servers (resolver NULL, or it has ended). */
void resolve_within(struct resolver *resolver, const char *host, int family, int timeout_ms,
		    int stop, struct resolution *out);

#endif
