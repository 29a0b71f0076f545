/* shield: a rule that hides our crafted ports from the kernel; the wire raises and lowers it. */
#ifndef PROBE_FIREWALL_SHIELD_H
#define PROBE_FIREWALL_SHIELD_H

#include <stddef.h>

#include "sshwhy/address.h"
#include "sshwhy/error.h"

/* What one peer answers to our crafted ports [first, last], which must be ours alone
 * (process/reserve.h). */
struct shielded {
	struct address peer;
	uint16_t first, last;
};

#define SHIELDED_MAX 4
#define SHIELD_TABLE "sshwhy-" /* how the names of such tables begin */

/* Hides those answers from this machine's TCP, which would reset what crafted SYNs open.
 * An nftables table with the owner flag: the kernel removes it with the process, SIGKILL
 * included. NULL (and `error`), or false, when that is not possible; the probe then goes on
 * without. Raising takes milliseconds, in any thread; opening must be done while no other thread
 * opens files. */
struct shield;
struct shield *shield_open(struct error *error);
bool shield_raise(struct shield *shield, const struct shielded *shielded, size_t count,
		  struct error *error);
void shield_lower(struct shield *shield); /* NULL is fine */

#endif
