/* losses: what a session's run does not hold, told in it as events: frames that the captures lost,
 * and packets that answer nothing of ours; called by loop.c.
 */
#ifndef DRIVE_LOSSES_H
#define DRIVE_LOSSES_H

#include "drive/session.h"

/* What was lost before anything was sent, the filter perhaps not yet in place, is of others. */
void losses_forget(struct session *session);

/* While the run lasts, to run and plan: from then on no silence is taken for an answer. */
void losses_tell_new(struct session *session, int64_t now_ns);

/* At the end. */
void losses_tell(struct session *session, int64_t now_ns);

#endif
