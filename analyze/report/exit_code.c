#include "sshwhy/error.h"
#include "sshwhy/report.h"

int report_exit_code(const struct report *report)
{
	static const enum exit_code codes[] = {
		[OUTCOME_HEALTHY] = EXIT_HEALTHY,
		[OUTCOME_FAULT] = EXIT_FAULT,
		[OUTCOME_AMBIGUOUS] = EXIT_AMBIGUOUS,
		[OUTCOME_UNKNOWN] = EXIT_UNKNOWN,
	};
	return (int)codes[report->outcome];
}
