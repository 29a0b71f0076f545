/* fact: an answered question, with the packets it rests on; made by observe(), weighed by the
 * reasoning, asked by the plan for what to do next, and shown by the report.
 *
 * questions.def lists them. observe() answers from the tracker what can be
 * answered; the rest stays unasked and counts for nothing.
 */
#ifndef SSHWHY_FACT_H
#define SSHWHY_FACT_H

#include "sshwhy/exchange.h"

enum question {
#define QUESTION(id, name, depth, text) QUESTION_##id,
#include "sshwhy/questions.def"
	QUESTIONS
};

/* Answers are numbered over all questions; each knows its question. */
enum answer {
	ANSWER_NONE, /* not asked, or not to be had */
#define ANSWER(question, id, name) ANSWER_##question##_##id,
#include "sshwhy/questions.def"
	ANSWERS
};

const char *question_name(enum question question);
const char *question_text(enum question question);
unsigned question_depth(enum question question);
const char *answer_name(enum answer answer);
enum question answer_question(enum answer answer);
struct answer_range {
	enum answer first, last;
};
struct answer_range answers_of(enum question question);	    /* numbered in a row */
bool answer_by_name(const char *fact, enum answer *answer); /* "syn.silent" */

#define FACT_PACKETS_MAX 24

struct fact {
	enum answer answer;
	/* What the answer would be if packets that were lost by chance had come, and how likely
	 * such an accident is on this way; 0: chance cannot do it. */
	enum answer instead;
	double accident;
	const char *text;
	uint64_t packets[FACT_PACKETS_MAX];
	size_t packet_count;
};

/* What routers said of the way to one port. */
#define PATH_TTL_MAX 32

struct path_hop {
	bool asked; /* a packet with this TTL left */
	/* Packets with this TTL that drew no answer, while one of another connection, sent with the
	 * same TTL right after it, drew a router's. Routers limit how many ICMP errors they send;
	 * that limit would have stopped the second answer as well. */
	unsigned missed;
	unsigned flows;	   /* from how many local ports the missed packets came */
	unsigned silences; /* packets with this TTL that drew no answer, whatever the reason */
	enum reply reply;
	struct address address;
	int64_t rtt_ns;
	uint64_t sent_frame, reply_frame;
	uint64_t reset_frame; /* a data segment's reset, be it the first reply or not */
	uint8_t reply_ttl, icmp_type, icmp_code;
};

struct path {
	uint16_t port;
	struct path_hop hop[PATH_TTL_MAX + 1]; /* by TTL; [0] unused */
	uint8_t last_router;		       /* greatest TTL that a router answered; 0 none */
	uint8_t terminal;  /* least TTL that drew SYN-ACK, reset or unreachable; 0 none */
	uint8_t asked_to;  /* greatest TTL asked */
	uint8_t reply_ttl; /* of a full-TTL TCP answer; 0 none */
};

/* Of packets whose like is answered as a rule: how many were, how many drew nothing. */
struct replies {
	unsigned answered, lost;
};

#define PATHS_MAX 6

/* The ways to the SSH port and to the control ports, and where the organisation ends. */
struct paths {
	struct path ssh; /* the SSH port */
	struct path control[PATHS_MAX];
	size_t control_count;
	struct path session; /* the client's identification, inside the connection */
	/* TTL of the last hop inside the client's organisation (0: there is none): `edge` counts
	 * its routers as far as they follow one another without a gap, `edge_far` also those behind
	 * a gap, which may be the cloud's or a provider's: they have private addresses too. */
	uint8_t edge, edge_far;
	uint8_t cloud; /* least TTL at which a router of the cloud answered for the SSH port; 0 none
			*/
	uint8_t beyond;	  /* least TTL with a hop outside it; 0 none seen */
	uint8_t distance; /* TTL at which the VM answers on some port; 0 unknown */
	uint8_t farthest; /* greatest TTL at which a router answered on any port */
	struct replies router[PATH_TTL_MAX]; /* what routers answer, by their TTL; [0] unused */
	struct replies far_end;		     /* what the VM answers, or who answers for it */
	unsigned flows[PATH_TTL_MAX + 1];    /* local ports whose SYNs a router answered there */
};

struct facts {
	struct fact fact[QUESTIONS]; /* by question; answer ANSWER_NONE when unasked */
	struct paths paths;
};

/* What can be answered at `now_ns` from what `track` has seen. Texts live in `arena`. */
void observe(const struct track *track, int64_t now_ns, struct arena *arena, struct facts *facts);

static inline enum answer fact_answer(const struct facts *facts, enum question question)
{
	return facts->fact[question].answer;
}

#endif
