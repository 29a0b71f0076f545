/* watcher: a process that hears the packets of the person's ssh, and says what they show.
 *
 * It opens a capture of all interfaces, drops its privileges, goes behind the wall, and only then
 * reads. Until the key exchange is over it keeps the packets, later their headers; from some two
 * thousand on, or a minute later, the kernel hands over none but those that end a connection: bulk
 * costs nothing. */
#ifndef PROBE_COMPANY_WATCHER_H
#define PROBE_COMPANY_WATCHER_H

#include "company/finding.h"
#include "process/child.h"

struct watch_wish {
	const char *host;     /* as it was typed, for the report */
	const char *hostname; /* whose addresses the connection goes to */
	const char *beyond;   /* the host that is reached through this one; NULL: it is this one */
	uint16_t port;
	int family;	 /* 0 any, 4, 6 */
	int patience_ms; /* so long nothing moves, until it says that the connection stands still */
	bool color;
	bool frames; /* they are wanted with the finding */
};

struct watcher {
	struct child child;
	int fd; /* readable: a finding comes. -1: there is no watcher */
};

/* Returns when it listens. False after filling `error`. */
bool watcher_start(struct watcher *watcher, const struct watch_wish *wish, struct error *error);

enum watch_order {
	WATCH_NO_NEW, /* what begins from now on is a probe's, if it is not known to be ssh's */
	WATCH_JUDGE,  /* FINDING_MADE comes, when it is known whose each connection is */
	WATCH_FAILED, /* the same, and ssh has failed: "healthy" is no answer */
	WATCH_WHOSE,
};
void watcher_tell(const struct watcher *watcher, enum watch_order order);
/* The answer to FINDING_BEGINS. */
void watcher_tell_whose(const struct watcher *watcher, uint32_t flow, enum held held);
void watcher_end(struct watcher *watcher);

#endif
