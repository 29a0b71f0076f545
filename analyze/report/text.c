/* report_text: what a person reads in ten seconds, most important first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "report/draw.h"
#include "report/page.h"
#include "sshwhy/memory.h"
#include "sshwhy/report.h"

#define EVIDENCE_SHOWN 8
#define CAUSES_TEXT    512

/* -- the verdict ------------------------------------------------------------------ */

struct outcome_look {
	const char *word;
	enum ink ink;
};

static struct outcome_look look_of(enum outcome outcome)
{
	static const struct outcome_look looks[] = {
		[OUTCOME_HEALTHY] = { "HEALTHY", INK_GREEN },
		[OUTCOME_FAULT] = { "FAULT", INK_RED },
		[OUTCOME_AMBIGUOUS] = { "AMBIGUOUS", INK_YELLOW },
		[OUTCOME_UNKNOWN] = { "UNKNOWN", INK_YELLOW },
	};

	return looks[outcome];
}

/* How probable it is that the fault lies at `source`. */
static double source_share(const struct report *report, uint8_t source)
{
	double sum = 0;

	if (report->source_count > 0 && report->sources[0] == source)
		return report->confidence;
	for (size_t i = 0; i < report->cause_count; i++)
		if (cause_source(report->causes[i].cause) == source)
			sum += report->causes[i].probability;
	return sum;
}

static void put_target(struct page *page, const struct report *report)
{
	char safe[ESCAPE_TEXT];
	const char *name = report->host != NULL ? report->host : report->address;

	escape_text(name != NULL ? name : "?", safe, sizeof safe);
	fprintf(page->out, strchr(safe, ':') != NULL ? "[%s]" : "%s", safe);
	if (report->port != 0)
		fprintf(page->out, ":%u", report->port);
}

static void put_finding(struct page *page, const struct report *report)
{
	char percent[PERCENT_TEXT];
	uint8_t source = cause_source(report->cause);

	if (report->outcome == OUTCOME_HEALTHY)
		fprintf(page->out, "SSH answers, %s", page_percent(report->confidence, percent));
	else if (source == 0)
		fputs("no cause can be named", page->out);
	else
		fprintf(page->out, "%s, source %u (%s), %s", cause_name(report->cause), source,
			source_title(source), page_percent(source_share(report, source), percent));
}

/* One line, whatever its length: the line that -q prints and scripts grep. */
static void put_verdict(struct page *page, const struct report *report)
{
	struct outcome_look outcome = look_of(report->outcome);

	page_ink(page, INK_BOLD);
	page_ink(page, outcome.ink);
	fputs(outcome.word, page->out);
	page_ink(page, INK_PLAIN);
	fputs("  ", page->out);
	put_target(page, report);
	fputs("  ", page->out);
	page_ink(page, INK_BOLD);
	put_finding(page, report);
	page_ink(page, INK_PLAIN);
	fputc('\n', page->out);
}

