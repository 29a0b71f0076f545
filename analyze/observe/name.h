/* name: what name servers call a router, and whether it is the cloud's; made from what the run
 * noted (EVENT_NAME), used by path.c, who.c and the report.
 */
#ifndef OBSERVE_NAME_H
#define OBSERVE_NAME_H

#include "sshwhy/run.h"

/* What name servers call a hop; NULL: not known. Bytes of the network. */
const char *hop_name(const struct run *run, const struct address *hop);

/* Whether a router is the cloud's: by its name alone; by its name or its address. */
bool name_is_of_cloud(const char *name);
bool hop_is_of_cloud(const struct run *run, const struct address *hop);

#endif
