/* loss: how much is lost on the way, and what silence is worth there; counted once for each
 * observation (path.c), asked by every question file that takes silence for an answer.
 */
#ifndef OBSERVE_LOSS_H
#define OBSERVE_LOSS_H

#include "sshwhy/fact.h"

/* Counts what was answered and what was not although its like is, once the hops are known. */
void loss_weigh(const struct track *track, int64_t now_ns, struct paths *paths);

/* How likely so many silences in a row are where each packet that comes past `ttl` is answered
 * as a rule: packets are lost by chance, as often as is seen from there on (Beta-binomial).
 * More than ACCIDENT is no evidence. The second: where the far end answers as a rule. */
#define ACCIDENT 0.002
double paths_accident(const struct paths *paths, uint8_t ttl, unsigned silences);
double far_end_accident(const struct paths *paths, unsigned silences);

/* The share of packets for the far end that find no answer, as far as is known. */
double paths_loss(const struct paths *paths);
/* The same, as great as it may well be: a standard deviation more. */
double paths_loss_feared(const struct paths *paths);

/* Of copies of words that were acknowledged before, those with time enough for an answer. */
unsigned again_ripe(const struct connection *connection, int64_t now_ns);

#endif
