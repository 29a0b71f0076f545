/* craft: TCP packets of our own making, by the raw and by the link-layer way; one for each session
 * of drive/.
 *
 * What a packet looks like is in shape.h, where libnet stands; the sockets it leaves by
 * are in sender.h. A craft ties both to one target.
 */
#ifndef PROBE_CRAFT_H
#define PROBE_CRAFT_H

#include "route/route.h"
#include "sshwhy/packet.h"
#include "sshwhy/run.h"

struct craft;

enum { CRAFT_PAYLOAD_MAX = 1460 }; /* of one segment on Ethernet, without options */

/* Opens the sockets of every craft: two raw ones that belong to `uid`, so that its rules
 * apply, bound to `interface` when that is not NULL (only when the user asked for it: a
 * bound socket is routed past unreachable routes and policy rules that ssh would meet),
 * and a packet socket. EXIT_NOT_PERMITTED without CAP_NET_RAW; no privilege after. */
struct sender;
struct sender *sender_open(uid_t uid, const char *interface, struct error *error);
/* Waits some 10 ms for the kernel: see process/parallel.h. */
void sender_close(struct sender *sender);

/* Crafts for route's target, through a sender that others use too and that outlives it:
 * no privilege, no system call. */
struct craft *craft_share(struct sender *sender, const struct address *target,
			  const struct route *route, struct error *error);
void craft_close(struct craft *craft);

/* The link-layer way needs the next hop's address; until it is set (or none is
 * needed: tun, loopback) WAY_LINK sends fail with EHOSTUNREACH. */
void craft_link_address(struct craft *craft, const uint8_t *bytes, size_t length);

struct craft_segment {
	uint16_t source_port, destination_port;
	uint32_t sequence, acknowledgement;
	uint8_t flags; /* TCP_SYN: the SYN template with options; else header (+ timestamps) */
	uint8_t ttl;
	uint8_t tos;	/* or IPv6's traffic class */
	uint16_t ip_id; /* IPv4; never 0 */
	uint16_t window;
	uint16_t mss;	    /* SYN only; 0: the route's MTU less headers */
	bool fragment;	    /* no more than the first fragment of a SYN, with its MSS option */
	bool plain;	    /* a SYN without options */
	bool has_timestamp; /* other SYNs always carry them */
	uint32_t timestamp_value, timestamp_echo;
	const uint8_t *payload;
	size_t payload_length; /* at most CRAFT_PAYLOAD_MAX */
};

/* Sends one segment; returns 0 or the errno. Never blocks. WAY_LINK to an IPv4 address
 * of this very machine is EOPNOTSUPP: the kernel would drop the frame as a martian. */
int craft_send(struct craft *craft, enum way way, const struct craft_segment *segment);

#endif
