/* A report with everything in it, and its forms as strings. */
#ifndef REPORTS_H
#define REPORTS_H

#include <stdbool.h>

#include "sshwhy/report.h"

struct report full_report(void);

char *json_of(const struct report *report);

char *text_of(const struct report *report, int verbosity, bool color);

/* Nothing but printing characters, at most PAGE_WIDTH columns, no spaces at the end. */
void assert_tidy(const char *text, bool ignore_first_width);

void assert_json(const struct report *report, const char *expected);

#endif
