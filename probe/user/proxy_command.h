/* proxy_command: what ssh would run to go through the proxy that its configuration names; run by
 * proxy.c. */
#ifndef PROBE_USER_PROXY_COMMAND_H
#define PROBE_USER_PROXY_COMMAND_H

#include "user/settings.h"

/* Whether ssh goes through one. */
bool proxy_used(const struct settings *settings);

/* A line for the person's shell: the ProxyCommand with its tokens filled in, or for a ProxyJump
 * what ssh makes of it. False: ssh goes through none, it cannot be known what it runs, or ssh would
 * not take the names (ssh_names.h). */
bool proxy_command(const struct settings *settings, const struct person *person, char *command,
		   size_t room);

#endif
