/* path: hop by hop, how far SYNs come, from the tracker's exchanges. */
#ifndef OBSERVE_PATH_H
#define OBSERVE_PATH_H

#include "sshwhy/fact.h"

/* Whether the way to the target passes the edge of an organisation: a client's does,
 * unless it is a VPN's (the guide clears the edge then) or the target is a neighbour. */
bool path_has_edge(const struct run *run);

void paths_build(const struct track *track, int64_t now_ns, struct paths *paths);

/* How likely so many silences in a row are where each packet that comes past `ttl` is answered
 * as a rule: packets are lost by chance, as often as is seen from there on (Beta-binomial).
 * More than ACCIDENT is no evidence. The second: where the far end answers as a rule. */
#define ACCIDENT 0.002
double paths_accident(const struct paths *paths, uint8_t ttl, unsigned silences);
double far_end_accident(const struct paths *paths, unsigned silences);

/* Of copies of words that were acknowledged before, those with time enough for an answer. */
unsigned again_ripe(const struct connection *connection, int64_t now_ns);

/* The share of packets for the far end that find no answer, as far as is known. */
double paths_loss(const struct paths *paths);
/* The same, as great as it may well be: a standard deviation more. */
double paths_loss_feared(const struct paths *paths);

/* What name servers call a hop; NULL: not known. Bytes of the network. */
const char *hop_name(const struct run *run, const struct address *hop);
bool name_is_of_cloud(const char *name);
bool hop_is_of_cloud(const struct run *run, const struct address *hop);

/* Whether a hop's address belongs to the client's own organisation, as far as an
 * address can tell. */
bool path_inside(const struct run *run, const struct address *hop);

#endif
