/* traffic: every SSH conversation in the packets that flow by, in bounded memory; fed with frames
 * by `analyze`, `watch` and joint, gives a report or a dossier for each.
 *
 * Frames go in, in the order of the capture; a report comes out whenever one
 * conversation, (client, server, server port), is settled: quiet for long enough after it
 * ended, pushed out for want of room, or at the end. Connections that a client makes while
 * its conversation is not settled are attempts of that one diagnosis. All memory is
 * allocated once, in traffic_new(): no frame costs an allocation. What is written down of a frame
 * is a packet's header fields and, until the key exchange is over, its payload.
 *
 * SSH servers are: port 22, the ports of the options, and whoever is spoken to on a stream
 * that begins with "SSH-" (RFC 4253 4.2).
 */
#ifndef SSHWHY_TRAFFIC_H
#define SSHWHY_TRAFFIC_H

#include "sshwhy/frame.h"
#include "sshwhy/report.h"

struct traffic;
struct dossier; /* traffic/dossier.h */
struct packet;

/* Takes over each conversation that settles, so that it is not reported at once: joint.h first
 * compares it with those of other captures. */
struct traffic_heir {
	void *context;
	/* Copies what it wants to keep. False: it takes nothing, and traffic reports it. */
	bool (*keep)(void *context, const struct dossier *dossier);
	/* Is shown a SYN to any port, though not each copy of it. */
	void (*syn)(void *context, const struct packet *syn);
};

/* A host key that a server showed. */
struct shown_key {
	const struct address *server;
	uint16_t port;
	const char *type, *fingerprint;
};

/* Who knows the servers' host keys. */
struct traffic_keys {
	void *context;
	/* The word of EVENT_HOST_KEY; `why`: its detail. */
	enum event_word (*judge)(void *context, const struct shown_key *key, char *why,
				 size_t room);
};

struct traffic_options {
	/* Of the hash tables. Nobody who chooses addresses and ports may know it. */
	uint8_t key[16];
	const uint16_t *ports; /* besides 22 */
	size_t port_count;
	bool vantage_given; /* else it is inferred */
	enum vantage vantage;
	const char *interface;		 /* where the frames come from, NULL in a file; borrowed */
	struct report_options report;	 /* borrowed */
	const struct traffic_keys *keys; /* borrowed; NULL: nobody does */
	const struct traffic_heir *heir; /* borrowed; NULL: there is none */
	/* Every table holds 2^smaller times fewer entries than usual, so that tests can fill them:
	 * 0 is the usual size, TRAFFIC_SMALLEST the smallest. */
	unsigned smaller;
};

/* The report and all it points to live until the function returns. */
typedef void traffic_settled(void *context, const struct report *report);

#define TRAFFIC_SMALLEST 10

/* NULL when there is no memory. */
struct traffic *traffic_new(const struct traffic_options *options, traffic_settled *settled,
			    void *context);
void traffic_free(struct traffic *traffic);

/* The frame is looked at, not kept. Time is the frames': conversations settle by it. */
void traffic_frame(struct traffic *traffic, const struct frame *frame);

/* It is at least so late, although no frame says so (live, on a quiet line). */
void traffic_time(struct traffic *traffic, int64_t now_ns);

/* The capture says that it lost frames, so many in all: silence proves nothing then. */
void traffic_lost(struct traffic *traffic, uint64_t frames);

/* Settles what is left. */
void traffic_end(struct traffic *traffic);

struct traffic_tally {
	uint64_t frames;
	int64_t first_ns, last_ns; /* time of the first and, so far, of the latest two */
	uint64_t conversations;	   /* settled: as many reports were given */
	uint64_t forgotten;	   /* pushed out without a report: a lone or refused SYN each */
	uint64_t hurried;	   /* pushed out while they went on, with a report */
};
struct traffic_tally traffic_tally(const struct traffic *traffic);

#endif
