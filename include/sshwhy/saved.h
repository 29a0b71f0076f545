/* saved: comments for a run's frames, so that the evidence is found in Wireshark; made from the
 * report, used when a run is saved. */
#ifndef SSHWHY_SAVED_H
#define SSHWHY_SAVED_H

#include "sshwhy/report.h"
#include "sshwhy/run.h"

/* One comment for each frame (NULL: none): which probe it is, what it answers, what it
 * is evidence for. In `arena`. */
const char *const *run_comments(const struct run *run, const struct report *report,
				struct arena *arena);

#endif
