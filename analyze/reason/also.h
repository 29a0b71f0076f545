/* also: which fault an aside is, for build.c (also.def). */
#ifndef REASON_ALSO_H
#define REASON_ALSO_H

#include "sshwhy/cause.h"
#include "sshwhy/fact.h"

/* CAUSES when also.def has no row for it. */
enum cause also_cause(enum answer answer);

#endif
