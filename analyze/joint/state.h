/* state: what the files of joint/ share: the captures, their conversations, and the SYNs seen; made
 * by joint.c, numbered by match.c, reported on by report.c. */
#ifndef JOINT_STATE_H
#define JOINT_STATE_H

#include "joint/trace.h"
#include "sshwhy/joint.h"

#define JOINT_ENTRIES_MAX 1024
#define NO_THREAD	  0 /* an attempt that no other capture shows */

/* A SYN that a capture shows, to whatever port. */
struct sighting {
	int64_t time_ns;
	uint32_t sequence, timestamp;
	uint16_t window, port;
	uint8_t ttl;
	bool stamped;
};

#define SIGHTINGS_MAX 49152 /* of all captures */

struct joint_capture {
	const char *name;
	bool vantage_given;
	enum vantage vantage;
	int64_t first_ns, last_ns;
	uint64_t frames, lost;
	bool read;	   /* joint_capture() was called */
	bool given_away;   /* some of its conversations are not here */
	bool syns_missing; /* some of its sightings are not */
	bool both_ways;	   /* it shows packets to a server and from it */
	bool from_outside; /* and some that a router has passed on, to a VM */
	uint32_t syn_first, syn_count;
};

/* A conversation, as one capture shows it. */
struct entry {
	bool used;
	unsigned capture;
	struct dossier dossier;
	struct marks marks[ATTEMPTS_KEPT];
	uint32_t thread[ATTEMPTS_KEPT]; /* the same number: the same connection */
	bool told[ATTEMPTS_KEPT];	/* a report was given that speaks of it */
};

/* How much later a packet is seen in the second capture than in the first, by each one's
 * clock: the least of all that went one way, and the other. */
struct shift {
	bool up, down;
	int64_t up_ns;	 /* of the client's packets */
	int64_t down_ns; /* of the server's */
};

struct joint {
	struct report_options report;
	traffic_settled *settled;
	void *context;
	struct traffic_heir heir;
	struct joint_capture captures[JOINT_CAPTURES_MAX];
	unsigned capture_count;
	struct entry *entries;
	uint32_t entry_room, sighting_room; /* JOINT_ENTRIES_MAX and SIGHTINGS_MAX, but in tests */
	uint32_t entry_count;		    /* used so far, with holes */
	struct pool pool;
	struct sighting *sightings;
	uint32_t sighting_count;
	uint64_t given_away;
	uint32_t threads;
	uint8_t *payload;
	struct reading *reading;
	struct shift shifts[JOINT_CAPTURES_MAX][JOINT_CAPTURES_MAX];
};

/* Numbers the connections that several captures show (match.c). */
void match(struct joint *joint);
/* The attempt of the entry that is this connection; ATTEMPTS_KEPT: none. */
unsigned attempt_of(const struct entry *entry, uint32_t thread);

/* clock.c: from one attempt, as two captures show it. */
void shift_learn(struct shift *shift, const struct trace *first, const struct trace *second);
/* How far the second capture's clock is ahead, and how wrong that may be; false when only a
 * bound is known, which then is the value (packets went one way alone). */
bool shift_offset(const struct shift *shift, int64_t *ahead_ns, int64_t *within_ns);

/* report.c: what the end nearest to the client shows, and the one nearest to the server.
 * Returns the one whose conversation the report is of. */
const struct entry *report_joined(struct joint *joint, struct entry *const *members,
				  unsigned count);
/* False when nothing can be said of the capture that ought to show it. */
bool report_absent(struct joint *joint, struct entry *entry, unsigned capture);

/* joining.c: whether the place is that end of the way. */
bool is_client_end(const struct joint *joint, const struct entry *entry);
bool is_server_end(const struct joint *joint, const struct entry *entry);

/* syns.c */
void sightings_add(struct joint *joint, const struct packet *syn);
void sightings_sort(struct joint *joint, const struct joint_capture *capture);
/* The first with this sequence number; NULL: there is none. */
const struct sighting *sightings_find(const struct joint *joint,
				      const struct joint_capture *capture, uint32_t sequence);
/* Whether one might be this SYN with another sequence number: some firewalls change it. */
bool sightings_resemble(const struct joint *joint, const struct joint_capture *capture,
			const struct marks *marks, int64_t around_ns, int64_t within_ns);

#endif
