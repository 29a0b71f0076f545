/* company: runs the person's own ssh, has its connection watched meanwhile, and has what fails
 * explained; called by `sshwhy ssh`.
 *
 * This process starts ssh and waits for it; it reads nothing of the network, only what its own
 * children found out. They are on leashes (child.h): when it is killed they end, and ssh goes on.
 */
#ifndef PROBE_COMPANY_COMPANY_H
#define PROBE_COMPANY_COMPANY_H

#include "company/finding.h"
#include "company/line.h"
#include "user/person.h"

/* What is told of an ssh that failed or stands still. */
struct told {
	const struct found_out *stands;	    /* the diagnosis */
	const struct found_out *connection; /* what its own connection showed, if that is another */
	const char *words;		    /* instead of all that: why there is no diagnosis */
	const char *summary;		    /* of what stands; NULL: its own */
	bool running;			    /* it stands still; else it has failed */
	bool healthy;			    /* a probe beside it finds nothing wrong */
};

struct company_wish {
	char *const *words; /* ssh's, ends with NULL */
	const struct ssh_line *line;
	int patience_ms;
	bool color, frames;
	void (*tell)(void *context, const struct told *told); /* once at most */
	void *context;
};

/* ssh's exit code as a shell would tell it. False after filling `error`: it was not started. */
bool company_keep(const struct company_wish *wish, int *code, struct error *error);

#endif
