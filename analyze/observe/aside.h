/* aside: what was found on this machine and need not be the fault that shows; made by found.c, used
 * by the report.
 *
 * A key file that ssh would refuse is no answer while the network is the trouble: the
 * conversation never comes so far. It is worth a line all the same.
 */
#ifndef OBSERVE_ASIDE_H
#define OBSERVE_ASIDE_H

#include "sshwhy/fact.h"

#define ASIDES_MAX 4

struct aside {
	enum answer answer;
	const char *text;
};

/* Returns how many. Texts live in `arena`. */
size_t find_asides(const struct run *run, const struct facts *facts, struct arena *arena,
		   struct aside asides[ASIDES_MAX]);

#endif
