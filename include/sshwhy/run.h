/* run: everything one diagnosis rests on: the question, what no packet shows, the frames.
 *
 * A live probe fills it as it goes; a saved run is it, written to one pcapng: the
 * frames as packets, the rest as notes (one JSON object a line, opt_comment of the
 * section header). The analysis reads nothing else, so a replay cannot differ from
 * the live run. Strings and arrays belong to the arena.
 */
#ifndef SSHWHY_RUN_H
#define SSHWHY_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/address.h"
#include "sshwhy/arena.h"
#include "sshwhy/error.h"
#include "sshwhy/frame.h"
#include "sshwhy/packet.h"
#include "sshwhy/savefile.h"

enum vantage {
	VANTAGE_CLIENT,
	VANTAGE_INTERNET,
	VANTAGE_VNET,
	VANTAGE_VM,
	VANTAGES,
	VANTAGE_UNKNOWN = VANTAGES, /* somebody else's capture that does not tell; no name */
};
enum deployment { DEPLOYMENT_UNKNOWN, DEPLOYMENT_ARM, DEPLOYMENT_CLASSIC, DEPLOYMENTS };
enum path_kind { PATH_INTERNET, PATH_VPN, PATH_EXPRESSROUTE, PATH_KINDS };

extern const char *const vantage_names[VANTAGES];
extern const char *const deployment_names[DEPLOYMENTS];
extern const char *const path_kind_names[PATH_KINDS];

/* By which way a packet leaves this machine (DESIGN 3.1). */
enum way {
	WAY_UNKNOWN, /* somebody else's capture */
	WAY_KERNEL,  /* connect(): passes every local rule */
	WAY_RAW,     /* IP_HDRINCL: passes the output rules */
	WAY_LINK,    /* AF_PACKET: passes none of them */
	WAYS
};
extern const char *const way_names[WAYS];

/* A control port that no cloud VM serves, as a rule (BACnet's): a host resets it. */
#define CLOSED_PORT 47808

/* What the packets of one local port ask. */
enum purpose {
	PURPOSE_NONE,
	PURPOSE_SSH,	   /* is there an SSH service on the port? full TTL */
	PURPOSE_SWEEP,	   /* how far do SYNs to the SSH port come? TTL 1, 2, ... */
	PURPOSE_CONTROL,   /* the same sweep to another port of the VM */
	PURPOSE_ELSEWHERE, /* does SSH answer on another port? */
	PURPOSE_INSESSION, /* how far does the client's identification string come? */
	PURPOSE_SMALL,	   /* does the conversation come further with small segments? */
	PURPOSE_REFERENCE, /* another SSH host, on the client's own network */
	/* heavier ones (probe --deep), to the SSH port and to a control port each */
	PURPOSE_FRAGMENT, /* what becomes of the first fragment of a SYN, and no more? */
	PURPOSE_ACK,	  /* of a bare ACK? */
	PURPOSE_PLAIN,	  /* of a SYN without options? */
	PURPOSES
};
extern const char *const purpose_names[PURPOSES];

#define RUN_INTERFACES 6 /* loopback, those of the routes to the addresses and to a reference */

/* What no packet shows. Unused fields are 0; unused texts are "" once run_event() has taken
 * them. */
