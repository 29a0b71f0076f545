/* state: what the files of traffic/ share: the tables and the clock; made by traffic.c,
 * read by settle.c. */
#ifndef TRAFFIC_STATE_H
#define TRAFFIC_STATE_H

#include "sshwhy/patience.h"
#include "sshwhy/traffic.h"
#include "traffic/look.h"
#include "traffic/place.h"
#include "traffic/seed.h"
#include "traffic/table.h"

struct traffic {
	struct traffic_options options;
	traffic_settled *settled;
	void *context;
	struct look look;
	struct seeds seeds;
	struct knocks knocks;
	struct traffic_table table;
	struct locals locals;
	struct traffic_tally tally;
	uint64_t lost;	  /* frames, by the capture's own account */
	int64_t clock_ns; /* two frames in a row are at least so late */
	int64_t last_frame_ns;
	int64_t look_round_ns; /* when to look again for what has settled */
	/* A frame that seems to end a pause, until the next confirms its time; captured 0: none. */
	struct frame held;
	uint8_t *held_bytes;
	uint8_t *payload; /* room for one, when packets are read back */
	struct turn {
		int64_t first_ns;
		uint32_t conversation;
	} * order; /* room for all, when the end comes */
};

/* Gives the report of a conversation, as of now, and lets the conversation go. `hurried`:
 * it might have gone on. */
void settle(struct traffic *traffic, uint32_t conversation, bool hurried);

/* The connection is known from now on, and what else comes of it begins nothing. For as long as
 * there is room to remember it. */
void mark_seen(struct traffic *traffic, const struct attempt *attempt, int64_t now_ns);

#endif
