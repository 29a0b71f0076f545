/* finding: what one process of `sshwhy ssh` has found out, on its way to the one that tells it. */
#ifndef PROBE_COMPANY_FINDING_H
#define PROBE_COMPANY_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/holder.h"
#include "sshwhy/report.h"

enum finding_part { FINDING_SUMMARY, FINDING_TEXT, FINDING_JSON, FINDING_RUN, FINDING_PARTS };

/* What a message is about. */
enum finding_kind {
	FINDING_READY,	/* whoever sends it does from now on what it is there for */
	FINDING_FAILED, /* it cannot; the summary says why */
	FINDING_BEGINS, /* a connection; it is asked for whether it is ssh's */
	FINDING_STILL,	/* ssh's connection stands still */
	FINDING_MOVES,	/* no more */
	FINDING_MADE,
};

struct found_out {
	enum finding_kind kind;
	enum outcome outcome;
	bool tried;	/* to connect */
	bool connected; /* a connection was there */
	bool keyed;	/* and keys were agreed on */
	bool served;	/* and somebody was logged in, and left in order */
	/* of a connection that begins */
	uint32_t flow;
	struct socket_ends ends;
	int64_t began_ns;
	/* each ends with a zero byte that does not count; NULL: it has none */
	char *part[FINDING_PARTS];
	size_t length[FINDING_PARTS];
};

/* Fills in text and JSON, on top of what is there. */
void finding_of_report(struct found_out *finding, const struct report *report, bool color);

/* False: nobody is there. */
bool finding_send(int fd, const struct found_out *finding);
/* Waits for the whole message, though not for ever. False: it will not come. The caller frees it,
 * then too. */
bool finding_receive(int fd, struct found_out *finding);
void finding_free(struct found_out *finding);

#endif
