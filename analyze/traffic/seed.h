/* seed: how the TCP connections of all ports began, for as long as there is room; kept and asked by
 * traffic.c.
 *
 * What a connection is about shows only after its handshake: until then its SYN and
 * SYN-ACK are a seed. A SYN alone is less, a knock: there are so many that one which a
 * flood of others has pushed out of everything else is still known when it is repeated
 * seconds later. Both lie in sets of four; the oldest of a full set goes.
 */
#ifndef TRAFFIC_SEED_H
#define TRAFFIC_SEED_H

#include "sshwhy/packet.h"

enum seed_bit {
	SEED_SYN = 1 << 0,
	SEED_ANSWER = 1 << 1,	  /* its SYN-ACK */
	SEED_CLIENT_LOW = 1 << 2, /* the client is the lower end of the connection's key */
	SEED_SETTLED = 1 << 3,	  /* its report is given, or there was no room for more of it:
				     what else comes begins nothing new */
};

/* One line of the cache. */
struct seed {
	uint64_t tag; /* keyed hash of both ends, 0: free */
	uint64_t syn_number, answer_number;
	int64_t syn_ns, answer_ns;
	uint32_t syn_sequence, answer_sequence;
	uint16_t syn_window, answer_window, syn_mss, answer_mss, syn_ip_id;
	uint8_t syn_ttl, answer_ttl, bits;
};

struct seeds {
	struct seed *seeds;
	uint32_t mask; /* of sets */
};

struct knock {
	uint32_t check; /* of the keyed hash of both ends and the sequence number; 0: free */
	uint32_t number_low;
	uint32_t time_low, time_high; /* ns */
	uint8_t number_high, ttl, bits, unused;
};

struct knocks {
	struct knock *knocks;
	uint32_t mask; /* of sets */
};

bool knocks_start(struct knocks *knocks, uint32_t count); /* as seeds_start() */
void knocks_end(struct knocks *knocks);
void knocks_put(const struct knocks *knocks, uint64_t tag, const struct packet *syn,
		bool client_low);
/* SEED_SETTLED for the SYN with this sequence number, if it is still known. */
void knocks_mark(const struct knocks *knocks, uint64_t tag, uint32_t sequence);
/* What is known of the SYN with this sequence number, as a seed. */
bool knocks_find(const struct knocks *knocks, uint64_t tag, uint32_t sequence, struct seed *seed);

bool seeds_start(struct seeds *seeds, uint32_t count); /* a power of two; false: no memory */
void seeds_end(struct seeds *seeds);

struct seed *seeds_find(const struct seeds *seeds, uint64_t tag); /* or NULL */
/* A fresh one, in place of an older one of the tag or the oldest of its set. */
struct seed *seeds_put(const struct seeds *seeds, uint64_t tag, int64_t now_ns);

void seed_answer(struct seed *seed, const struct packet *answer);

/* As they came, but for what was not written down. */
struct packet seed_syn_packet(const struct seed *seed);
struct packet seed_answer_packet(const struct seed *seed);

#endif