/* What was looked at, from where, when. */
static void put_setting(struct page *page, const struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *line = memory_stream(&text, &size);
	char stamp[64] = "";
	time_t when = (time_t)(report->started_ns / 1000000000);
	struct tm tm;

	if (report->via != NULL)
		fprintf(line, "first leg: jump host %s, ", report->via);
	fprintf(line, "%s", report->address != NULL ? report->address : "no address");
	if (report->local_address != NULL)
		fprintf(line, " from %s", report->local_address);
	if (report->interface != NULL)
		fprintf(line, " (%s)", report->interface);
	if (report->vantage != NULL)
		fprintf(line, ", vantage %s", report->vantage);
	if (report->deployment != NULL &&
	    strcmp(report->deployment, deployment_names[DEPLOYMENT_UNKNOWN]) != 0)
		fprintf(line, ", %s deployment", report->deployment);
	if (report->started_ns != 0 && gmtime_r(&when, &tm) != NULL &&
	    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
		fprintf(line, ", %s", stamp);
	if (report->duration_seconds > 0)
		fprintf(line, ", %.1f s", report->duration_seconds);
	if (report->attempts != 0)
		fprintf(line, ", %u attempt%s", report->attempts, report->attempts == 1 ? "" : "s");
	if (report->capture != NULL)
		fprintf(line, " in %s", report->capture);
	for (size_t i = 1; i < report->capture_count; i++)
		fprintf(line, "%s%s", i + 1 < report->capture_count ? ", " : " and ",
			report->captures[i]);
	if (report->clock != NULL)
		fprintf(line, ", whose clock is %.3f s %s", fabs(report->clock->ahead_seconds),
			report->clock->ahead_seconds < 0 ? "behind" : "ahead");
	memory_stream_end(line, &text);
	page_ink(page, INK_DIM);
	page_item(page, 2, "", text);
	page_ink(page, INK_PLAIN);
	free(text);
}

/* -- lists ------------------------------------------------------------------------ */

static void join_causes(const enum cause *causes, size_t count, size_t most, char out[CAUSES_TEXT])
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && i < most && used < CAUSES_TEXT; i++)
		used += (size_t)snprintf(out + used, CAUSES_TEXT - used, "%s%s", i > 0 ? ", " : "",
					 cause_name(causes[i]));
	if (count > most && used < CAUSES_TEXT)
		snprintf(out + used, CAUSES_TEXT - used, ", ...");
}

static void put_ssh(struct page *page, const struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *line = memory_stream(&text, &size);

	if (report->banner != NULL)
		fprintf(line, "%s", report->banner);
	if (report->kex != NULL)
		fprintf(line, ", %s", report->kex);
	if (report->host_key != NULL)
		fprintf(line, ", host key %s", report->host_key);
	for (size_t i = 0; i < report->auth_method_count; i++)
		fprintf(line, "%s%s", i == 0 ? ", offers " : " or ", report->auth_methods[i]);
	memory_stream_end(line, &text);
	if (size > 0) {
		page_title(page, "SSH");
		page_item(page, 2, "", strncmp(text, ", ", 2) == 0 ? text + 2 : text);
	}
	free(text);
}

/* -- why -------------------------------------------------------------------------- */

static bool names(const enum cause *causes, size_t count, enum cause cause)
{
	for (size_t i = 0; i < count; i++)
		if (causes[i] == cause)
			return true;
	return false;
}

/* What a row does to the verdict's cause: '+', '-' or nothing. */
static char bearing(const struct report_evidence *row, enum cause cause)
{
	if (names(row->for_causes, row->for_count, cause))
		return '+';
	return names(row->against_causes, row->against_count, cause) ? '-' : ' ';
}

static void put_packets(struct page *page, const struct report_evidence *row)
{
	char *text = NULL;
	size_t size = 0;
	FILE *line = memory_stream(&text, &size);

	fprintf(line, "%s", row->fact != NULL ? row->fact : "fact");
	for (size_t i = 0; i < row->packet_count; i++)
		fprintf(line, "%s%llu",
			i > 0			? ", "
			: row->packet_count > 1 ? "; packets "
						: "; packet ",
			(unsigned long long)row->packets[i]);
	memory_stream_end(line, &text);
	page_item(page, 6, "", text);
	free(text);
}

static void put_evidence_row(struct page *page, const struct report *report,
			     const struct report_evidence *row, bool verbose)
{
	const char lead[] = { bearing(row, report->cause), ' ', '\0' };
	char names_text[CAUSES_TEXT];

	page_item(page, 2, lead, row->text != NULL ? row->text : row->fact);
	if (!verbose)
		return;
	page_ink(page, INK_DIM);
	if (row->question != NULL)
		page_item(page, 6, "", row->question);
	put_packets(page, row);
	join_causes(row->for_causes, row->for_count, 8, names_text);
	if (row->for_count > 0)
		page_item(page, 6, "for ", names_text);
	join_causes(row->against_causes, row->against_count, 8, names_text);
	if (row->against_count > 0)
		page_item(page, 6, "against ", names_text);
	page_ink(page, INK_PLAIN);
}

