/* pulse: does the person's connection move, and how far has it come? Told of each packet that goes
 * to that port by the watcher, it keeps a few numbers of each connection. Others' connections may
 * go to the same server; which one is ssh's is asked for, and until that is known one counts that
 * began while ssh had none and no probe was there. */
#ifndef PROBE_COMPANY_PULSE_H
#define PROBE_COMPANY_PULSE_H

#include "process/sockets.h"
#include "sshwhy/packet.h"

#define PULSE_FLOWS 16 /* connections that ssh tries one after the other, and others' meanwhile */

struct pulse_flow {
	uint32_t number; /* from 1, and never the same again */
	struct address server;
	uint16_t local_port;
	uint32_t first; /* sequence number of the SYN */
	int64_t began_ns;

	bool asked; /* whose it is; or need not be */
	bool owned; /* it is ssh's */
	bool gone;  /* and was: no process holds it any more */
	bool doubtful;

	bool connected, keyed, ended;
	bool client_ended; /* it was the client that ended it, in order */
	bool client_spoke_last;
	uint8_t key_tos;  /* the type of service of the client's packets when keys were agreed on */
	bool tos_changed; /* and later another */
	unsigned turns;	  /* new segments of the client's since then */
	uint32_t client_end, server_ack, server_end; /* sequence numbers */
	int64_t moved_ns;			     /* when something new came or went last */
	int64_t keyed_ns;
	int64_t last_ns; /* of its last packet that was seen */
};

struct pulse {
	uint16_t port; /* of the server */
	struct pulse_flow flow[PULSE_FLOWS];
	size_t count;
	uint32_t begun; /* in all */
};

/* A connection begins, by its SYN from here; `doubtful`: it may well be another's. A SYN once more
 * is nothing new. The number of the connection that is forgotten for it; 0: none. */
uint32_t pulse_begin(struct pulse *pulse, const struct packet *syn, bool doubtful);
/* The number of the connection of which the packet is, or which the ICMP error quotes; 0: of none.
 * Takes in what it changes. */
uint32_t pulse_takes(struct pulse *pulse, const struct packet *packet);

/* The next connection of which nobody knows whose it is; NULL: there is none. */
const struct pulse_flow *pulse_unknown(const struct pulse *pulse);
/* Whose it is. False: it is forgotten, for it is another's, or nobody knows and it is doubtful. */
bool pulse_learn(struct pulse *pulse, uint32_t number, enum held held);

/* ssh's own, as far as is known: what stands below is asked of it. NULL: there is none yet. */
const struct pulse_flow *pulse_own(const struct pulse *pulse);

/* When it began to stand still; 0: it does not, or it is the person's turn. Before the key exchange
 * is over, whoever was spoken to last owes an answer. An acknowledgement is owed always, and later
 * nothing else: at the login both sides wait for people, and for as long as they like. */
int64_t pulse_waits_since(const struct pulse *pulse);

/* Whether the login went through, as far as packets tell: a session has another type of service
 * than a login (IPQoS in ssh_config(5)), unless it has a terminal; it has more to say than a login
 * with all its tries (MaxAuthTries in sshd_config(5)), and goes on for longer (LoginGraceTime). */
bool pulse_is_session(const struct pulse *pulse);

#endif
