/* session: one address under diagnosis: its run, its plan and every open descriptor. */
#ifndef DRIVE_SESSION_H
#define DRIVE_SESSION_H

#include "capture/capture.h"
#include "craft/craft.h"
#include "drive/drive.h"
#include "handshake/handshake.h"
#include "local/local.h"
#include "plan/plan.h"

#define SESSION_SOCKETS  3 /* connections of the kernel: never more (DESIGN 3.4) */
#define SESSION_CAPTURES 2 /* the route's interface and loopback */

/* Local ports of one session. */
struct ports {
	uint16_t kernel;  /* PLAN_KERNEL_PORTS from here */
	uint16_t crafted; /* PLAN_CRAFTED_PORTS from here */
};

struct session_socket {
	int fd; /* -1: closed, or handed to the handshake */
	uint16_t local_port, remote_port;
	bool connecting;
	struct handshake *handshake;
};

struct session {
	struct run *run;
	struct plan *plan;
	const struct drive_options *options;
	struct route route;
	struct craft *craft;
	struct capture *capture[SESSION_CAPTURES];
	size_t capture_count;
	struct ports ports;
	struct session_socket socket[SESSION_SOCKETS];
	bool next_hop_settled;
	int64_t clock_offset_ns; /* from the monotonic clock to the captures' wall clock */
};

/* Opens what needs privilege: captures, crafting sockets, and the kernel's sockets in
 * the name of `person`. */
bool session_open(struct session *session, const struct drive_options *options,
		  const struct address *address, const struct person *person,
		  const struct ports *ports, struct run *run, struct error *error);
void session_close(struct session *session);

/* Runs the plan to its end, the deadline, or a signal. After privilege is dropped. */
bool session_run(struct session *session, int64_t deadline_ns, int signals, struct error *error);



#endif
