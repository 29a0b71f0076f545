/* legacy: tables of iptables-legacy, which nft does not show; read by the inventory's child. */
#ifndef PROBE_FIREWALL_LEGACY_H
#define PROBE_FIREWALL_LEGACY_H

#include <stddef.h>

/* Names the tables of `family` (4, 6) that hold rules, or a policy other than accept:
 * "filter, nat". "" when there are none, or they cannot be read: that takes CAP_NET_ADMIN.
 * Only tables that are there already are asked for: asking would load the module. */
void legacy_tables(int family, char *text, size_t room);

#endif
