/* verdict: which causes are left, how probable each is, and which fact did what; made by reason()
 * from facts, told by the report, asked by the plan whether it knows enough.
 *
 * posterior(cause) ~ prior(cause | vantage, deployment, path)
 *                    * product over facts of P(answer | cause)
 * Both tables are data: likelihood.def and the counts of lab runs in counts.def.
 * `unknown` is the residual: every answer equally likely, so that it wins only when
 * the evidence fits none of the others. No code knows a cause by name.
 */
#ifndef SSHWHY_VERDICT_H
#define SSHWHY_VERDICT_H

#include "sshwhy/cause.h"
#include "sshwhy/fact.h"

enum outcome { OUTCOME_HEALTHY, OUTCOME_FAULT, OUTCOME_AMBIGUOUS, OUTCOME_UNKNOWN };
const char *outcome_name(enum outcome outcome);

struct verdict {
	enum outcome outcome;
	enum cause cause;	    /* the most probable */
	double probability[CAUSES]; /* sums to 1 */
	uint8_t sources[SOURCES];   /* those with 5 % or more, most probable first */
	double source_probability[SOURCES];
	size_t source_count;
	double confidence;
};

struct question_set {
	bool use[QUESTIONS];
};

/* The facts of the questions in `use` (NULL: all). */
void reason(const struct facts *facts, const struct run *run, const struct question_set *use,
	    struct verdict *verdict);

/* P(answer | cause), from the table. */
double likelihood(enum cause cause, enum answer answer);
double prior(enum cause cause, const struct run *run);
/* Whether the question is about this cause itself, not about what may lie behind it. */
bool decides_of(enum cause cause, enum question question);

#endif