/* Rows that speak of the verdict's cause first, each group in the report's order. */
static void put_evidence(struct page *page, const struct report *report, bool verbose)
{
	size_t most = verbose ? report->evidence_count : EVIDENCE_SHOWN;
	size_t shown = 0;

	if (report->evidence_count == 0)
		return;
	page_title(page, "Why");
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < report->evidence_count && shown < most; i++) {
			const struct report_evidence *row = &report->evidence[i];
			if ((bearing(row, report->cause) == ' ') == (pass == 1)) {
				put_evidence_row(page, report, row, verbose);
				shown++;
			}
		}
	}
	if (shown < report->evidence_count)
		page_format(page, 4, "", "and %zu more with -v", report->evidence_count - shown);
}

/* -- causes left ------------------------------------------------------------------ */

static void put_share(struct page *page, size_t indent, double share)
{
	char percent[PERCENT_TEXT];

	fprintf(page->out, "%*s%6s  ", (int)indent, "", page_percent(share, percent));
}

static void put_cause(struct page *page, size_t indent, const struct report_cause *row)
{
	put_share(page, indent, row->probability);
	page_cell(page, 22, cause_name(row->cause));
	fprintf(page->out, "%s\n", cause_title(row->cause));
}

/* Health that was not seen is what remains of the sum; a person would read it as a finding. */
static bool is_left(const struct report *report, const struct report_cause *row)
{
	return row->cause != CAUSE_HEALTHY || report->outcome != OUTCOME_UNKNOWN;
}

static bool any_left(const struct report *report)
{
	for (size_t i = 0; i < report->cause_count; i++)
		if (is_left(report, &report->causes[i]))
			return true;
	return false;
}

static void put_source(struct page *page, const struct report *report, uint8_t source)
{
	if (source != 0) {
		put_share(page, 0, source_share(report, source));
		page_ink(page, INK_BOLD);
		fprintf(page->out, "source %u, %s\n", source, source_title(source));
		page_ink(page, INK_PLAIN);
	}
	for (size_t i = 0; i < report->cause_count; i++)
		if (cause_source(report->causes[i].cause) == source &&
		    is_left(report, &report->causes[i]))
			put_cause(page, source != 0 ? 8 : 0, &report->causes[i]);
}

/* By source, in the order of each source's most probable cause. */
static void put_causes(struct page *page, const struct report *report)
{
	unsigned done = 0;

	if (!any_left(report))
		return;
	page_title(page, "Causes left");
	for (size_t i = 0; i < report->cause_count; i++) {
		uint8_t source = cause_source(report->causes[i].cause);
		if ((done & 1u << source) == 0)
			put_source(page, report, source);
		done |= 1u << source;
	}
}

/* -- what to do ------------------------------------------------------------------- */

static void put_command(struct page *page, enum shell shell, const char *command)
{
	page_ink(page, INK_CYAN);
	page_command(page, 6, shell, command);
	page_ink(page, INK_PLAIN);
}

static void put_next(struct page *page, const struct report *report)
{
	if (report->next_count == 0)
		return;
	page_title(page, "What would settle it");
	for (size_t i = 0; i < report->next_count; i++) {
		const struct report_next *row = &report->next[i];
		char names_text[CAUSES_TEXT];

		join_causes(row->separates, row->separates_count, 4, names_text);
		if (row->separates_count > 1)
			page_format(page, 2, "- ", "%s (tells apart %s)", row->text, names_text);
		else
			page_item(page, 2, "- ", row->text);
		if (row->command != NULL)
			put_command(page, SHELL_SH, row->command);
	}
}

