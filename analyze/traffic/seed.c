#include "traffic/seed.h"

#include <stdlib.h>

#define WAYS_OF_SET 4

_Static_assert(sizeof(struct seed) == 64, "a seed fills one line of the cache");

/* -- knocks ----------------------------------------------------------------------------- */

bool knocks_start(struct knocks *knocks, uint32_t count)
{
	knocks->mask = count / WAYS_OF_SET - 1;
	knocks->knocks = calloc(count, sizeof(*knocks->knocks));
	return knocks->knocks != NULL;
}

void knocks_end(struct knocks *knocks)
{
	free(knocks->knocks);
}

/* The tag is a keyed hash, so that nobody can choose the set. The sequence number, which a sender
 * does choose, only tells the SYNs of a set apart. */
static struct knock *knock_set(const struct knocks *knocks, uint64_t tag, uint32_t sequence,
			       uint32_t *check)
{
	uint64_t mixed = (tag ^ sequence) * UINT64_C(0x9e3779b97f4a7c15);
	*check = (uint32_t)mixed != 0 ? (uint32_t)mixed : 1;
	return &knocks->knocks[((uint32_t)(tag >> 32) & knocks->mask) * WAYS_OF_SET];
}

static int64_t knock_ns(const struct knock *knock)
{
	return (int64_t)((uint64_t)knock->time_high << 32 | knock->time_low);
}

void knocks_put(const struct knocks *knocks, uint64_t tag, const struct packet *syn,
		bool client_low)
{
	uint32_t check;
	struct knock *set = knock_set(knocks, tag, syn->sequence, &check), *place = &set[0];
	for (unsigned i = 0; i < WAYS_OF_SET; i++) {
		if (set[i].check == 0 || set[i].check == check) {
			place = &set[i];
			break;
		}
		if (knock_ns(&set[i]) < knock_ns(place))
			place = &set[i];
	}
	*place = (struct knock){
		.check = check,
		.number_low = (uint32_t)syn->number,
		.number_high = (uint8_t)(syn->number >> 32),
		.time_low = (uint32_t)syn->time_ns,
		.time_high = (uint32_t)((uint64_t)syn->time_ns >> 32),
		.ttl = syn->ttl,
		.bits = (uint8_t)(SEED_SYN | (client_low ? SEED_CLIENT_LOW : 0)),
	};
}

void knocks_mark(const struct knocks *knocks, uint64_t tag, uint32_t sequence)
{
	uint32_t check;
	struct knock *set = knock_set(knocks, tag, sequence, &check);
	for (unsigned i = 0; i < WAYS_OF_SET; i++)
		if (set[i].check == check)
			set[i].bits |= SEED_SETTLED;
}

bool knocks_find(const struct knocks *knocks, uint64_t tag, uint32_t sequence, struct seed *seed)
{
	uint32_t check;
	const struct knock *set = knock_set(knocks, tag, sequence, &check);
	for (unsigned i = 0; i < WAYS_OF_SET; i++) {
		if (set[i].check != check)
			continue;
		*seed = (struct seed){
			.tag = tag,
			.syn_number = (uint64_t)set[i].number_high << 32 | set[i].number_low,
			.syn_ns = knock_ns(&set[i]),
			.syn_sequence = sequence,
			.syn_ttl = set[i].ttl,
			.bits = set[i].bits,
		};
		return true;
	}
	return false;
}

/* -- seeds ------------------------------------------------------------------------------ */

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
