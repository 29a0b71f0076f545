/* prober: a process that waits with its privileges, and reads no network, until it is told to probe
 * what ssh could not reach: then it does what `sshwhy probe` does, once. */
#ifndef PROBE_COMPANY_PROBER_H
#define PROBE_COMPANY_PROBER_H

#include "company/finding.h"
#include "process/child.h"
#include "user/typed.h"

struct probe_wish {
	const struct typed *target, *jump; /* jump NULL: there is none */
	bool color;
	bool frames; /* the run is wanted with the finding */
};

struct prober {
	struct child child;
	int fd; /* readable: its finding comes. -1: there is no prober (any more) */
	bool asked;
};

bool prober_start(struct prober *prober, const struct probe_wish *wish, struct error *error);

enum probe_order { PROBE_JUMP = 1, PROBE_LOGIN = 2 }; /* bits */
void prober_ask(struct prober *prober, unsigned order);
void prober_end(struct prober *prober);

#endif
