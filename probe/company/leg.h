/* leg: where ssh's own connection goes: to the host, or to the first jump host on the way there. */
#ifndef PROBE_COMPANY_LEG_H
#define PROBE_COMPANY_LEG_H

#include "user/consult.h"

struct leg {
	struct consulted host; /* what ssh makes of what was typed */
	bool proxied;	       /* ssh goes through a ProxyJump or a ProxyCommand */
	bool known;	       /* and where its first connection goes is known */
	bool circle;	       /* its ProxyJump leads to itself again: ssh starts ssh for ever */
	bool by_command;       /* a ProxyCommand says so: */
	struct typed jump;     /* that, as one would type it */
	struct settings first; /* of the first connection */
	char words[sizeof(((struct settings *)0)->proxy_command)]; /* `jump` borrows from it */
};

/* Asks ssh (ssh -G), once more for a jump host in a command; before privilege is dropped. */
void leg_find(struct leg *leg, const struct typed *typed, const struct person *person);

#endif
