/* attempt: what one packet changes of what is known of its connection; asked by traffic.c, which
 * finds the connection and writes the packet down. */
#ifndef TRAFFIC_ATTEMPT_H
#define TRAFFIC_ATTEMPT_H

#include "sshwhy/packet.h"
#include "traffic/table.h"

/* Whether the packet tells anything that is not written down yet. Asked before it is followed. */
bool attempt_is_news(const struct attempt *attempt, const struct packet *packet, bool from_client);
/* How far each side came, and what it says to have heard. */
void attempt_follow_numbers(struct attempt *attempt, const struct packet *packet, bool from_client);
/* Which of the attempt_bits hold from now on. */
void attempt_note_stage(struct attempt *attempt, const struct packet *packet, bool from_client);

#endif
