#include "traffic/kept.h"

#include <stdlib.h>
#include <string.h>

enum kept_bit {
	KEPT_FROM_CLIENT = 1 << 0,
	KEPT_LOOPBACK = 1 << 1,
	KEPT_TIMESTAMP = 1 << 2,
	KEPT_SACK = 1 << 3,
	KEPT_SACK_PERMITTED = 1 << 4,
	KEPT_ICMP = 1 << 5, /* what follows is struct kept_icmp, not payload */
	KEPT_V6 = 1 << 6,
};

struct kept {
	uint64_t number;
	int64_t time_ns;
	uint32_t sequence, acknowledgement;
	uint32_t timestamp_value, timestamp_echo;
	uint32_t payload_length;
	uint16_t payload_captured;
	uint16_t window, mss, ip_id;
	uint8_t flags, ttl, wscale, bits;
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

static void append(struct pool *pool, struct chain *chain, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	while (length > 0) {
		if (chain->first == 0 || chain->used == BLOCK_BYTES) {
			uint32_t block = block_take(pool);
			if (chain->first == 0)
				chain->first = block;
			else
				pool->blocks[chain->last].next = block;
			chain->last = block;
			chain->used = 0;
		}
		size_t room = BLOCK_BYTES - chain->used;
		size_t step = length < room ? length : room;
		memcpy(&pool->blocks[chain->last].bytes[chain->used], from, step);
		chain->used += (uint32_t)step;
		chain->length += (uint32_t)step;
		from += step;
		length -= step;
	}
}

static struct kept kept_of(const struct packet *packet, bool from_client)
{
	return (struct kept){
		.number = packet->number,
		.time_ns = packet->time_ns,
		.sequence = packet->sequence,
		.acknowledgement = packet->acknowledgement,
		.timestamp_value = packet->timestamp_value,
		.timestamp_echo = packet->timestamp_echo,
		.payload_length = packet->payload_length,
		.window = packet->window,
		.mss = packet->mss,
		.ip_id = packet->ip_id,
		.flags = packet->flags,
		.ttl = packet->ttl,
		.wscale = packet->wscale,
		.bits = (uint8_t)((from_client ? KEPT_FROM_CLIENT : 0) |
				  (packet->loopback ? KEPT_LOOPBACK : 0) |
				  (packet->has_timestamp ? KEPT_TIMESTAMP : 0) |
				  (packet->has_sack ? KEPT_SACK : 0) |
				  (packet->sack_permitted ? KEPT_SACK_PERMITTED : 0) |
				  (packet->protocol == IP_TCP ? 0 : KEPT_ICMP) |
				  (packet->protocol == IP_ICMP6 ? KEPT_V6 : 0)),
	};
}

bool chain_keep(struct pool *pool, struct chain *chain, const struct packet *packet,
		bool from_client, uint32_t captured)
{
	struct kept kept = kept_of(packet, from_client);
	const void *behind = packet->payload;
	struct kept_icmp icmp;
	size_t length = packet->payload_captured < captured ? packet->payload_captured : captured;
	if (length > KEPT_PAYLOAD_MAX)
		length = KEPT_PAYLOAD_MAX;
	if (kept.bits & KEPT_ICMP) {
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
	append(pool, chain, &kept, sizeof(kept));
	append(pool, chain, behind, length);
	return true;
}

void chain_free(struct pool *pool, struct chain *chain)
{
	for (uint32_t block = chain->first; block != 0;) {
		uint32_t next = pool->blocks[block].next;
		pool->blocks[block].next = pool->freed;
		pool->freed = block;
		pool->available++;
		block = next;
	}
	*chain = (struct chain){ 0 };
}

struct replay chain_replay(const struct pool *pool, const struct chain *chain, uint8_t *payload)
{
	return (struct replay){
		.pool = pool, .block = chain->first, .left = chain->length, .payload = payload
	};
}

static void take(struct replay *replay, void *into, size_t length)
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
	take(replay, &kept, sizeof(kept));
	*packet = (struct packet){
		.number = kept.number,
		.time_ns = kept.time_ns,
		.end = DECODE_COMPLETE,
		.protocol = IP_TCP,
		.loopback = kept.bits & KEPT_LOOPBACK,
		.ttl = kept.ttl,
		.ip_id = kept.ip_id,
		.sequence = kept.sequence,
		.acknowledgement = kept.acknowledgement,
		.flags = kept.flags,
		.window = kept.window,
		.mss = kept.mss,
		.wscale = kept.wscale,
		.sack_permitted = kept.bits & KEPT_SACK_PERMITTED,
		.has_timestamp = kept.bits & KEPT_TIMESTAMP,
		.timestamp_value = kept.timestamp_value,
		.timestamp_echo = kept.timestamp_echo,
		.has_sack = kept.bits & KEPT_SACK,
	};
	*from_client = kept.bits & KEPT_FROM_CLIENT;
	if (kept.bits & KEPT_ICMP) {
		struct kept_icmp icmp;
		take(replay, &icmp, sizeof(icmp));
		packet->protocol = kept.bits & KEPT_V6 ? IP_ICMP6 : IP_ICMP;
		set_icmp(packet, &icmp);
		return true;
	}
	take(replay, replay->payload, kept.payload_captured);
	packet->payload = kept.payload_captured > 0 ? replay->payload : NULL;
	packet->payload_captured = kept.payload_captured;
	packet->payload_length = kept.payload_length;
	return true;
}
