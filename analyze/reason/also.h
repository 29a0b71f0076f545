/* also: which fault an aside is; made from also.def, asked by the report (build.c). */
#ifndef REASON_ALSO_H
#define REASON_ALSO_H

#include "sshwhy/cause.h"
#include "sshwhy/fact.h"

/* CAUSES when also.def has no row for it. */
enum cause also_cause(enum answer answer);

#endif
