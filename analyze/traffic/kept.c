#include "traffic/kept.h"

#include <stdlib.h>
#include <string.h>

/* A field that packet.h has now and kept.def has not would be forgotten in silence. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct packet) == 200,
	       "packet.h has another field: does kept.def need it? then this is its size");

struct kept {
#define FIELD(type, name) type name;
#define FLAG(name)	  bool name : 1;
#include "traffic/kept.def"
	bool from_client : 1;
	bool icmp : 1; /* what follows is struct kept_icmp, not payload */
	bool v6 : 1;
	uint16_t payload_captured;
};

struct kept_icmp {
	struct address source;
	uint8_t type, code;
	uint32_t mtu;
	struct quote quote;
};

bool pool_start(struct pool *pool, uint32_t blocks)
{
	*pool = (struct pool){ .count = blocks, .fresh = 1, .available = blocks - 1 };
	pool->blocks = malloc(blocks * sizeof(*pool->blocks));
	return pool->blocks != NULL;
}

void pool_end(struct pool *pool)
{
	free(pool->blocks);
}

static uint32_t block_take(struct pool *pool)
{
	uint32_t index = pool->freed;
	if (index != 0)
		pool->freed = pool->blocks[index].next;
	else
		index = pool->fresh++;
	pool->blocks[index].next = 0;
	pool->available--;
	return index;
}

static void append_bytes(struct pool *pool, struct recording *recording, const void *bytes,
			 size_t length)
{
	const uint8_t *from = bytes;
	while (length > 0) {
		if (recording->first == 0 || recording->used == BLOCK_BYTES) {
			uint32_t block = block_take(pool);
			if (recording->first == 0)
				recording->first = block;
			else
				pool->blocks[recording->last].next = block;
			recording->last = block;
			recording->used = 0;
		}
		size_t room = BLOCK_BYTES - recording->used;
		size_t step = length < room ? length : room;
		memcpy(&pool->blocks[recording->last].bytes[recording->used], from, step);
		recording->used += (uint32_t)step;
		recording->length += (uint32_t)step;
		from += step;
		length -= step;
	}
}

static struct kept kept_of(const struct packet *packet, bool from_client)
{
	return (struct kept){
#define FIELD(type, name) .name = packet->name,
#define FLAG(name)	  .name = packet->name,
#include "traffic/kept.def"
		.from_client = from_client,
		.icmp = packet->protocol != IP_TCP,
		.v6 = packet->protocol == IP_ICMP6,
	};
}

bool recording_keep(struct pool *pool, struct recording *recording, const struct packet *packet,
		    bool from_client, uint32_t captured)
{
	struct kept kept = kept_of(packet, from_client);
	const void *behind = packet->payload;
	struct kept_icmp icmp;
	size_t length = packet->payload_captured < captured ? packet->payload_captured : captured;
	if (length > KEPT_PAYLOAD_MAX)
		length = KEPT_PAYLOAD_MAX;
	if (kept.icmp) {
		icmp = (struct kept_icmp){ .source = packet->source,
					   .type = packet->icmp_type,
					   .code = packet->icmp_code,
					   .mtu = packet->icmp_mtu,
					   .quote = packet->quote };
		behind = &icmp;
		length = sizeof(icmp);
	}
	kept.payload_captured = (uint16_t)length;
	if (kept_blocks(length) > pool->available)
		return false;
	append_bytes(pool, recording, &kept, sizeof(kept));
	append_bytes(pool, recording, behind, length);
	return true;
}

void recording_free(struct pool *pool, struct recording *recording)
{
	for (uint32_t block = recording->first; block != 0;) {
		uint32_t next = pool->blocks[block].next;
		pool->blocks[block].next = pool->freed;
		pool->freed = block;
		pool->available++;
		block = next;
	}
	*recording = (struct recording){ 0 };
}

struct replay recording_replay(const struct pool *pool, const struct recording *recording,
			       uint8_t *payload)
{
	return (struct replay){ .pool = pool,
				.block = recording->first,
				.left = recording->length,
				.payload = payload };
}

static void take_bytes(struct replay *replay, void *into, size_t length)
{
	uint8_t *to = into;
	replay->left -= (uint32_t)length;
	while (length > 0) {
		if (replay->at == BLOCK_BYTES) {
			replay->block = replay->pool->blocks[replay->block].next;
			replay->at = 0;
		}
		size_t room = BLOCK_BYTES - replay->at;
		size_t step = length < room ? length : room;
		memcpy(to, &replay->pool->blocks[replay->block].bytes[replay->at], step);
		replay->at += (uint32_t)step;
		to += step;
		length -= step;
	}
}

static void set_icmp(struct packet *packet, const struct kept_icmp *icmp)
{
	packet->source = icmp->source;
	packet->icmp_type = icmp->type;
	packet->icmp_code = icmp->code;
	packet->icmp_mtu = icmp->mtu;
	packet->quote = icmp->quote;
}

bool replay_next(struct replay *replay, struct packet *packet, bool *from_client)
{
	struct kept kept;
	if (replay->left == 0)
		return false;
	take_bytes(replay, &kept, sizeof(kept));
	*packet = (struct packet){
#define FIELD(type, name) .name = kept.name,
#define FLAG(name)	  .name = kept.name,
#include "traffic/kept.def"
		.end = DECODE_COMPLETE,
		.protocol = IP_TCP,
	};
	*from_client = kept.from_client;
	if (kept.icmp) {
		struct kept_icmp icmp;
		take_bytes(replay, &icmp, sizeof(icmp));
		packet->protocol = kept.v6 ? IP_ICMP6 : IP_ICMP;
		set_icmp(packet, &icmp);
		return true;
	}
	take_bytes(replay, replay->payload, kept.payload_captured);
	packet->payload = kept.payload_captured > 0 ? replay->payload : NULL;
	packet->payload_captured = kept.payload_captured;
	return true;
}
