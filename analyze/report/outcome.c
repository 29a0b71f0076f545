#include "sshwhy/error.h"
#include "sshwhy/report.h"

struct row {
	const char *name;
	enum exit_code code;
};

static const struct row rows[] = {
	[OUTCOME_HEALTHY] = { "healthy", EXIT_HEALTHY },
	[OUTCOME_FAULT] = { "fault", EXIT_FAULT },
	[OUTCOME_AMBIGUOUS] = { "ambiguous", EXIT_AMBIGUOUS },
	[OUTCOME_UNKNOWN] = { "unknown", EXIT_UNKNOWN },
};

const char *outcome_name(enum outcome outcome)
{
	return rows[outcome].name;
}

int report_exit_code(const struct report *report)
{
	return (int)rows[report->outcome].code;
}
