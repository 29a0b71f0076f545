#include "traffic/table.h"

#include <stdlib.h>
#include <string.h>

/* Together with seeds, code and buffers less than 64 MiB when all of it is in use. */
enum {
	ATTEMPTS = 40960,
	BUCKETS = 32768,
	BLOCKS = 49152, /* of 256 bytes: 12 MiB */
};

bool table_start(struct traffic_table *table, const uint8_t key[16], unsigned smaller)
{
	*table = (struct traffic_table){ .key = siphash_key(key),
					 .attempt_fresh = 1,
					 .conversation_fresh = 1,
					 .bucket_mask = ((uint32_t)BUCKETS >> smaller) - 1,
					 .attempt_count = ATTEMPTS >> smaller,
					 .conversation_count = CONVERSATIONS_MAX >> smaller };
	/* Untouched memory costs nothing: the pools are used from the front. */
	table->attempts = malloc(table->attempt_count * sizeof(*table->attempts));
	table->conversations = malloc(table->conversation_count * sizeof(*table->conversations));
	table->attempt_buckets = calloc(BUCKETS >> smaller, sizeof(*table->attempt_buckets));
	table->conversation_buckets =
		calloc(BUCKETS >> smaller, sizeof(*table->conversation_buckets));
	bool pool = pool_start(&table->pool, BLOCKS >> smaller);
	return pool && table->attempts != NULL && table->conversations != NULL &&
	       table->attempt_buckets != NULL && table->conversation_buckets != NULL;
}

void table_end(struct traffic_table *table)
{
	pool_end(&table->pool);
	free(table->attempts);
	free(table->conversations);
	free(table->attempt_buckets);
	free(table->conversation_buckets);
}

/* -- keys -------------------------------------------------------------------------- */

static uint64_t hash_ends(const struct siphash_key *key, const struct address *a,
			  const struct address *b, uint16_t a_port, uint16_t b_port)
{
	uint64_t words[5];
	memcpy(&words[0], a->bytes, 16);
	memcpy(&words[2], b->bytes, 16);
	words[4] = (uint64_t)a->family << 48 | (uint64_t)b->family << 40 | (uint64_t)a_port << 16 |
		   b_port;
	if (a->family == 4 && b->family == 4) { /* 12 bytes in all: two words do */
		uint32_t v4[2];
		memcpy(&v4[0], a->bytes, 4);
		memcpy(&v4[1], b->bytes, 4);
		words[3] = (uint64_t)v4[0] << 32 | v4[1];
		return siphash_words(key, &words[3], 2);
	}
	return siphash_words(key, words, 5);
}

uint64_t table_tag(const struct traffic_table *table, const struct tcp_ends *ends, bool *source_low)
{
	int order = memcmp(ends->source, ends->destination, sizeof(*ends->source));
	*source_low = order < 0 || (order == 0 && ends->source_port < ends->destination_port);
	uint64_t tag = *source_low ? hash_ends(&table->key, ends->source, ends->destination,
					       ends->source_port, ends->destination_port)
				   : hash_ends(&table->key, ends->destination, ends->source,
					       ends->destination_port, ends->source_port);
	return tag != 0 ? tag : 1;
}

static uint32_t *attempt_bucket(const struct traffic_table *table, uint64_t tag)
{
	return &table->attempt_buckets[tag & table->bucket_mask];
}

static uint32_t *conversation_bucket(const struct traffic_table *table,
				     const struct address *client, const struct address *server,
				     uint16_t port)
{
	return &table->conversation_buckets[hash_ends(&table->key, client, server, 0, port) &
					    table->bucket_mask];
}

uint32_t table_attempt(const struct traffic_table *table, uint64_t tag)
{
	uint32_t attempt = *attempt_bucket(table, tag);
	while (attempt != 0 && table->attempts[attempt].tag != tag)
		attempt = table->attempts[attempt].next;
	return attempt;
}

uint32_t table_conversation(const struct traffic_table *table, const struct address *client,
			    const struct address *server, uint16_t port)
{
	uint32_t index = *conversation_bucket(table, client, server, port);
	for (; index != 0; index = table->conversations[index].next) {
		const struct conversation *c = &table->conversations[index];
		if (c->port == port && address_equal(&c->client, client) &&
		    address_equal(&c->server, server))
			break;
	}
	return index;
}

/* -- room ---------------------------------------------------------------------------- */

bool table_has_room(const struct traffic_table *table, size_t payload)
{
	return (table->attempt_free != 0 || table->attempt_fresh < table->attempt_count) &&
	       (table->conversation_free != 0 ||
		table->conversation_fresh < table->conversation_count) &&
	       kept_blocks(payload) <= table->pool.available;
}

static uint32_t longest_quiet(const struct traffic_table *table, enum standing standing,
			      uint32_t spared)
{
	uint32_t index = table->list[standing].first;
	return index != 0 && index == spared ? table->conversations[index].after : index;
}

