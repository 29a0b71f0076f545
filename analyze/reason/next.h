/* next: the observation that would best separate the causes that are left; made from a verdict, for
 * the report. */
#ifndef REASON_NEXT_H
#define REASON_NEXT_H

#include "sshwhy/guide.h"
#include "sshwhy/report.h"
#include "sshwhy/verdict.h"

/* Ranked by expected information (bits about the source) under the verdict's
 * probabilities; those that tell nothing are left out. In `arena`. */
const struct report_next *next_rank(struct arena *arena, const struct verdict *verdict,
				    const struct facts *facts, const struct run *run,
				    const struct guide_values *values, size_t *count);

#endif
