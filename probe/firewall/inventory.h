/* inventory: our flows' rules and port owners; read by a child of its own, told by the machine.
 *
 * Reading rules takes CAP_NET_ADMIN, and with thousands of rules half a second; who owns a
 * port takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH. Both are wanted only when something is
 * wrong, which is known long after privilege is gone. So two children, nobody's, read when they
 * are told to, and end: one keeps the first capability and reads the kernel's tables with
 * libnftables, within bounds; its parent keeps the others, reads no more than the findings, and
 * looks in /proc for the owner. No byte of the network, of a file of the user or of the probe
 * reaches them. Both die with the probe. libnftables ends the process over some rules: then only
 * that child does.
 */
#ifndef PROBE_FIREWALL_INVENTORY_H
#define PROBE_FIREWALL_INVENTORY_H

#include "firewall/rules.h"
#include "process/owner.h"
#include "sshwhy/error.h"
#include "user/person.h"

#define INVENTORY_FLOWS 4

/* What concerns one flow. */
struct inventory_part {
	struct findings rules;
	bool diverted; /* the first diversion leads to this machine: */
	uint16_t owner_port;
	struct owner owner;
};

struct inventory_result {
	struct inventory_part part[INVENTORY_FLOWS];
	bool read;	  /* nftables' rules were read */
	char limit[128];  /* why not */
	char legacy4[64]; /* legacy iptables' tables with rules, by family: these are not read */
	char legacy6[64];
};

/* Whether all of it can be read: no count or text beyond its room, no value that is none. Every
 * process that gets a result asks this first. */
bool inventory_is_sound(const struct inventory_result *result);

struct inventory;

/* Forks; nothing is read yet. NULL when that is not possible. `count` is INVENTORY_FLOWS at most.
 */
struct inventory *inventory_start(const struct flow *flows, size_t count,
				  const struct nobody *nobody, struct error *error);

/* Now they read, which takes a processor for some 20 ms: best while the network is waited for. */
void inventory_go(struct inventory *inventory);

int inventory_fd(const struct inventory *inventory); /* readable when there is something */

/* Takes what is there, without waiting. The result, once it is whole; NULL before, and
 * when the child ended without, or with one that is not sound. */
const struct inventory_result *inventory_read(struct inventory *inventory);
bool inventory_ended(const struct inventory *inventory);

void inventory_free(struct inventory *inventory); /* NULL is fine */

#endif
