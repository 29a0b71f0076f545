/* table: the conversations that are going on, their attempts, and which of them goes first when
 * there is no room for another; filled by traffic.c, emptied by settle.c.
 *
 * Conversations and attempts live in pools of a fixed size and know each other by index; 0 is
 * nobody. A conversation stands in the list of its standing, the one that was longest quiet
 * first: both settling and pushing out look only there.
 */
#ifndef TRAFFIC_TABLE_H
#define TRAFFIC_TABLE_H

#include "traffic/kept.h"
#include "traffic/siphash.h"

/* What is lost when a conversation is pushed out: the least first. (Connections go before
 * what has only begun when there are more of them: then they hold the room.) */
enum standing {
	STANDING_LONE,	  /* one SYN */
	STANDING_HALF,	  /* SYNs, a SYN-ACK even, and nothing after it */
	STANDING_REFUSED, /* nobody got in, and it is known how */
	STANDING_ENDED,	  /* there was a connection, it ended */
	STANDING_OPEN,
	STANDINGS
};

#define CONVERSATIONS_MAX 24576 /* at once */
#define ATTEMPTS_KEPT	  4	/* of each: table_spare_attempt() */

enum attempt_bit {
	ATTEMPT_CLIENT_LOW = 1 << 0, /* the client is the lower end of the connection's key */
	ATTEMPT_SYN = 1 << 1,
	ATTEMPT_ANSWER = 1 << 2,    /* a SYN-ACK came */
	ATTEMPT_CONNECTED = 1 << 3, /* the client said something after its SYN */
	ATTEMPT_REFUSED = 1 << 4,   /* a reset or an ICMP error came before it could */
	ATTEMPT_ENDED = 1 << 5,	    /* a reset, or both FINs */
	ATTEMPT_MIDSTREAM = 1 << 6, /* the capture begins after it */
	ATTEMPT_CLIENT_FIN = 1 << 7,
	ATTEMPT_SERVER_FIN = 1 << 8,
	ATTEMPT_CLIENT_END = 1 << 9, /* client_end holds */
	ATTEMPT_SERVER_END = 1 << 10,
	ATTEMPT_CLIENT_ACK = 1 << 11, /* client_ack holds */
	ATTEMPT_SERVER_ACK = 1 << 12,
	ATTEMPT_FULL = 1 << 13, /* packets came that were not written down */
};

/* Of one connection: a handshake with retransmissions, and what is read of a stream. */
#define PACKETS_KEPT 96

/* One TCP connection, or the attempt at one. */
struct attempt {
	uint64_t tag;  /* of both ends */
	uint32_t next; /* of the same bucket */
	uint32_t conversation;
	uint32_t older; /* attempt of the same conversation */
	struct recording recording;
	uint32_t client_sequence; /* of its SYN */
	/* the greatest seen: what each said last, and what it says that it has heard */
	uint32_t client_end, server_end, client_ack, server_ack;
	uint32_t client_kept, server_kept; /* bytes of payload written down */
	uint16_t client_port;
	uint16_t bits;
	uint8_t packets, syns; /* written down */
};

enum mark {
	MARK_CLIENT_OUT = 1 << 0, /* the capturing machine sent the client's packets */
	MARK_SERVER_OUT = 1 << 1,
	MARK_SERVER_SOUND = 1 << 2, /* server_ttl is no reset's, which anybody can forge */
};

struct conversation {
	struct address client, server;
	uint16_t port;
	uint8_t standing, marks;
	uint8_t client_ttl, server_ttl; /* as first seen; 0: not yet */
	uint8_t attempt_count;
	uint32_t next;		/* of the same bucket */
	uint32_t before, after; /* in the list of its standing */
	uint32_t newest;	/* attempt */
	uint32_t attempts;
	int64_t first_ns, last_ns;
};

struct traffic_table {
	struct siphash_key key;
	struct attempt *attempts;
	struct conversation *conversations;
	uint32_t *attempt_buckets, *conversation_buckets; /* first of each */
	uint32_t bucket_mask;				  /* their number, a power of two, less 1 */
	uint32_t attempt_free, conversation_free;	  /* used and free again, by `next` */
	uint32_t attempt_fresh, conversation_fresh;	  /* never used from here on */
	uint32_t attempt_count, conversation_count;	  /* there is room for */
	struct list {
		uint32_t first, last, count;
	} list[STANDINGS];
	struct pool pool;
};

/* False: no memory. `smaller`: of traffic_options. */
bool table_start(struct traffic_table *table, const uint8_t key[16], unsigned smaller);
void table_end(struct traffic_table *table);

/* Both ends of a TCP connection, the same whichever sends. */
struct tcp_ends {
	const struct address *source, *destination;
	uint16_t source_port, destination_port;
};
/* Keyed hash; *source_low: the source is the lower end. Never 0. */
uint64_t table_tag(const struct traffic_table *table, const struct tcp_ends *ends,
		   bool *source_low);

/* 0: there is none. */
uint32_t table_attempt(const struct traffic_table *table, uint64_t tag);
uint32_t table_conversation(const struct traffic_table *table, const struct address *client,
			    const struct address *server, uint16_t port);

/* Whether there is room for one more of each, and for a packet with such a payload. */
bool table_has_room(const struct traffic_table *table, size_t payload);
/* The one to push out first, but not `spared`; 0: there is none. */
uint32_t table_least(const struct traffic_table *table, uint32_t spared);

/* There must be room. A new conversation stands nowhere until table_place(). */
uint32_t table_add_conversation(struct traffic_table *table, const struct address *client,
				const struct address *server, uint16_t port);
uint32_t table_add_attempt(struct traffic_table *table, uint64_t tag, uint32_t conversation);

/* Last in the list of `standing`. */
void table_place(struct traffic_table *table, uint32_t conversation, enum standing standing);

/* Nobody finds it by its tag any more: its ends are another connection's now. */
void table_hide_attempt(struct traffic_table *table, uint32_t attempt);
/* The attempt to drop when a conversation has too many: the oldest of those that are over, else the
 * oldest; never the newest. 0: there is no other. */
uint32_t table_spare_attempt(const struct traffic_table *table, uint32_t conversation);
void table_drop_attempt(struct traffic_table *table, uint32_t attempt);
/* The conversation and its attempts go. */
void table_remove(struct traffic_table *table, uint32_t conversation);

#endif
