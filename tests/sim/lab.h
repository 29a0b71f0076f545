/* lab: the network of tests/lab and the weather of its lines, as the model has them. */
#ifndef SIM_LAB_H
#define SIM_LAB_H

#include "scenario.h"

/* What `lab weather` is told; of what is drawn for each run, least and most. */
struct lab_weather {
	double loss, duplicate, reorder; /* percent */
	struct lab_range {
		unsigned least, most;
	} delay, jitter; /* milliseconds */
	bool cable;	 /* the line from office to edge, not the one from edge to isp */
	/* of routers (tests/lab/climate.py) */
	unsigned mute; /* a bit for each position of which one is mute */
	bool no_icmp;
	enum lab_ways { LAB_ONE_WAY, LAB_BY_FLOW, LAB_BY_PACKET, LAB_UNEVEN } ways;
	bool detour; /* answers take it */
};

/* Reads "loss=20 delay=1..150 mute=edge|isp on=cable", where ranges and choices are drawn
 * for each run; false when it is not that. */
bool lab_weather_read(const char *words, struct lab_weather *weather);

/* The way and who stands on it, when nothing is wrong (tests/lab/topology.py). */
void lab_draw(struct scenario *scenario, const struct draw_options *options);
void lab_draw_weather(struct scenario *scenario, struct dice *dice,
		      const struct lab_weather *weather);

#endif
