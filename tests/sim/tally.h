/* tally: what many diagnoses come to. */
#ifndef SIM_TALLY_H
#define SIM_TALLY_H

#include "diagnosis.h"

enum { WRONG_KEPT = 400 };

struct count {
	uint64_t runs, first, among, cause; /* source first, among those named; cause right */
	uint64_t wrong, inexcusable;
	uint64_t steady, compared; /* the verdict is that of the run without loss */
	double seconds, connections, sent;
};

struct decile {
	uint64_t runs, right;
	double confidence;
};

enum { FAMILIES = 2 }; /* IPv4, IPv6 */

struct tally {
	struct count count[CAUSES][LOSS_CLASSES];
	struct count family[FAMILIES];
	struct decile sure[FAMILIES]; /* verdicts with 0.9 or more */
	struct decile decile[10];
	double brier;
	uint64_t brier_runs, unknown;
	uint64_t answers[CAUSES][ANSWERS];
	uint64_t wrong[WRONG_KEPT];
	unsigned wrong_count;
};

void tally_add(struct tally *tally, const struct diagnosis *diagnosis);
void tally_compare(struct tally *tally, const struct diagnosis *diagnosis,
		   const struct diagnosis *without_loss);
void tally_join(struct tally *tally, const struct tally *other);

void tally_print(const struct tally *tally, FILE *out);
/* 0 when what a short run promises is kept. */
int tally_check(const struct tally *tally, FILE *out);

/* "runs N", then how often each fact came. */
void tally_print_facts(const struct tally *tally, FILE *out);
/* Rows for counts.def. */
void tally_print_counts(const struct tally *tally, FILE *out);

#endif
