/* local: what this machine knows about the way to an address, and its privileges. */
#ifndef PROBE_LOCAL_H
#define PROBE_LOCAL_H

#include <net/if.h>
#include <sys/types.h>

#include "sshwhy/address.h"
#include "sshwhy/error.h"

/* -- resolve ---------------------------------------------------------------- */

struct resolution {
	struct address address[16]; /* in getaddrinfo's order, without duplicates */
	size_t count;
	int error;	/* 0 or EAI_* */
	char text[256]; /* the resolver's words when it failed */
	bool literal;	/* host was an address, nothing was asked */
};

/* family: 0 any, 4 or 6. A literal in brackets is fine. Link-local IPv6 addresses
 * keep no zone here: pass the interface with -i. */
void resolve(const char *host, int family, struct resolution *out);

/* The same, but gives up after `timeout_ms` with EAI_AGAIN, which is what getaddrinfo
 * says of silent name servers too, only 10 to 30 s later; and at once with EAI_INTR when
 * the descriptor `stop` (-1: none) becomes readable. The question then goes on in a thread
 * that nobody waits for. */
void resolve_within(const char *host, int family, int timeout_ms, int stop, struct resolution *out);

/* -- route ------------------------------------------------------------------ */

struct route {
	int error; /* 0, or the errno a connect() would get at once:
		      ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL (blackhole) */
	char interface[IF_NAMESIZE];
	unsigned index;		 /* interface index */
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
};

/* What a connect() to TCP `port` would get at once although the address has a route, as
 * route->error: rules may be about ports ("ip rule ... dport 22 prohibit", Linux 4.17). */
int route_refuses_port(const struct address *target, const struct route *route, uint16_t port);

/* Asks the kernel (rtnetlink RTM_GETROUTE) as uid `uid`; `interface` may be NULL.
 * False only when netlink itself fails: "no route" is an answer, in route->error. */
bool route_lookup(const struct address *target, const char *interface, uid_t uid,
		  struct route *route, struct error *error);

/* The next hop's link-layer address from the kernel's neighbour table. Returns
 * 1 known (bytes and length filled), 0 not yet asked or still asking, -1 asked and
 * not answered (FAILED). Never sends. */
int neighbour_lookup(const struct route *route, uint8_t link_address[8], size_t *length);

/* Whether that table has an entry for it, which has not failed. */
bool neighbour_present(const struct route *route);

/* Has the kernel ask for it (ARP or neighbour discovery) although no packet of its own
 * may get so far. Needs CAP_NET_ADMIN; false without. */
bool neighbour_ask(const struct route *route);

/* -- privilege -------------------------------------------------------------- */

/* The user whose rules, keys and agent matter: who called sudo, else who runs us. */
struct person {
	uid_t uid;
	gid_t gid;
	char name[64];
	char home[256];
	bool sudo;
};
void person_find(struct person *person);

/* True when the process holds CAP_NET_RAW; else error EXIT_NOT_PERMITTED that says
 * which capability is missing and how to grant it (setcap, sudo). */
bool privilege_check(struct error *error);
bool privilege_net_admin(void);

/* Drops every capability and every uid/gid for good (to `person` when it called
 * sudo, else to nobody), sets no_new_privs, and checks that nothing can be had back. */
bool privilege_drop(const struct person *person, struct error *error);

/* -- shield ----------------------------------------------------------------- */

/* What one peer answers to our crafted ports [first, last], which must be ours alone
 * (reserve.h). */
struct shielded {
	struct address peer;
	uint16_t first, last;
};

#define SHIELDED_MAX 4

/* Hides those answers from this machine's TCP, which would reset what crafted SYNs open.
 * An nftables table with the owner flag: the kernel removes it with the process, SIGKILL
 * included. NULL (and `error`) when that is not possible; the probe then goes on without. */
struct shield;
struct shield *shield_raise(const struct shielded *shielded, size_t count, struct error *error);
void shield_lower(struct shield *shield);

#endif
