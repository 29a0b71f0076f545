/* diagnosis: one run of the plan against the model, judged by the analysis. */
#ifndef SIM_DIAGNOSIS_H
#define SIM_DIAGNOSIS_H

#include <stdio.h>

#include "scenario.h"

struct diagnosis {
	struct scenario scenario;
	struct verdict verdict;
	enum answer answer[QUESTIONS];
	int64_t took_ns;
	unsigned connections; /* of the kernel, to the target */
	unsigned sent;	      /* packets that left */
};

/* What is kept from one diagnosis to the next: memory, never state. */
struct workshop;
struct workshop *workshop_new(void);
void workshop_free(struct workshop *workshop);

/* `trace`: where to tell all that happens; NULL: nowhere. */
void diagnose(struct workshop *workshop, uint64_t seed, const struct draw_options *options,
	      FILE *trace, struct diagnosis *diagnosis);

/* A source is blamed with 0.9 or more, and it is not the true one. */
bool diagnosis_wrong(const struct diagnosis *diagnosis);
/* And packets could have told. */
bool diagnosis_inexcusable(const struct diagnosis *diagnosis);

#endif
