#include "cli/reports.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sshwhy/memory.h"

bool reports_start(struct reports *reports, const struct output *output, const char *only,
		   struct error *error)
{
	*reports = (struct reports){ .output = output, .only = only, .summary = summary_new() };
	return reports->summary != NULL || error_set(error, EXIT_UNAVAILABLE, "out of memory");
}

/* -- only ------------------------------------------------------------------------------ */

static bool matches(const char *pattern, const char *text)
{
	if (text == NULL)
		return false;
	if (strpbrk(pattern, "*?[") != NULL)
		return fnmatch(pattern, text, 0) == 0;
	return strstr(text, pattern) != NULL;
}

/* A number is a port, whole; an address that has it in the middle is not meant. */
static bool is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool is_picked(const char *pattern, const struct report *report)
{
	char port[8], both[ADDRESS_TEXT + 16];
	const char *address = report->address != NULL ? report->address : "";
	if (pattern == NULL)
		return true;
	snprintf(port, sizeof(port), "%u", report->port);
	if (is_number(pattern))
		return strcmp(pattern, port) == 0;
	snprintf(both, sizeof(both), strchr(address, ':') ? "[%s]:%s" : "%s:%s", address, port);
	return matches(pattern, report->host) || matches(pattern, both) ||
	       matches(pattern, report->address) || matches(pattern, report->local_address) ||
	       matches(pattern, port) || matches(pattern, cause_name(report->cause)) ||
	       matches(pattern, outcome_name(report->outcome));
}

/* -- writing ----------------------------------------------------------------------------- */

static void fail(struct reports *reports, const struct error *error)
{
	if (!reports->failed)
		output_error(error);
	reports->failed = true;
}

static void drop_held(struct reports *reports)
{
	for (size_t i = 0; i < reports->held_count; i++) {
		free(reports->held[i]);
		reports->held[i] = NULL;
	}
}

/* Beyond REPORTS_SHOWN nobody reads them all: held_count then only says so. */
static void hold(struct reports *reports, const struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	struct error error = { 0 };
	if (reports->held_count == REPORTS_SHOWN)
		drop_held(reports);
	if (reports->held_count++ >= REPORTS_SHOWN) {
		reports->held_count = REPORTS_SHOWN + 1;
		return;
	}
	FILE *memory = memory_stream(&text, &size);
	(void)output_report_to(reports->output, report, memory, &error);
	memory_stream_end(memory, &text);
	reports->held[reports->held_count - 1] = text;
}

void reports_take(struct reports *reports, const struct report *report)
{
	struct error error = { 0 };
	struct report named = *report;
	if (named.capture == NULL)
		named.capture = reports->capture;
	reports->taken++;
	if (!is_picked(reports->only, &named))
		return;
	summary_add(reports->summary, &named);
	if (!reports->output->json && reports->output->verbosity == 0)
		hold(reports, &named);
	else if (!reports->failed && !output_report(reports->output, &named, &error))
		fail(reports, &error);
}

static bool write_text(const char *text)
{
	return text == NULL || fputs(text, stdout) != EOF;
}

static bool write_held(const struct reports *reports)
{
	bool written = true;
	if (reports->held_count > REPORTS_SHOWN)
		return true;
	for (size_t i = 0; i < reports->held_count; i++)
		written &= (i == 0 || write_text("\n")) && write_text(reports->held[i]);
	return written;
}

static bool write_summary(const struct reports *reports)
{
	const struct output *output = reports->output;
	struct text_style style = { .color = output_colored(output) };
	if (output->json || output->verbosity < 0 || summary_count(reports->summary) < 2)
		return true;
	bool apart = output->verbosity > 0 || reports->held_count <= REPORTS_SHOWN;
	return (!apart || write_text("\n")) && summary_text(reports->summary, &style, stdout);
}

int reports_end(struct reports *reports)
{
	struct error error = { 0 };
	bool written = reports->failed ||
		       (write_held(reports) && write_summary(reports) && fflush(stdout) == 0);
	if (!written) {
		error_set(&error, EXIT_CANNOT_WRITE, "the report cannot be written: %s",
			  strerror(errno));
		fail(reports, &error);
	}
	struct report worst = { .outcome = summary_worst(reports->summary) };
	bool none = summary_count(reports->summary) == 0 && reports->taken > 0;
	if (none && !reports->failed) {
		error_set(&error, EXIT_UNKNOWN, "none of %llu conversations matches \"%s\"",
			  (unsigned long long)reports->taken, reports->only);
		output_error(&error);
	}
	if (reports->held_count <= REPORTS_SHOWN)
		drop_held(reports);
	summary_free(reports->summary);
	return reports->failed ? EXIT_CANNOT_WRITE : report_exit_code(&worst);
}

void reports_room(const char *where, struct traffic_tally tally)
{
	struct error error = { 0 };
	if (tally.forgotten > 0) {
		error_set(&error, EXIT_HEALTHY,
			  "%s: %llu conversations that never began (a flood of SYNs?) were "
			  "forgotten: "
			  "there was no room for so many at once",
			  where, (unsigned long long)tally.forgotten);
		output_error(&error);
	}
	if (tally.hurried > 0) {
		error_set(&error, EXIT_HEALTHY,
			  "%s: %llu conversations were judged before they ended: there was no room "
			  "for "
			  "so many at once",
			  where, (unsigned long long)tally.hurried);
		output_error(&error);
	}
}

bool random_key(uint8_t key[16], struct error *error)
{
	return getrandom(key, 16, 0) == 16 ||
	       error_set(error, EXIT_UNAVAILABLE, "no random numbers: %s", strerror(errno));
}
