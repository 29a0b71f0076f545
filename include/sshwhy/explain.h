/* explain: the guide as a table: checks and fixes of every cause.
 *
 * Commands are templates: {group} {vm} {nsg} {nic} {client} {host} {address} {port}
 * {sshd-port} {user} {interface} are filled in where known and left readable (<resource-group>)
 * where not. Values are quoted for the shell they go to: nothing that came from
 * the network or the user can break out of its argument.
 */
#ifndef SSHWHY_EXPLAIN_H
#define SSHWHY_EXPLAIN_H

#include <stdio.h>

#include "sshwhy/arena.h"
#include "sshwhy/cause.h"
#include "sshwhy/report.h"

struct explain_values { /* NULL: not known */
	const char *group, *vm, *client, *host, *address, *user, *interface;
	uint16_t port;
	uint16_t sshd_port; /* where SSH answers instead; 0 unknown */
	bool classic;	    /* classic deployment: the guide's own commands too */
};

/* The fixes of `cause`, first the one to try first; in `arena`. */
const struct report_fix *explain_fixes(struct arena *arena, enum cause cause,
				       const struct explain_values *values, size_t *count);

/* `sshwhy explain CAUSE`: source, what it is, how the guide checks it, the fixes. */
void explain_cause(enum cause cause, FILE *out);
/* `sshwhy explain`: every cause, a line each, under its source. */
void explain_list(FILE *out);
bool explain_cause_json(enum cause cause, FILE *out);

#endif
