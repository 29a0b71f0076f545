/* look: the first glance at a frame, before it is decoded; asked by traffic.c.
 *
 * Nearly all frames of a capture are somebody else's TCP segments. A few compares tell
 * those; whatever is not plainly one of them (tunnels, fragments, options, odd links) is
 * decoded. So a glance may let too much pass, never too little.
 *
 * It reads without a cursor (sshwhy/cursor.h): in a capture of a backbone it is nearly all that
 * is done for a frame.
 */
#ifndef TRAFFIC_LOOK_H
#define TRAFFIC_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "sshwhy/frame.h"

struct look {
	/* one bit for each port */
	uint64_t ports[65536 / 64];   /* SSH, whoever listens there */
	uint64_t watched[65536 / 64]; /* those, and where one server was found to speak SSH */
};

void look_start(struct look *look, const uint16_t *ports, size_t count);

static inline bool look_wants_port(const struct look *look, uint16_t port)
{
	return look->ports[port / 64] >> port % 64 & 1;
}

static inline bool look_watches_port(const struct look *look, uint16_t port)
{
	return look->watched[port / 64] >> port % 64 & 1;
}

static inline void look_watch_port(struct look *look, uint16_t port)
{
	look->watched[port / 64] |= UINT64_C(1) << port % 64;
}

/* Whether the frame is worth decoding. */
bool look_at(const struct look *look, const struct frame *frame);

#endif
