/* legacy: tables of iptables-legacy, which nft does not show; read by the inventory's child. */
#ifndef PROBE_FIREWALL_LEGACY_H
#define PROBE_FIREWALL_LEGACY_H

#include <stddef.h>

/* What reading them takes more than CAP_NET_ADMIN for, opened while that is there: the list of
 * tables, and a raw socket to ask by. */
struct legacy {
	int family; /* 4, 6 */
	int list, socket;
};
struct legacy legacy_open(int family);

/* Names the tables that hold rules, or a policy other than accept: "filter, nat". "" when there
 * are none, or they cannot be read: that takes CAP_NET_ADMIN. Only tables that are there already
 * are asked for: asking would load the module. Closes what was opened. */
void legacy_tables(struct legacy *legacy, char *text, size_t room);

#endif