static void put_fix(struct page *page, const struct report *report, const struct guide_fix *fix)
{
	bool elsewhere = fix->command != NULL && fix->shell != SHELL_NONE && fix->shell != SHELL_SH;
	bool other = fix->cause != report->cause;

	page_format(page, 2, "- ", "%s%s%s%s%s%s%s", other ? "if " : "",
		    other ? cause_name(fix->cause) : "", other ? ": " : "", fix->text,
		    elsewhere ? " (" : "", elsewhere ? shell_name(fix->shell) : "",
		    elsewhere ? ")" : "");
	if (fix->command != NULL)
		put_command(page, fix->shell, fix->command);
}

/* Every fix of the verdict's cause; of the other causes the first, unless verbose. */
static bool is_shown(const struct report *report, size_t index, bool verbose)
{
	enum cause cause = report->fixes[index].cause;

	return verbose || cause == report->cause || index == 0 ||
	       report->fixes[index - 1].cause != cause;
}

static void put_fixes(struct page *page, const struct report *report, bool verbose)
{
	size_t hidden = 0;

	if (report->fix_count == 0)
		return;
	page_title(page, "Fix");
	for (size_t i = 0; i < report->fix_count; i++) {
		if (is_shown(report, i, verbose))
			put_fix(page, report, &report->fixes[i]);
		else
			hidden++;
	}
	if (hidden > 0)
		page_format(page, 4, "", "and %zu more with -v", hidden);
}

static void put_also(struct page *page, const struct report *report)
{
	if (report->also_count == 0)
		return;
	page_title(page, "Also");
	for (size_t i = 0; i < report->also_count; i++) {
		const struct report_also *row = &report->also[i];

		page_format(page, 2, "- ", "%s, source %u: %s", cause_name(row->cause),
			    cause_source(row->cause), row->text);
	}
}

static void put_not_observed(struct page *page, const struct report *report)
{
	char *text = NULL;
	size_t size = 0;

	if (report->not_observed_count == 0)
		return;
	FILE *line = memory_stream(&text, &size);
	for (size_t i = 0; i < report->not_observed_count; i++)
		fprintf(line, "%s%s", i > 0 ? "; " : "", report->not_observed[i]);
	fputc('\n', page->out);
	memory_stream_end(line, &text);
	page_ink(page, INK_DIM);
	page_item(page, 0, "Not observed: ", text);
	page_ink(page, INK_PLAIN);
	free(text);
}

/* -- the whole -------------------------------------------------------------------- */

static void put_details(struct page *page, const struct report *report, bool verbose)
{
	bool brief = report->outcome == OUTCOME_HEALTHY && !verbose;

	if (!brief)
		draw_path(page, report);
	put_ssh(page, report);
	if (!brief) {
		put_evidence(page, report, verbose);
		put_causes(page, report);
		put_next(page, report);
	}
	put_fixes(page, report, verbose);
	put_also(page, report);
	if (!brief)
		put_not_observed(page, report);
}

static void put_report(struct page *page, const struct report *report, int verbosity)
{
	put_verdict(page, report);
	if (verbosity < 0)
		return;
	put_setting(page, report);
	if (report->summary != NULL) {
		fputc('\n', page->out);
		page_item(page, 2, "", report->summary);
	}
	put_details(page, report, verbosity > 0);
}

/* Columns leave spaces at the ends of lines: takes them away in place. */
static size_t trim_lines(char *text, size_t length)
{
	size_t kept = 0;

	for (size_t i = 0; i < length; i++) {
		while (text[i] == '\n' && kept > 0 && text[kept - 1] == ' ')
			kept--;
		text[kept++] = text[i];
	}
	return kept;
}

bool report_text(const struct report *report, const struct text_style *style, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	struct page page = { .out = memory_stream(&text, &size), .color = style->color };

	put_report(&page, report, style->verbosity);
	memory_stream_end(page.out, &text);
	/* One write, so that a full disk or a signal leaves no half a report. */
	size = trim_lines(text, size);
	bool written = fwrite(text, size, 1, out) == 1;
	free(text);
	return written;
}
