#include "sshwhy/summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/page.h"
#include "sshwhy/memory.h"

#define NAME_SHOWN 48 /* an IPv6 address in brackets and its port */

struct summary_row {
	enum outcome outcome;
	enum cause cause;
	double confidence;
	unsigned attempts;
	char server[NAME_SHOWN], client[NAME_SHOWN];
};

struct summary {
	struct summary_row rows[SUMMARY_ROWS];
	size_t shown, count;
	size_t outcomes[4]; /* by enum outcome */
};

struct summary *summary_new(void)
{
	return calloc(1, sizeof(struct summary));
}

void summary_free(struct summary *summary)
{
	free(summary);
}

static unsigned rank(enum outcome outcome)
{
	static const unsigned ranks[] = { [OUTCOME_FAULT] = 0,
					  [OUTCOME_AMBIGUOUS] = 1,
					  [OUTCOME_UNKNOWN] = 2,
					  [OUTCOME_HEALTHY] = 3 };
	return ranks[outcome];
}

static bool precedes(const struct summary_row *a, const struct summary_row *b)
{
	if (a->outcome != b->outcome)
		return rank(a->outcome) < rank(b->outcome);
	if (a->confidence > b->confidence || a->confidence < b->confidence)
		return a->confidence > b->confidence;
	return a->attempts > b->attempts;
}

static void set_names(struct summary_row *row, const struct report *report)
{
	char safe[ESCAPE_TEXT];
	const char *server = report->host != NULL ? report->host : report->address;
	escape_text(server != NULL ? server : "?", safe, sizeof(safe));
	snprintf(row->server, sizeof(row->server), strchr(safe, ':') ? "[%.40s]:%u" : "%.40s:%u",
		 safe, report->port);
	snprintf(row->client, sizeof(row->client), "%s",
		 report->local_address != NULL ? report->local_address : "?");
}

void summary_add(struct summary *summary, const struct report *report)
{
	struct summary_row row = { .outcome = report->outcome,
				   .cause = report->cause,
				   .confidence = report->confidence,
				   .attempts = report->attempts };
	set_names(&row, report);
	summary->count++;
	summary->outcomes[report->outcome]++;
	size_t at = summary->shown;
	while (at > 0 && precedes(&row, &summary->rows[at - 1]))
		at--;
	if (at == SUMMARY_ROWS)
		return;
	size_t moved = (summary->shown < SUMMARY_ROWS ? summary->shown : SUMMARY_ROWS - 1) - at;
	memmove(&summary->rows[at + 1], &summary->rows[at], moved * sizeof(row));
	summary->rows[at] = row;
	if (summary->shown < SUMMARY_ROWS)
		summary->shown++;
}

size_t summary_count(const struct summary *summary)
{
	return summary->count;
}

enum outcome summary_worst(const struct summary *summary)
{
	return summary->count > 0 ? summary->rows[0].outcome : OUTCOME_UNKNOWN;
}

/* -- the table --------------------------------------------------------------------------- */

static void put_row(struct page *page, const struct summary_row *row, int server, int client)
{
	static const enum ink inks[] = { [OUTCOME_HEALTHY] = INK_GREEN,
					 [OUTCOME_FAULT] = INK_RED,
					 [OUTCOME_AMBIGUOUS] = INK_YELLOW,
					 [OUTCOME_UNKNOWN] = INK_YELLOW };
	char percent[PERCENT_TEXT];
	bool blames = row->outcome == OUTCOME_FAULT || row->outcome == OUTCOME_AMBIGUOUS;
	page_ink(page, inks[row->outcome]);
	fprintf(page->out, "  %-9s", outcome_name(row->outcome));
	page_ink(page, INK_PLAIN);
	fprintf(page->out, "  %-*s  %-*s  %5u  ", server, row->server, client, row->client,
		row->attempts);
	if (blames)
		fprintf(page->out, "%s, source %u, %s", cause_name(row->cause),
			cause_source(row->cause), page_percent(row->confidence, percent));
	fputc('\n', page->out);
}

static int widest(const struct summary *summary, size_t offset)
{
	size_t most = 6; /* the column's title */
	for (size_t i = 0; i < summary->shown; i++) {
		size_t length = strlen((const char *)&summary->rows[i] + offset);
		most = length > most ? length : most;
	}
	return (int)most;
}

static void put_table(struct page *page, const struct summary *summary)
{
	int server = widest(summary, offsetof(struct summary_row, server));
	int client = widest(summary, offsetof(struct summary_row, client));
	page_ink(page, INK_BOLD);
	fprintf(page->out,
		"%zu conversation%s: %zu fault, %zu ambiguous, %zu unknown, %zu healthy\n",
		summary->count, summary->count == 1 ? "" : "s", summary->outcomes[OUTCOME_FAULT],
		summary->outcomes[OUTCOME_AMBIGUOUS], summary->outcomes[OUTCOME_UNKNOWN],
		summary->outcomes[OUTCOME_HEALTHY]);
	page_ink(page, INK_DIM);
	fprintf(page->out, "  %-9s  %-*s  %-*s  %5s  %s\n", "", server, "server", client, "client",
		"tries", "most likely");
	page_ink(page, INK_PLAIN);
	for (size_t i = 0; i < summary->shown; i++)
		put_row(page, &summary->rows[i], server, client);
	if (summary->shown < summary->count)
		fprintf(page->out, "  and %zu more, less troubled\n",
			summary->count - summary->shown);
}

bool summary_text(const struct summary *summary, const struct text_style *style, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	struct page page = { .out = memory_stream(&text, &size), .color = style->color };
	put_table(&page, summary);
	memory_stream_end(page.out, &text);
	bool written = fwrite(text, size, 1, out) == 1;
	free(text);
	return written;
}
