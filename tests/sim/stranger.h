/* stranger: others who send to the client's ports what answers nothing of its; what they send is
 * played at the tap by diagnosis.c, and nothing on the way sees it.
 */
#ifndef SIM_STRANGER_H
#define SIM_STRANGER_H

#include "model.h"

struct stranger {
	const struct scenario *scenario;
	struct dice dice;
	uint16_t first_port;
	int64_t next_ns; /* when the next packet comes; INT64_MAX: nobody sends */
	bool answered;	 /* the client's kernel has answered the last one */
	struct packet last;
};

void stranger_start(struct stranger *stranger, const struct scenario *scenario, uint16_t first_port,
		    int64_t now_ns);

/* The packet of `next_ns`, which moves on: what comes, or what the kernel answers to that. */
struct packet stranger_packet(struct stranger *stranger);

#endif
