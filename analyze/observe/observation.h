/* observation: what the question functions share while facts are gathered. */
#ifndef OBSERVE_OBSERVATION_H
#define OBSERVE_OBSERVATION_H

#include "sshwhy/fact.h"
#include "sshwhy/patience.h"

struct observation {
	const struct track *track;
	const struct run *run;
	struct arena *arena;
	struct facts *facts;
	int64_t now_ns;
	const struct exchange *kernel; /* the connection ssh itself would make; may be NULL */
	bool has_edge;		       /* an organisation's edge lies on the way */
	bool target_inside;	       /* by its address the target might be this side of it */
	bool wire_is_loopback;	       /* the target is this machine */
	bool frames_lost;	       /* the capture dropped frames: silence proves nothing */
};

/* Answers a question; the text is formatted into the arena. */
struct fact *fact_set(struct observation *o, enum answer answer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fact_packet(struct fact *fact, uint64_t frame); /* 0 is ignored */
/* Loss by chance would turn `instead` into what was seen, so likely. */
void fact_accident(struct fact *fact, enum answer instead, double chance);

const struct event *find_event(const struct run *run, enum event_kind kind, size_t *index);

/* Where the box sits that does what first shows at TTL `ttl`: an answer to WHO. `reply_ttl`
 * is that of what it sent; 0: nothing, or unknown. */
enum answer place_of(const struct observation *o, uint8_t ttl, uint8_t reply_ttl);

/* A router's silence counts after this many comparisons. */
#define MISSED_ENOUGH 2

/* The first router that answers what is compared with and not this; 0 none. */
uint8_t first_missing_router(const struct paths *paths, const struct path *path);

/* How likely it is that this router misses them by chance. */
double missed_by_accident(const struct paths *paths, const struct path *path, uint8_t missing);

/* The SYN that opened the connection: the first may have been lost. */
const struct sent *opening(const struct exchange *kernel);

/* A SYN to the SSH port, sent to arrive, that drew such a reply; NULL: none did. */
const struct sent *syn_reply(const struct observation *o, enum reply reply);

/* Whether what happens at TTL `ttl` can be the doing of the organisation's last device. */
bool within_edge(const struct paths *paths, uint8_t ttl);

/* SYNs with small TTLs were sent: silence can be placed, where there are routers to place it by. */
bool swept(const struct paths *paths);

void path_packets(struct fact *fact, const struct path *path);

void observe_machine(struct observation *o);	  /* name, route, out, in */
void observe_answers(struct observation *o);	  /* syn, control, elsewhere, and these: */
void observe_who(struct observation *o);	  /* who, return, any */
void observe_where(struct observation *o);	  /* where */
void observe_conversation(struct observation *o); /* ssh, key, and this: */
void observe_cutter(struct observation *o);	  /* cutter */
void observe_rules(struct observation *o);	  /* rule: explains out and in */
void observe_files(struct observation *o);	  /* permissions, config */
void observe_reference(struct observation *o);	  /* reference */
void observe_deep(struct observation *o);	  /* fragment, ack, plain */
void observe_quotes(struct observation *o);	  /* quote */

/* How many routers at least had passed a segment on before it came to the one that quotes
 * it, by the TTL it had left; 0 unknown. */
uint8_t quoted_distance(const struct sent *sent);

/* Somebody else's capture (passive.c): made on the VM, or somewhere before it. */
bool on_the_way(const struct run *run);
bool at_the_vm(const struct run *run);
void observe_place(struct observation *o);
void observe_diverted_here(struct observation *o);
void observe_arrived(struct observation *o); /* and who */
void observe_arrived_silence(struct observation *o, unsigned count, double seconds);
void observe_answerer_passively(struct observation *o); /* after the conversation */
void observe_back(struct observation *o);
void observe_far(struct observation *o);

#endif
