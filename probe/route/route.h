/* route: the kernel's way to an address; looked up by a session, used by craft and by the wire. */
#ifndef PROBE_ROUTE_ROUTE_H
#define PROBE_ROUTE_ROUTE_H

#include <net/if.h>
#include <sys/types.h>

#include "sshwhy/address.h"
#include "sshwhy/error.h"

struct netlink;

#define ROUTE_WAYS 4

struct route {
	int error; /* 0, or the errno a connect() would get at once:
		      ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL (blackhole) */
	char interface[IF_NAMESIZE];
	unsigned index;		 /* interface index */
	unsigned scope;		 /* of the interface at which the address is meant: the one that was
				    asked for, or has it; its packets may pass another, lo */
	struct address source;	 /* the address the kernel would use */
	struct address next_hop; /* gateway, or the target itself when on-link */
	bool on_link;		 /* next_hop is the target */
	bool local;		 /* the target is this very machine */
	bool up;		 /* the interface is administratively up and running */
	bool has_link_address;	 /* Ethernet-like: frames need the next hop's address */
	uint32_t mtu;		 /* of the route, else of the interface */
	uint16_t hardware;	 /* ARPHRD_* */
	uid_t uid;		 /* asked for this user */
	bool bound;		 /* an interface was asked for: connect() must be bound to it too */
	/* where the route has several next hops: the interfaces of all of them */
	char way[ROUTE_WAYS][IF_NAMESIZE];
	size_t way_count;
};

/* Whether packets go the same way. */
bool route_equal(const struct route *a, const struct route *b);

/* What such an error means of a route: "a blackhole route", where strerror() has "Invalid
 * argument". */
const char *route_refusal(int error);

/* What a connect() to TCP `port` would get at once although the address has a route, as
 * route->error: rules may be about ports ("ip rule ... dport 22 prohibit", Linux 4.17). */
int route_refuses_port(struct netlink *netlink, const struct address *target,
		       const struct route *route, uint16_t port);

/* Asks the kernel (rtnetlink RTM_GETROUTE) as uid `uid`; `interface` may be NULL, and so may
 * `source`, an address of this machine that the connection is bound to.
 * False only when the kernel does not tell: "no route" is an answer, in route->error. */
bool route_lookup(struct netlink *netlink, const struct address *target, const char *interface,
		  const struct address *source, uid_t uid, struct route *route,
		  struct error *error);

#endif
