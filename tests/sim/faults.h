/* faults: what each cause does to a network that was well. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdio.h>

#include "model.h"

/* Whether the driver can show anything of it today. */
bool fault_exists(enum cause cause);
bool fault_has_variant(enum cause cause, const char *words);

/* Breaks `scenario` by its cause: the variant of those words, or (NULL) one that is drawn. */
void fault_apply(struct scenario *scenario, struct dice *dice, const char *words);

/* Every cause and variant, a line each. */
void fault_list(FILE *out);

#endif
