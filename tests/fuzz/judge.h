/* judge: what holds of every report, whatever it was made from. */
#ifndef SSHWHY_FUZZ_JUDGE_H
#define SSHWHY_FUZZ_JUDGE_H

#include "sshwhy/report.h"

/* `frames`: those of the capture, which the evidence names by number. */
void judge(const struct report *report, size_t frames);

#endif
