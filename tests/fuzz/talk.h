/* talk: a conversation forged packet by packet, as one capture sees it, or two at different
 * places of its way. */
#ifndef SSHWHY_FUZZ_TALK_H
#define SSHWHY_FUZZ_TALK_H

#include "forge.h"

/* Of each side, client first. */
struct view {
	struct forge out; /* a pcap of raw IP */
	uint8_t address[2][4];
	uint16_t port[2];
	uint32_t shift[2]; /* what is added to its sequence numbers */
	uint8_t hops[2];   /* routers that have passed on what it sends */
	int64_t ahead_us;  /* the clock */
};

struct talk {
	struct view view[2];
	unsigned views;
	unsigned seen; /* bit i: view i has what is said next */
	uint8_t snaplen;
	int64_t time_us;
	uint32_t next[2]; /* sequence number of each side's next byte */
};

/* Its user may change the views before anything is said. Ended with talk_end(). */
void talk_start(struct talk *talk, unsigned views);
void talk_end(struct talk *talk);

/* How far the two have come before the input has its say: stages % 11 packets, of which the
 * second view lacks those with a bit in `lost`. */
void talk_populate(struct talk *talk, uint8_t stages, uint16_t lost);
/* What the input says comes next. */
void talk_act(struct talk *talk, struct cursor *input);
/* Another client's SYN, in one view. */
void talk_stranger(struct talk *talk, unsigned view);

#endif
