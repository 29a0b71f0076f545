#include "traffic/seed.h"

#include <stdlib.h>

#define WAYS_OF_SET 4

_Static_assert(sizeof(struct seed) == 64, "a seed fills one line of the cache");

bool seeds_start(struct seeds *seeds, uint32_t count)
{
	seeds->mask = count / WAYS_OF_SET - 1;
	seeds->seeds = calloc(count, sizeof(*seeds->seeds));
	return seeds->seeds != NULL;
}

void seeds_end(struct seeds *seeds)
{
	free(seeds->seeds);
}

static struct seed *set_of(const struct seeds *seeds, uint64_t tag)
{
	return &seeds->seeds[((uint32_t)(tag >> 32) & seeds->mask) * WAYS_OF_SET];
}

struct seed *seeds_find(const struct seeds *seeds, uint64_t tag)
{
	struct seed *set = set_of(seeds, tag);
	for (unsigned i = 0; i < WAYS_OF_SET; i++)
		if (set[i].tag == tag)
			return &set[i];
	return NULL;
}

struct seed *seeds_put(const struct seeds *seeds, uint64_t tag, int64_t now_ns)
{
	struct seed *set = set_of(seeds, tag), *place = seeds_find(seeds, tag);
	for (unsigned i = 0; place == NULL && i < WAYS_OF_SET; i++)
		if (set[i].tag == 0)
			place = &set[i];
	if (place == NULL) {
		place = &set[0];
		for (unsigned i = 1; i < WAYS_OF_SET; i++)
			if (set[i].syn_ns < place->syn_ns)
				place = &set[i];
	}
	*place = (struct seed){ .tag = tag, .syn_ns = now_ns };
	return place;
}

void seed_syn(struct seed *seed, const struct packet *syn, bool client_low)
{
	seed->syn_number = syn->number;
	seed->syn_ns = syn->time_ns;
	seed->syn_sequence = syn->sequence;
	seed->syn_window = syn->window;
	seed->syn_mss = syn->mss;
	seed->syn_ip_id = syn->ip_id;
	seed->syn_ttl = syn->ttl;
	seed->bits = (uint8_t)(SEED_SYN | (client_low ? SEED_CLIENT_LOW : 0));
}

void seed_answer(struct seed *seed, const struct packet *answer)
{
	seed->answer_number = answer->number;
	seed->answer_ns = answer->time_ns;
	seed->answer_sequence = answer->sequence;
	seed->answer_window = answer->window;
	seed->answer_mss = answer->mss;
	seed->answer_ttl = answer->ttl;
	seed->bits |= SEED_ANSWER;
}

struct packet seed_syn_packet(const struct seed *seed)
{
	return (struct packet){
		.number = seed->syn_number,
		.time_ns = seed->syn_ns,
		.end = DECODE_COMPLETE,
		.protocol = IP_TCP,
		.ttl = seed->syn_ttl,
		.ip_id = seed->syn_ip_id,
		.sequence = seed->syn_sequence,
		.flags = TCP_SYN,
		.window = seed->syn_window,
		.mss = seed->syn_mss,
		.wscale = 255,
	};
}

struct packet seed_answer_packet(const struct seed *seed)
{
	return (struct packet){
		.number = seed->answer_number,
		.time_ns = seed->answer_ns,
		.end = DECODE_COMPLETE,
		.protocol = IP_TCP,
		.ttl = seed->answer_ttl,
		.sequence = seed->answer_sequence,
		.acknowledgement = seed->syn_sequence + 1,
		.flags = TCP_SYN | TCP_ACK,
		.window = seed->answer_window,
		.mss = seed->answer_mss,
		.wscale = 255,
	};
}
