/* guide: the vendor's guide as a table: checks and fixes of every cause.
 *
 * Made from analyze/guide/fixes.def; used by the report (fixes), by what is suggested next
 * (commands) and by `sshwhy explain`.
 *
 * Commands are templates. What stands in braces is filled in where it is known and left
 * readable (<resource-group>) where not; analyze/guide/template.c has the list. Values are
 * quoted for the shell they go to: nothing that came from the network or the user can break
 * out of its argument.
 */
#ifndef SSHWHY_GUIDE_H
#define SSHWHY_GUIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "sshwhy/arena.h"
#include "sshwhy/cause.h"

struct guide_values { /* NULL: not known */
	const char *group, *vm, *client, *host, *address, *user, *interface;
	const char *typed; /* what stands for the host behind ssh here; NULL: `host` does */
	uint16_t port;
	uint16_t sshd_port; /* where SSH answers instead; 0 unknown */
	bool classic;	    /* classic deployment: the guide's own commands too */
};

/* Which program reads a command line: how values are quoted for it, and what it is called. */
enum shell { SHELL_NONE, SHELL_SH, SHELL_AZURE_CLI, SHELL_POWERSHELL, SHELL_AZURE_CLASSIC, SHELLS };
const char *shell_name(enum shell shell); /* "azure-cli"; NULL for SHELL_NONE */

struct guide_fix {
	enum cause cause;
	const char *text;
	enum shell shell;
	const char *command; /* NULL: text only */
};

/* The fixes of `cause` for the deployment in `values`, first the one to try first; in `arena`. */
const struct guide_fix *guide_fixes(struct arena *arena, enum cause cause,
				    const struct guide_values *values, size_t *count);

/* Those of all deployments, with nothing filled in; in `arena`. */
const struct guide_fix *guide_all_fixes(struct arena *arena, enum cause cause, size_t *count);

/* What the cause is; in `arena`. */
const char *guide_means(struct arena *arena, enum cause cause);

/* How the guide checks it, one check a line, "" where it has none; in `arena`. */
const char *guide_checks(struct arena *arena, enum cause cause);

/* What the guide says of a source (0 to 5, 0: none): how to tell whether it is the one, and
 * the number of its place in the present edition, which dropped the third. "" for nothing. */
struct guide_source {
	const char *test;
	const char *edition;
};
struct guide_source guide_source(uint8_t source);

#endif
