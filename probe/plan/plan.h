/* plan: what to send next, when to ask again, when enough is known. No I/O.
 *
 * Made by a driver: the live one (probe/drive) or the simulator's (tests/sim), which run the same
 * code. Fed with packets, the kernel's answers and the time, the plan hands out actions and says
 * when it wants to be woken. It believes what observe() and reason() make of its own tracker,
 * and these judge the saved run too.
 *
 *   the kernel's connection, SSH on it ──► clean up      a healthy VM: no crafted packet at all
 *                    │                        ▲
 *                    └──► sweep, in passes ───┘
 *
 * plan.c has these phases as a table of transitions: what the plan waits for and does, in order. A
 * new step is a line of it, with a guard that is named after what it waits for. What is done stands
 * in a file for each:
 *
 *   sweep.c      a pass: a SYN for each TTL to the SSH port, and to a control port to compare
 *                (each from one local port: routers that share the load send them one way), and
 *                SYNs that are to arrive, by the raw and the link way
 *   elsewhere.c  SYNs and connections to other ports where SSH may be instead
 *   words.c      copies of what the client has said, where the conversation was cut or is deaf
 *   small.c      the conversation once more, with small segments
 *   opinion.c    the conversation once more, by the person's own ssh, where all is well
 *   unmarked.c   SYNs without ssh's marks, where those with them come to nothing
 *   heavy.c      fragments and bare ACKs, where all SYNs meet silence and --deep was asked for
 *   flows.c      how many new flows the SSH port may see: what is over is left out
 *   settled.c    what is known well enough of each
 *   actions.c    what each segment and connection consists of; agenda.c: when they leave
 *
 * One connection to the reference is made beside all this, where one was named.
 */
#ifndef PROBE_PLAN_H
#define PROBE_PLAN_H

#include "sshwhy/patience.h"
#include "sshwhy/verdict.h"

#define PLAN_KERNEL_PORTS  4	/* local ports for connections of the kernel: 3 to the target */
#define PLAN_CRAFTED_PORTS 40	/* for crafted SYNs: to be shielded from the kernel */
#define PLAN_PAYLOAD_MAX   1460 /* of one segment on Ethernet */

enum action_kind {
	ACTION_NONE,	/* nothing to do now: ask again at plan_wakeup() */
	ACTION_CONNECT, /* connect() from local_port to remote_port */
	ACTION_TALK,	/* run the SSH handshake on local_port's connection */
	ACTION_SEND,	/* one crafted segment, by `way` */
	ACTION_DONE,	/* the run is complete */
};

/* What the driver does as it is told: no rule about what to send stands anywhere else. */
struct action {
	enum action_kind kind;
	enum way way;
	enum purpose purpose;
	bool opens;	   /* tell action_opening(): see plan_next() */
	bool to_reference; /* not to the target */
	uint16_t local_port, remote_port;
	uint16_t segment_max; /* of a connection, both ways (TCP_MAXSEG); 0: the kernel's own */
	/* of a segment */
	uint8_t ttl;
	uint8_t tos;   /* or IPv6's traffic class */
	uint8_t flags; /* enum tcp_flag */
	uint16_t ip_id;
	uint16_t window;
	uint32_t sequence, acknowledgement;
	bool fragment;	    /* the first fragment of a SYN, and no more */
	bool plain;	    /* a SYN without options */
	bool has_timestamp; /* other SYNs always carry them */
	uint32_t timestamp_value, timestamp_echo;
	const uint8_t *payload; /* borrowed from the plan */
	size_t payload_length;
};

struct plan_config {
	uint16_t control_ports[PATHS_MAX];
	size_t control_count;
	uint16_t kernel_ports;	/* the first of PLAN_KERNEL_PORTS that are ours */
	uint16_t crafted_ports; /* the first of PLAN_CRAFTED_PORTS */
	int64_t deadline_ns;	/* done by then, whatever is known */
	uint16_t reference;	/* port of the reference to connect to; 0: none was named */
	bool crafted;		/* raw and link-layer sends are possible */
	bool opinion;		/* the person's ssh can talk on a connection too */
	bool deep;		/* heavier tests too: they take more than half a minute */
	uint8_t tos;		/* of what goes to the SSH port, as ssh marks it */
	uint8_t full_ttl;	/* what the kernel uses, 64 as a rule */
	uint8_t key[16];	/* secret of this run: makes sequence numbers unguessable */
};

struct plan;

/* `run` is the question (address, port, vantage, ...); its events so far are taken
 * in, later ones must be told with plan_event(). Owned by the caller, both. */
struct plan *plan_new(const struct run *run, const struct plan_config *config, int64_t now_ns);
void plan_free(struct plan *plan);

/* What a run makes of a packet. */
enum packet_use {
	PACKET_COUNTED, /* it need not be in the run */
	PACKET_EXAMPLE, /* of those that are counted */
	PACKET_TIED,	/* to something that was sent: facts may rest on it */
};
enum packet_use plan_packet(struct plan *plan, const struct packet *packet);
const struct strays *plan_strays(const struct plan *plan);
void plan_event(struct plan *plan, const struct event *event);

/* Whatever came until then has been told. A busy machine may come to that late: the facts are those
 * of then, not of when it asks, for what came since may wait to be read. (0: nothing waits.) */
void plan_heard(struct plan *plan, int64_t until_ns);

/* The next action that is due; ACTION_NONE when there is none. Of an action that `opens`
 * its local port for an exchange the driver tells the run and the plan action_opening(), with a
 * time before the action's first packet. */
struct action plan_next(struct plan *plan, int64_t now_ns);
int64_t plan_wakeup(const struct plan *plan);

/* How many actions were left out, since they would have begun more new flows to the SSH port than a
 * firewall may let pass (flows.h). */
unsigned plan_withheld(const struct plan *plan);

/* What the driver tells of an action: that it is done (`remote` is the reference's
 * address as text; NULL: the target's), and that this machine refused it. */
static inline struct event action_opening(const struct action *action, const char *remote)
{
	return (struct event){ .kind = EVENT_OPEN,
			       .way = action->way,
			       .purpose = action->purpose,
			       .local_port = action->local_port,
			       .remote_port = action->remote_port,
			       .text = remote };
}

static inline struct event action_refused(const struct action *action, int error)
{
	return (struct event){ .kind = EVENT_REFUSED,
			       .way = action->way,
			       .local_port = action->local_port,
			       .remote_port = action->remote_port,
			       .ttl = action->ttl,
			       .error = error };
}

#endif
