/* master: whether the person's ssh goes through the connection of another ssh (ControlMaster in
 * ssh_config(5)); asked where it failed and no connection of its own was seen. */
#ifndef PROBE_COMPANY_MASTER_H
#define PROBE_COMPANY_MASTER_H

#include "user/person.h"

/* Asks ssh (ssh -O check), which asks that other one over its socket. When privilege is dropped.
 * `words` are those of the ssh that failed, ends with NULL. */
bool master_runs(char *const *words, const struct person *person);

#endif
