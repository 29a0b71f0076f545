/* track_world: a tracker, and packets between the client and the VM that is its run's target; for
 * the tests of the tracker. */
#ifndef TESTS_TRACK_WORLD_H
#define TESTS_TRACK_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sshwhy/exchange.h"

#define CLIENT_PORT 61000
#define MS(n)	    ((int64_t)(n)*1000000)

struct world {
	struct run run;
	struct arena arena;
	struct track track;
	uint64_t frames;
	struct address client, server, router;
};

int set_up(void **state);
int tear_down(void **state);

/* An exchange of CLIENT_PORT with the target's port 22. */
struct exchange *open_port(struct world *world, enum way way, enum purpose purpose);

/* Each is a millisecond later than the one before. An ICMP error of the router's is about a segment
 * of the client's with that number. */
struct packet tcp(struct world *world, bool out, uint8_t flags, uint32_t sequence,
		  uint32_t acknowledgement);
struct packet icmp(struct world *world, uint8_t type, uint8_t code, uint32_t sequence);

void send_syn(struct world *world, uint32_t sequence, uint8_t ttl);

#endif
