/* line: what stands behind `sshwhy ssh --`, read as ssh(1) reads it. */
#ifndef PROBE_COMPANY_LINE_H
#define PROBE_COMPANY_LINE_H

#include "user/typed.h"

struct ssh_line {
	struct typed typed; /* for whoever probes the same; borrows from the words */
	bool connects;	    /* else ssh only tells something, or asks its own master process */
};

/* `words` ends with NULL. Nothing is complained of: that is for ssh. What is not understood does
 * not connect. */
void line_read(struct ssh_line *line, char *const *words);

#endif
