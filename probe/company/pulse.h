/* pulse: does the person's connection move, and how far has it come? Told of each of its packets by
 * the watcher, it keeps a few numbers. */
#ifndef PROBE_COMPANY_PULSE_H
#define PROBE_COMPANY_PULSE_H

#include "sshwhy/packet.h"

#define PULSE_FLOWS 16 /* connections that ssh tries, one after the other */

struct pulse {
	uint16_t local_port[PULSE_FLOWS];
	unsigned flows;
	/* of the latest of them */
	bool connected, keyed, ended;
	bool client_ended; /* it was the client that ended it, in order */
	bool client_spoke_last;
	uint8_t key_tos;  /* the type of service of the client's packets when keys were agreed on */
	bool tos_changed; /* and later another */
	unsigned turns;	  /* new segments of the client's since then */
	uint32_t client_end, server_ack, server_end; /* sequence numbers */
	int64_t moved_ns; /* when something new came or went last; 0: nothing ever */
	int64_t keyed_ns;
	int64_t last_ns; /* of its last packet that was seen */
};

/* A new connection begins, by its SYN from here. */
void pulse_begin(struct pulse *pulse, const struct packet *syn);
/* Whether the packet, from or to `port` of the server, is of one of the connections; and what it
 * changes, if it is of the latest. */
bool pulse_takes(struct pulse *pulse, const struct packet *packet, uint16_t port);

/* When it began to stand still; 0: it does not, or it is the person's turn. Before the key exchange
 * is over, whoever was spoken to last owes an answer. Later only an acknowledgement is owed: at the
 * login both sides wait for people, and for as long as they like. */
int64_t pulse_waits_since(const struct pulse *pulse);

/* Whether the login went through, as far as packets tell: a session has another type of service
 * than a login (IPQoS in ssh_config(5)), unless it has a terminal; it has more to say than a login
 * with all its tries (MaxAuthTries in sshd_config(5)), and goes on for longer (LoginGraceTime). */
bool pulse_is_session(const struct pulse *pulse);

#endif
