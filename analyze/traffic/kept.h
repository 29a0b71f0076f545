/* kept: what is written down of a connection's packets, in blocks of one pool; written by
 * traffic.c, read back by dossier.c and joint.
 *
 * A recording is a row of records, each a packet's header fields and the payload behind them,
 * written end to end over the recording's blocks. The pool never grows.
 */
#ifndef TRAFFIC_KEPT_H
#define TRAFFIC_KEPT_H

#include "sshwhy/packet.h"

#define BLOCK_BYTES 252

struct block {
	uint32_t next; /* index, 0: none */
	uint8_t bytes[BLOCK_BYTES];
};

struct pool {
	struct block *blocks; /* [0] is unused */
	uint32_t count;
	uint32_t fresh; /* those from here on were never used: their pages cost nothing yet */
	uint32_t freed; /* first of those that were used and are free again */
	uint32_t available;
};

struct recording {
	uint32_t first, last;
	uint32_t used;	 /* bytes of the last block */
	uint32_t length; /* bytes of all */
};

bool pool_start(struct pool *pool, uint32_t blocks); /* false: no memory */
void pool_end(struct pool *pool);

/* The most blocks that a packet with so much payload may need. */
static inline uint32_t kept_blocks(size_t payload)
{
	return (uint32_t)(payload / BLOCK_BYTES) + 3;
}

/* Writes the packet down, with `captured` bytes of its payload at most. False, and nothing
 * is written, when fewer blocks are available than it may need. */
bool recording_keep(struct pool *pool, struct recording *recording, const struct packet *packet,
		    bool from_client, uint32_t captured);
void recording_free(struct pool *pool, struct recording *recording);

/* Reading a recording from its start. */
struct replay {
	const struct pool *pool;
	uint32_t block, at, left;
	uint8_t *payload; /* room for the longest payload that was kept */
};

struct replay recording_replay(const struct pool *pool, const struct recording *recording,
			       uint8_t *payload);

/* The next packet, all but its addresses and ports; false at the end. */
bool replay_next(struct replay *replay, struct packet *packet, bool *from_client);

#define KEPT_PAYLOAD_MAX 65535

#endif
