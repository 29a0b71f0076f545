/* lookup: asks name servers; the work of the resolver's process. */
#ifndef PROBE_NAMES_LOOKUP_H
#define PROBE_NAMES_LOOKUP_H

#include "names/question.h"

/* Takes as long as the C library likes. */
void look_up(const struct name_question *question, struct name_answer *answer);

#endif
