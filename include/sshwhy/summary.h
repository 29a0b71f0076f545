/* summary: many reports as one table, the most troubled first; fed with reports by `analyze` and
 * `watch`, written at their end.
 *
 * It holds the SUMMARY_ROWS most troubled reports and counts the rest, whatever their
 * number. Trouble: a fault, then what is ambiguous, then the unknown, then the healthy;
 * among equals the surer verdict, then the one with more attempts.
 */
#ifndef SSHWHY_SUMMARY_H
#define SSHWHY_SUMMARY_H

#include "sshwhy/report.h"

#define SUMMARY_ROWS 200

struct summary;

struct summary *summary_new(void); /* NULL: no memory */
void summary_free(struct summary *summary);

void summary_add(struct summary *summary, const struct report *report); /* copies */
size_t summary_count(const struct summary *summary);			/* of all added */

/* The outcome that troubles most; OUTCOME_UNKNOWN when nothing was added. */
enum outcome summary_worst(const struct summary *summary);

/* The table, in one write. */
bool summary_text(const struct summary *summary, const struct text_style *style, FILE *out);

#endif
