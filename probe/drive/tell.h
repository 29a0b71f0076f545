/* tell: what happens in a session, told to its run and its plan alike; used by loop.c and hop.c.
 */
#ifndef DRIVE_TELL_H
#define DRIVE_TELL_H

#include "drive/session.h"
#include "sshwhy/shortage.h"

/* The captures stamp with the wall clock; advanced by the monotonic one it never
 * steps back while the run lasts. */
int64_t now_of(const struct session *session);

void tell_event_at(struct session *session, int64_t time_ns, struct event event);
void tell_event(struct session *session, struct event event); /* of this moment */

/* Once, however often it is met. */
void tell_limit(struct session *session, const char *what, const char *why);

/* An error of this machine's own says nothing of the network: it is told as what it is. */
void tell_shortage(struct session *session, enum asked asked, const char *what, int error);

#endif
