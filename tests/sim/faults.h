/* faults: what each cause does to a network that was well. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdio.h>

#include "model.h"

/* Whether variants.def has a way in which it comes. */
bool fault_exists(enum cause cause);
/* Whether every cause has one; those that have none are told, a line each. */
bool faults_are_whole(FILE *out);
bool fault_has_variant(enum cause cause, const char *words);

/* Breaks `scenario` by its cause: the variant of those words, or (NULL) one that is drawn. */
void fault_apply(struct scenario *scenario, struct dice *dice, const char *words);

/* Every cause and variant, a line each. */
void fault_list(FILE *out);

#endif
