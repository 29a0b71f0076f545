/* session: one address under diagnosis: its run, its plan, its connections. */
#ifndef DRIVE_SESSION_H
#define DRIVE_SESSION_H

#include "drive/drive.h"
#include "drive/wire.h"
#include "handshake/handshake.h"
#include "plan/plan.h"

/* Connections of the kernel: three to the target, never more, and the last
 * one to the reference. */
#define SESSION_SOCKETS PLAN_KERNEL_PORTS

struct session_socket {
	int fd;
	uint16_t local_port, remote_port;
	bool connecting;
	struct handshake *handshake;
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
	const struct wire *wire; /* borrowed */
	struct route route;
	struct reference reference;
	struct route reference_route;
	struct craft *craft;
	struct ports ports;
	struct session_socket socket[SESSION_SOCKETS];
	bool next_hop_settled, reference_hop_settled, rules_told, done;
	int64_t clock_offset_ns; /* from the monotonic clock to the captures' wall clock */
};

/* Nothing is open yet: session_close() has nothing to do. */
void session_init(struct session *session);

/* Looks the routes up and opens the kernel's sockets in the name of `person`. Needs
 * privilege, as wire_open(), which comes between the two. `reference` may be NULL. */
bool session_open(struct session *session, const struct drive_options *options,
		  const struct address *address, const struct reference *reference,
		  const struct person *person, const struct ports *ports, struct run *run,
		  struct error *error);
void session_attach(struct session *session, const struct wire *wire);
void session_close(struct session *session); /* also one that failed to open; again is harmless */

struct machine;

/* Runs the plans of all sessions side by side: to their ends, to the end of the first
 * when that is healthy (what ssh would use works; the others are cut short), to the
 * deadline (monotonic clock), or to a signal. After privilege is dropped. */
bool sessions_run(struct session *sessions, size_t count, const struct wire *wire,
		  struct machine *machine, int64_t deadline_ns, int signals, struct error *error);

#endif
