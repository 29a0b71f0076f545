/* trace: the packets of one attempt, read back from a dossier, with sequence numbers from each
 * side's first; read for match.c, ends.c and absence.c, compared by clock.c and crossing.c. */
#ifndef JOINT_TRACE_H
#define JOINT_TRACE_H

#include "sshwhy/ssh.h"
#include "traffic/dossier.h"

#define TRACE_MAX 128

struct step {
	uint64_t number;
	int64_t time_ns;
	uint32_t at;	       /* of its first byte; the SYN's own number is 0 */
	uint32_t acknowledged; /* the other side's, 0 when it does not tell */
	uint32_t length;
	uint32_t timestamp;
	uint16_t ip_id;
	uint8_t flags, ttl;
	bool stamped, from_client;
	bool rejects;	/* an ICMP error: no other field but number, time and TTL holds */
	bool by_target; /* it comes from the server's address */
};

/* What tells the connection from others, whatever its addresses and ports. */
struct marks {
	bool syn, answer;
	bool stamped, answer_stamped; /* timestamp options */
	uint32_t client_isn, server_isn, timestamp, answer_timestamp;
	uint64_t cookie[2]; /* of each side's KEXINIT, by enum ssh_peer; 0: not seen */
	uint16_t window, mss, ip_id, answer_mss;
	uint8_t ttl, wscale;
	bool selective; /* SACK permitted */
	uint16_t client_port;
	int64_t syn_ns, answer_ns;
};

struct trace {
	struct step steps[TRACE_MAX];
	unsigned count;
	bool whole; /* all of it was written down */
	struct marks marks;
};

struct reading; /* room for it */
/* `payload`: KEPT_PAYLOAD_MAX bytes that are borrowed, for one packet at a time. NULL: no memory.
 */
struct reading *reading_new(uint8_t *payload);
void reading_free(struct reading *reading);

/* Reads attempt number `index`. */
void trace_read(const struct dossier *dossier, unsigned index, struct reading *reading,
		struct trace *trace);

static inline bool is_syn(const struct step *step)
{
	return !step->rejects && (step->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static inline bool is_answer(const struct step *step)
{
	return !step->rejects && (step->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

static inline bool ends_it(const struct step *step)
{
	return !step->rejects && step->flags & (TCP_FIN | TCP_RST);
}

#endif
