/* proxy_command: what ssh would run to go through the proxy that its configuration names; run by
 * proxy.c. */
#ifndef PROBE_USER_PROXY_COMMAND_H
#define PROBE_USER_PROXY_COMMAND_H

#include <stdint.h>

#include "user/ssh_config.h"

/* A line for the shell: the ProxyCommand with its tokens filled in, or for a ProxyJump what ssh
 * makes of it. `port` as asked for on the command line. False: the configuration names no proxy for
 * certain, it cannot be known what it runs, or ssh would not take the names (ssh_names.h). */
bool proxy_command(const struct config_reader *reader, uint16_t port, char *command, size_t room);

#endif
