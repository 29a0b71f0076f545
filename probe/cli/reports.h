/* reports: what becomes of the reports of one command that gives several: `analyze` and `watch`.
 *
 * JSON is written as each report comes; for people a few are written at the end with a
 * summary behind them, of many only the summary (unless -v asks for each). --only picks.
 */
#ifndef CLI_REPORTS_H
#define CLI_REPORTS_H

#include "cli/cli.h"
#include "sshwhy/summary.h"
#include "sshwhy/traffic.h"

#define REPORTS_SHOWN 8 /* as text; of more, the summary alone */

struct reports {
	const struct output *output;
	const char *only;    /* NULL: all */
	const char *capture; /* the file that the next ones come from, or NULL */
	struct summary *summary;
	char *held[REPORTS_SHOWN]; /* texts that wait for the end */
	size_t held_count;
	uint64_t taken; /* those not picked too */
	bool failed;	/* a write did; said once */
};

bool reports_start(struct reports *reports, const struct output *output, const char *only,
		   struct error *error);
void reports_take(struct reports *reports, const struct report *report);

/* Writes what waits, frees, and returns the exit code: that of the most troubled report. */
int reports_end(struct reports *reports);

/* On stderr: what there was no room for in `where`. */
void reports_room(const char *where, struct traffic_tally tally);

/* A key that nobody else knows, for struct traffic_options. */
bool random_key(uint8_t key[16], struct error *error);

#endif
