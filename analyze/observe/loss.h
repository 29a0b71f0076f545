/* loss: how much is lost on the way, and what silence is worth there; counted once for each
 * observation (path.c), asked by every question file that takes silence for an answer.
 */
#ifndef OBSERVE_LOSS_H
#define OBSERVE_LOSS_H

#include "sshwhy/fact.h"

/* Counts, once the hops are known, the packets that were answered, and those that were not although
 * others of their kind are. */
void loss_weigh(const struct track *track, int64_t now_ns, struct paths *paths);

/* How likely it is that so many packets in a row are lost by chance, each with its answer, when
 * they cross all links behind hop `ttl`, or the whole way to the far end: as often as packets were
 * seen to be lost there (Beta-binomial). What is likelier than ACCIDENT is no evidence. */
#define ACCIDENT 0.002
double paths_accident(const struct paths *paths, uint8_t ttl, unsigned silences);
double far_end_accident(const struct paths *paths, unsigned silences);

/* The share of packets for the far end that find no answer, as far as is known. */
double paths_loss(const struct paths *paths);
/* The same, as great as it may well be: a standard deviation more. */
double paths_loss_feared(const struct paths *paths);

/* How many copies of already acknowledged words have had time enough for an answer. */
unsigned again_ripe(const struct connection *connection, int64_t now_ns);

#endif