/* Where connections hold the room, not SYNs, nothing is won by pushing out the few that
 * have just begun. */
static enum standing first_to_go(const struct traffic_table *table)
{
	uint32_t begun = 0, connected = 0;
	for (int s = 0; s < STANDINGS; s++)
		*(s < STANDING_ENDED ? &begun : &connected) += table->list[s].count;
	return connected > begun ? STANDING_ENDED : STANDING_LONE;
}

uint32_t table_least(const struct traffic_table *table, uint32_t spared)
{
	unsigned first = first_to_go(table);
	uint32_t index = 0;
	for (unsigned s = 0; s < STANDINGS && index == 0; s++)
		index = longest_quiet(table, (first + s) % STANDINGS, spared);
	return index;
}

/* -- lists --------------------------------------------------------------------------- */

static void leave_list(struct traffic_table *table, uint32_t index)
{
	struct conversation *c = &table->conversations[index];
	if (c->standing == STANDINGS)
		return;
	struct list *list = &table->list[c->standing];
	if (c->before != 0)
		table->conversations[c->before].after = c->after;
	else
		list->first = c->after;
	if (c->after != 0)
		table->conversations[c->after].before = c->before;
	else
		list->last = c->before;
	list->count--;
}

void table_place(struct traffic_table *table, uint32_t index, enum standing standing)
{
	struct conversation *c = &table->conversations[index];
	struct list *list = &table->list[standing];
	if (c->standing == standing && list->last == index)
		return;
	leave_list(table, index);
	c->standing = (uint8_t)standing;
	c->before = list->last;
	c->after = 0;
	if (list->last != 0)
		table->conversations[list->last].after = index;
	else
		list->first = index;
	list->last = index;
	list->count++;
}

/* -- coming and going ------------------------------------------------------------------ */

uint32_t table_add_conversation(struct traffic_table *table, const struct address *client,
				const struct address *server, uint16_t port)
{
	uint32_t index = table->conversation_free;
	if (index != 0)
		table->conversation_free = table->conversations[index].next;
	else
		index = table->conversation_fresh++;
	uint32_t *bucket = conversation_bucket(table, client, server, port);
	table->conversations[index] = (struct conversation){
		.client = *client,
		.server = *server,
		.port = port,
		.standing = STANDINGS,
		.next = *bucket,
	};
	*bucket = index;
	return index;
}

uint32_t table_add_attempt(struct traffic_table *table, uint64_t tag, uint32_t conversation)
{
	struct conversation *c = &table->conversations[conversation];
	uint32_t index = table->attempt_free;
	if (index != 0)
		table->attempt_free = table->attempts[index].next;
	else
		index = table->attempt_fresh++;
	uint32_t *bucket = attempt_bucket(table, tag);
	table->attempts[index] = (struct attempt){
		.tag = tag, .next = *bucket, .conversation = conversation, .older = c->newest
	};
	*bucket = index;
	c->newest = index;
	c->attempt_count++;
	c->attempts++;
	return index;
}

void table_hide_attempt(struct traffic_table *table, uint32_t index)
{
	struct attempt *attempt = &table->attempts[index];
	if (attempt->tag == 0)
		return;
	uint32_t *link = attempt_bucket(table, attempt->tag);
	while (*link != index)
		link = &table->attempts[*link].next;
	*link = attempt->next;
	attempt->tag = 0;
}

static void remove_attempt(struct traffic_table *table, uint32_t index)
{
	struct attempt *attempt = &table->attempts[index];
	table_hide_attempt(table, index);
	recording_free(&table->pool, &attempt->recording);
	attempt->next = table->attempt_free;
	table->attempt_free = index;
}

uint32_t table_spare_attempt(const struct traffic_table *table, uint32_t conversation)
{
	uint32_t oldest = 0, over = 0;
	uint32_t i = table->attempts[table->conversations[conversation].newest].older;
	for (; i != 0; i = table->attempts[i].older) {
		oldest = i;
		if (table->attempts[i].bits & (ATTEMPT_ENDED | ATTEMPT_REFUSED))
			over = i;
	}
	return over != 0 ? over : oldest;
}

void table_drop_attempt(struct traffic_table *table, uint32_t index)
{
	struct conversation *c = &table->conversations[table->attempts[index].conversation];
	uint32_t *link = &c->newest;
	while (*link != index)
		link = &table->attempts[*link].older;
	*link = table->attempts[index].older;
	remove_attempt(table, index);
	c->attempt_count--;
}

void table_remove(struct traffic_table *table, uint32_t index)
{
	struct conversation *c = &table->conversations[index];
	while (c->newest != 0)
		table_drop_attempt(table, c->newest);
	leave_list(table, index);
	uint32_t *link = conversation_bucket(table, &c->client, &c->server, c->port);
	while (*link != index)
		link = &table->conversations[*link].next;
	*link = c->next;
	c->next = table->conversation_free;
	table->conversation_free = index;
}
