/* faults: what each cause does to a network that was well. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "model.h"

/* Whether the driver can show anything of it today. */
bool fault_exists(enum cause cause);

/* Breaks `scenario` by its cause: one of the cause's variants, drawn. */
void fault_apply(struct scenario *scenario, struct dice *dice);

#endif
