/* session: one address under diagnosis: its run, its plan, its connections; opened by drive.c, run
 * by loop.c. */
#ifndef DRIVE_SESSION_H
#define DRIVE_SESSION_H

#include "craft/courier.h"
#include "drive/drive.h"
#include "drive/wire.h"
#include "handshake/handshake.h"
#include "plan/plan.h"
#include "process/clock.h"
#include "user/consult.h"
#include "user/opinion.h"
#include "user/person.h"

/* Connections of the kernel: three to the target, never more, and the last
 * one to the reference. */
#define SESSION_SOCKETS PLAN_KERNEL_PORTS

struct session_socket {
	int fd;
	uint16_t local_port, remote_port;
	bool connecting;
	struct handshake *handshake;
	bool carried; /* ssh talks on it, not the library */
};

/* The other SSH host of --reference; family 0: none, or its name does not resolve. */
struct reference {
	const char *host;
	struct address address;
	uint16_t port;
};

struct session {
	struct run *run;
	struct plan *plan;
	const struct drive_options *options;
	const struct consulted *consulted;
	struct wire *wire;	 /* borrowed */
	struct netlink *netlink; /* borrowed */
	struct route route;
	struct address source; /* that ssh binds to; family 0: the kernel chooses */
	bool source_gone;      /* there is none such here: nothing is connected */
	struct reference reference;
	struct route reference_route;
	struct courier *courier; /* borrowed; its number there is `index` */
	size_t index;
	struct opinion *opinion; /* borrowed: the person's ssh for it; NULL: none can be run */
	bool hop_asked;		 /* the kernel was told to look for the next hop */
	bool crafts;		 /* packets can be crafted for it */
	struct ports ports;
	struct session_socket socket[SESSION_SOCKETS];
	uint64_t dropped[WIRE_CAPTURES]; /* frames that the captures lost, as far as is told */
	bool next_hop_settled, reference_hop_settled, rules_told, done;
	int64_t heard_ns;	 /* all that came until then has been read; wall clock */
	int64_t clock_offset_ns; /* from the monotonic clock to the captures' wall clock */
};

/* Nothing is open yet: session_close() has nothing to do. */
void session_init(struct session *session);

/* What a session is opened for. Options, what ssh said and run must live as long as it does. */
struct session_wish {
	const struct drive_options *options;
	const struct consulted *consulted;
	const struct person *person; /* in whose name its sockets are opened */
	const struct address *address;
	const struct reference *reference; /* NULL: none */
	struct ports ports;
	struct netlink *netlink;
	struct run *run;
};

/* Looks the routes up and opens the kernel's sockets: of what ssh says only where it leads, and
 * from where, must be known by then. Needs privilege, as do the others, but for session_craft(). */
bool session_open(struct session *session, const struct session_wish *wish, struct error *error);

/* Whether it would be opened the same way now: routes may have changed since. */
bool session_stands(const struct session *session, uid_t uid);

/* When the wire is open and ssh has said all: before anything is connected. */
void session_attach(struct session *session, struct wire *wire);

/* When the courier is ready: takes note of what it cannot do. */
void session_craft(struct session *session);

/* What its plan is told from the start, and what its courier needs; but for key and deadline, and
 * for who listens. */
struct plan_config session_plan(const struct session *session);
struct errand session_errand(const struct session *session);

void session_close(struct session *session); /* also one that failed to open; again is harmless */

#define PEER_TEXT (ADDRESS_TEXT + 16)

/* Hooks in connect(), a program's or the kernel's, lead it elsewhere: the socket knows where to.
 * NULL: it is connected to what was asked for. */
const char *session_led_to(const struct session *session, const struct session_socket *s,
			   char text[PEER_TEXT]);

struct machine;
struct resolver;

/* All sessions of a process, and what they have together. */
struct sessions {
	struct session session[DRIVE_ADDRESSES];
	size_t count;
	struct wire *wire;
	struct courier *courier;
	struct machine *machine;
	struct resolver *resolver; /* asked what routers are called; NULL: nobody is */
	int64_t deadline_ns;	   /* monotonic clock */
	int signals;		   /* a signalfd */
};

/* Makes the plans, of what is known so far. */
bool sessions_plan(struct sessions *all, struct error *error);

/* Runs the plans of all sessions side by side: to their ends, to the end of the first
 * when that is healthy (what ssh would use works; the others are cut short), to the
 * deadline, or to a signal. After privilege is dropped. */
bool sessions_run(struct sessions *all, struct error *error);

/* Whether authentication was reached: then the address works, whatever else there is to say. */
bool run_healthy(const struct run *run);

#endif