enum event_kind {
	EVENT_RESOLVED, /* error: 0 or EAI_*; text: the addresses, or the resolver's words */
	EVENT_ROUTE, /* error: errno of the kernel's route lookup; text: "dev eth0 src ... via ..."
		      */
	EVENT_NEIGHBOUR, /* error: 0, or EHOSTUNREACH when the next hop does not answer ARP or ND;
			    text: the next hop; value: 1 when the next hop is the target itself */
	EVENT_OPEN,	 /* local_port will be used by `way` towards remote_port, for `purpose`;
			    text: the remote's address, when it is not the target's */
	EVENT_CONNECT,	 /* connect() of local_port returned: error 0 or errno */
	EVENT_REFUSED,	 /* sending (way, local_port, ttl) failed locally: error is the errno */
	EVENT_SSH,	 /* how the handshake on local_port ended: text is a handshake end's name;
			    detail: the library's words */
	EVENT_HOST_KEY, /* text: "ssh-ed25519 SHA256:..."; value: 1 when its signature was verified;
			   detail: an answer to the question KEY, or "ANSWER: why" */
	EVENT_KEX,	/* text: the key exchange agreed on */
	EVENT_AUTH,	/* text: the methods offered, separated by spaces */
	EVENT_CAPTURE,	/* text: interface; value: frames the kernel dropped */
	EVENT_LIMIT,	/* text: what could not be observed, and why (one sentence) */
	/* what is found on this machine beside the network */
	EVENT_RULES,	 /* the local firewall's rules were read; value: how many EVENT_RULE follow;
			    text: "", or tables in use that could not be read */
	EVENT_RULE,	 /* text: a rule against this connection; detail: what it does ("drops",
			    "rejects", "diverts", "queues"); value: enum rule_bit */
	EVENT_OWNER,	 /* text: who listens where such a rule diverts to */
	EVENT_CONFIG,	 /* text: the line of ssh's configuration that leads through a proxy;
			    detail: "proxied", "may-be-proxied", or "direct" without a text; told
			    again when it was tried: "proxy-answers", "proxy-silent", "proxy-fails" */
	EVENT_MODE,	 /* text: a file of ~/.ssh and its mode; detail: what ssh makes of it:
			    "fine" (all of them), "differs" (from the guide only), "unused" (a key
			    not tried by itself), "partly" (a key; others are usable), "refused" (the
			    only keys), "fatal" (ssh ends) */
	EVENT_REFERENCE, /* text: the address of the reference; detail: as it was asked for;
			    error: 0, or EHOSTUNREACH when the next hop on the way there does
			    not answer ARP or ND */
	EVENT_PLACE,	 /* somebody else's capture: where it was taken; text: how that shows;
			    detail: an answer to the question PLACE */
	EVENT_NAME,	 /* text: the address of a router; detail: what name servers call it */
	EVENT_LISTENER, /* on the VM itself: who may be an SSH server and listens on another port of
			   the address; value: the port, 0: nobody does; text: who it is */
	EVENT_LOCAL,	/* text: another address of this machine that its packets may come from */
	EVENTS
};
extern const char *const event_names[EVENTS];

enum rule_bit {
	RULE_INCOMING = 1, /* it is about the answers, not the SYN */
	RULE_CERTAIN = 2,  /* it applies; else it may */
	RULE_BELOW = 4,	   /* it stands at the interface, below the host's own firewall */
};

struct event {
	enum event_kind kind;
	int64_t time_ns;
	enum way way;
	enum purpose purpose;
	uint16_t local_port, remote_port;
	uint8_t ttl;
	int32_t error;
	int64_t value;
	const char *text, *detail; /* in a run never NULL */
};

struct run {
	/* the question */
	const char *host;	/* as asked for; never NULL in a planned run */
	struct address address; /* family 0: the name did not resolve */
	uint16_t port;
	bool named; /* host is a name, not a literal */
	enum vantage vantage;
	enum deployment deployment;
	enum path_kind path;
	const char *interface; /* NULL: not known */
	struct address local_address;
	uint32_t mtu;
	int64_t started_ns, stopped_ns;
	bool planned; /* false: somebody else's capture, no plan is known */
	bool interrupted;
	bool unfinished; /* ended before its plan did: another address is healthy */

	const struct event *events;
	size_t event_count;
	const struct frame *frames; /* bytes owned by the arena; number = index + 1 */
	size_t frame_count;
	struct run_interface {
		const char *name;
		uint32_t link;
	} interfaces[RUN_INTERFACES];
	size_t interface_count;

	struct arena arena;
};

void run_event(struct run *run, const struct event *event); /* copies, strings too */
void run_frame(struct run *run, const struct frame *frame); /* copies; numbers it */
void run_free(struct run *run);

/* Writes the run as one pcapng. comments[i] belongs to frame i and may be NULL. */
bool run_save(const struct run *run, const char *const *comments, FILE *out, struct error *error);

/* Reads a saved run or a plain capture. What precedes damage is kept: then false
 * with EXIT_MALFORMED, and `run` holds what was readable. */
bool run_load(struct run *run, const char *path, struct error *error);

/* The same in two steps, from a savefile that was just opened: what precedes the frames (false:
 * it is no saved run of ours), then the frames (false as above; `path` is for the error). */
bool run_begin(struct run *run, const struct savefile *savefile);
bool run_frames(struct run *run, struct savefile *savefile, const char *path, struct error *error);

#endif
