/* losses: what a session's run does not hold, told in it as events: frames that the captures lost,
 * and packets that answer nothing of ours; called by loop.c.
 */
#ifndef DRIVE_LOSSES_H
#define DRIVE_LOSSES_H

#include "drive/session.h"

/* What was lost before anything was sent, the filter perhaps not yet in place, is of others. */
void losses_forget(struct session *session);

/* EVENT_CAPTURE: what a capture has lost since this was last asked, perhaps nothing. */
struct event losses_since(struct session *session, size_t capture, int64_t now_ns);

/* At the end. */
void losses_tell(struct session *session, int64_t now_ns);

#endif
