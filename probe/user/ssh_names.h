/* ssh_names: which names ssh takes for a host and for a user; asked of the command line, and before
 * a name becomes part of a proxy's command.
 *
 * ssh ends with "contains invalid characters" at the others: in the line of a ProxyCommand, which a
 * shell reads, they would be more than a word (CVE-2023-51385).
 */
#ifndef PROBE_USER_SSH_NAMES_H
#define PROBE_USER_SSH_NAMES_H

#include <stdbool.h>

bool ssh_takes_host(const char *host); /* valid_hostname() in OpenSSH's ssh.c */
bool ssh_takes_user(const char *user); /* valid_ruser() there */

#endif
