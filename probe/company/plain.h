/* plain: what anybody may find out: a connection by hand, tried where there is no right to capture.
 */
#ifndef PROBE_COMPANY_PLAIN_H
#define PROBE_COMPANY_PLAIN_H

#include "company/finding.h"

struct plain_wish {
	const char *host;     /* as it was typed */
	const char *hostname; /* as ssh resolved it */
	uint16_t port;
	int family;
	bool color;
};

/* A child does it, without any privilege. False: nothing came of it, or `stop` became readable. */
bool plain_try(const struct plain_wish *wish, int stop, struct found_out *finding);

#endif
