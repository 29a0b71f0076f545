/* joint: the same connections in several captures, from one end of the way to the other; fed by
 * `analyze` with several files, gives reports.
 *
 * Each capture goes through traffic.h with this as its heir; nothing is reported meanwhile,
 * but for what there is no room to keep. At the end the connections of different captures
 * are matched, whatever addresses and ports a NAT gave them, and a conversation that several
 * captures show, or one shows and another ought to, gets one report. The others are reported
 * as ever. Memory is allocated once: some 6 MiB.
 */
#ifndef SSHWHY_JOINT_H
#define SSHWHY_JOINT_H

#include "sshwhy/traffic.h"

#define JOINT_CAPTURES_MAX 8

struct joint;

/* `options` as for traffic_new(); only its report options and `smaller` are used. NULL: no memory.
 */
struct joint *joint_new(const struct traffic_options *options, traffic_settled *settled,
			void *context);
void joint_free(struct joint *joint);

/* Another capture begins, at most JOINT_CAPTURES_MAX in all: its frames follow. The heir is
 * the joint's own, for all of them. `name` is borrowed. */
const struct traffic_heir *joint_begin(struct joint *joint, const char *name,
				       const struct traffic_options *options);
/* It is read, as far as it could be, and traffic_end() was called. */
void joint_capture(struct joint *joint, const struct traffic_tally *tally);

/* Matches, and reports all that was kept. */
void joint_end(struct joint *joint);

/* Conversations that were reported alone for want of room. */
uint64_t joint_given_away(const struct joint *joint);

#endif
