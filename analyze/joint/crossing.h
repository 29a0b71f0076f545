/* crossing: what becomes of one connection's packets between its two ends; asked by ends.c with
 * the traces of both.
 *
 * Presence is proof; absence is only where the capture that ought to show the packet shows
 * that it would have: it goes on later than that, lacks nothing that its own packets speak
 * of, and holds all that was written down.
 */
#ifndef JOINT_CROSSING_H
#define JOINT_CROSSING_H

#include "joint/trace.h"
#include "sshwhy/fact.h"

struct end {
	const struct trace *trace;
	const char *name; /* of the capture */
	int64_t last_ns;  /* when the capture ends, by its own clock */
	bool sees_all;	  /* nothing of this connection is missing from it */
	bool both_ways;	  /* it shows packets of both directions, of this connection or another */
};

#define CROSSING_TEXT 480

/* ANSWER_NONE: nothing is proved. */
struct proof {
	enum answer answer;
	char text[CROSSING_TEXT];
	uint64_t packets[FACT_PACKETS_MAX]; /* of the client's capture */
	unsigned packet_count;
};

struct crossing {
	struct proof answerer, crossing; /* answers to the questions of these names */
};

/* Compares what both ends show of one connection; fills `crossing`. */
void cross(const struct end *client, const struct end *server, struct crossing *crossing);

/* Packets that left one end and were repeated because they never came to the other. */
unsigned crossing_lost(const struct trace *from, const struct trace *to);

#endif
