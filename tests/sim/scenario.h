/* scenario: cause, topology and weather, drawn from a seed. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "model.h"

enum { LOSS_CLASSES = 5 };
extern const double loss_steps[LOSS_CLASSES]; /* 0, 5, 10, 20, 30 % each way */

struct lab_weather;

struct draw_options {
	bool uniform;	     /* every cause as often as another, not as prior.def has them */
	int loss_class;	     /* -1: any */
	int cause;	     /* -1: any */
	bool deep;	     /* probe --deep */
	bool reference;	     /* probe --reference */
	const char *variant; /* its words in variants.def; NULL: any */
	int family;	     /* 4, 6; 0: either */
	int deployment;	     /* -1: any */
	const struct lab_weather *lab; /* the network of tests/lab in that weather; NULL: any */
	bool calm[CALM_COUNT];
};

void scenario_draw(struct scenario *scenario, uint64_t seed, const struct draw_options *options);

/* The question, as the driver puts it: what plan and analysis start from. */
void scenario_ask(const struct scenario *scenario, struct run *run, int64_t now_ns);

extern const char *const calm_names[CALM_COUNT];

#endif
