#include "report/draw.h"

#include <string.h>

#define COLUMNS_MAX  4 /* the SSH port and three others fit the page */
#define COLUMN_WIDTH 20
#define FIXED_WIDTH  20 /* indent, hop, time and the gaps between them */

/* One port's way, as far as anything answered. */
struct column {
	const struct report_path *path;
	const struct report_hop *end; /* first answer that is not a router's; NULL none */
	unsigned reach;		      /* greatest TTL with an answer up to `end`; 0 none */
	bool is_ssh;
};

struct drawing {
	const struct report *report;
	struct column column[COLUMNS_MAX];
	size_t columns;
	unsigned last; /* last TTL worth a row */
	size_t address_width;
};

static bool is_transit(const struct report_hop *hop)
{
	return hop->kind == HOP_SILENT || hop->kind == HOP_PASSES_ON;
}

static bool has_reply(const struct report_hop *hop)
{
	return hop->kind != HOP_SILENT || hop->address != NULL;
}

static void measure(struct column *column)
{
	for (size_t i = 0; i < column->path->hop_count; i++) {
		const struct report_hop *hop = &column->path->hops[i];
		if (!has_reply(hop))
			continue;
		if (!is_transit(hop) && (column->end == NULL || hop->ttl < column->end->ttl))
			column->end = hop;
		if (is_transit(hop) && hop->ttl > column->reach)
			column->reach = hop->ttl;
	}
	if (column->end != NULL)
		column->reach = column->end->ttl;
}

/* The hop of `column` at `ttl` that answered, NULL none. */
static const struct report_hop *hop_at(const struct column *column, unsigned ttl)
{
	for (size_t i = 0; i < column->path->hop_count; i++) {
		const struct report_hop *hop = &column->path->hops[i];
		if (hop->ttl == ttl && has_reply(hop) && ttl <= column->reach)
			return hop;
	}
	return NULL;
}

static const struct report_hop *any_hop_at(const struct drawing *drawing, unsigned ttl)
{
	for (size_t i = 0; i < drawing->columns; i++) {
		const struct report_hop *hop = hop_at(&drawing->column[i], ttl);
		if (hop != NULL)
			return hop;
	}
	return NULL;
}

/* The VM itself sent the answer, as far as addresses tell. */
static bool arrives(const struct drawing *drawing, const struct column *column)
{
	const char *address = drawing->report->address;

	return column->end != NULL && column->end->address != NULL && address != NULL &&
	       strcmp(column->end->address, address) == 0;
}

/* An answer that says the port is reached: for SSH only a SYN-ACK will do, a control
 * port need not be open. */
static bool is_good(const struct drawing *drawing, const struct column *column)
{
	return column->end->kind == HOP_ACCEPTS ||
	       (!column->is_ssh && column->end->kind == HOP_RESETS && arrives(drawing, column));
}

/* The SSH port first, then those whose packets came farthest. */
static void add_column(struct drawing *drawing, const struct report_path *path)
{
	struct column column = { .path = path, .is_ssh = path->port == drawing->report->port };
	size_t place = 0;

	if (path->hop_count == 0)
		return;
	measure(&column);
	while (!column.is_ssh && place < drawing->columns &&
	       (drawing->column[place].is_ssh || drawing->column[place].reach >= column.reach))
		place++;
	if (place == COLUMNS_MAX)
		return;
	if (drawing->columns < COLUMNS_MAX)
		drawing->columns++;
	memmove(&drawing->column[place + 1], &drawing->column[place],
		(drawing->columns - 1 - place) * sizeof column);
	drawing->column[place] = column;
}

static void widen(struct drawing *drawing, const char *address)
{
	size_t length = address != NULL ? strlen(address) : 0;

	if (length > drawing->address_width && length <= 45)
		drawing->address_width = length;
}

static void plan(struct drawing *drawing)
{
	const struct report *report = drawing->report;

	for (size_t i = 0; i < report->path_count; i++)
		add_column(drawing, &report->paths[i]);
	widen(drawing, "255.255.255.255");
	widen(drawing, report->address);
	widen(drawing, report->local_address);
	for (size_t i = 0; i < drawing->columns; i++)
		for (size_t j = 0; j < drawing->column[i].path->hop_count; j++)
			widen(drawing, drawing->column[i].path->hops[j].address);
	size_t room = (PAGE_WIDTH - FIXED_WIDTH - drawing->address_width) / COLUMN_WIDTH;
	drawing->columns = drawing->columns < room ? drawing->columns : room;
	for (size_t i = 0; i < drawing->columns; i++) {
		const struct column *column = &drawing->column[i];
		unsigned row = column->reach + (column->end == NULL ? 1 : 0);
		drawing->last = row > drawing->last ? row : drawing->last;
	}
}

static void put_mark(struct page *page, enum ink ink, const char *mark, const char *word,
		     bool padded)
{
	char text[64];

	snprintf(text, sizeof text, "%s%s%s", mark, word != NULL ? " " : "",
		 word != NULL ? word : "");
	page_ink(page, ink);
	page_cell(page, padded ? COLUMN_WIDTH : 0, text);
	page_ink(page, INK_PLAIN);
}

/* What became of this port's packets at `ttl`. */
static void put_column(struct page *page, const struct drawing *drawing, size_t index, unsigned ttl)
{
	const struct column *column = &drawing->column[index];
	const struct report_hop *shown = any_hop_at(drawing, ttl);
	const struct report_hop *hop = hop_at(column, ttl);
	bool padded = index + 1 < drawing->columns;
	bool other = hop != NULL && hop->address != NULL && shown->address != NULL &&
		     strcmp(hop->address, shown->address) != 0;

	if (column->end != NULL && ttl == column->end->ttl) {
		bool good = is_good(drawing, column);
		put_mark(page, good ? INK_GREEN : INK_RED, good ? "o" : "X", column->end->reply,
			 padded);
	} else if (ttl <= column->reach) {
		put_mark(page, INK_PLAIN, hop != NULL || ttl == 0 ? "|" : ":",
			 other ? hop->address : NULL, padded);
	} else if (column->end == NULL && ttl == column->reach + 1) {
		put_mark(page, INK_RED, "X", column->is_ssh ? "stops here" : "no answer", padded);
	} else {
		put_mark(page, INK_PLAIN, "", NULL, padded);
	}
}

static void put_row(struct page *page, const struct drawing *drawing, unsigned ttl,
		    const char *label, const char *address, double rtt_ms)
{
	fprintf(page->out, "  %5s  ", label);
	page_cell(page, drawing->address_width, address != NULL ? address : "-");
	if (rtt_ms >= 0)
		fprintf(page->out, "  %7.*f  ", rtt_ms < 100 ? 2 : 0, rtt_ms);
	else
		fprintf(page->out, "  %7s  ", "");
	for (size_t i = 0; i < drawing->columns; i++)
		put_column(page, drawing, i, ttl);
	fputc('\n', page->out);
}

static void put_header(struct page *page, const struct drawing *drawing)
{
	fputs("    hop  ", page->out);
	page_cell(page, drawing->address_width, "address");
	fputs("       ms  ", page->out);
	for (size_t i = 0; i < drawing->columns; i++) {
		char name[32];
		snprintf(name, sizeof name, "port %u%s", drawing->column[i].path->port,
			 drawing->column[i].is_ssh ? " (ssh)" : "");
		page_cell(page, i + 1 < drawing->columns ? COLUMN_WIDTH : 0, name);
	}
	fputc('\n', page->out);
}

/* What the hop is called, on a line of its own: names are longer than any column. */
static void put_name(struct page *page, const char *name)
{
	if (name == NULL)
		return;
	page_ink(page, INK_DIM);
	page_item(page, 9, "", name);
	page_ink(page, INK_PLAIN);
}

/* Between the last hop inside the client's organisation and the first one outside. */
static void put_edge(struct page *page, const struct drawing *drawing)
{
	static const char rule[] = "---------------------------------------------";

	page_ink(page, INK_DIM);
	fprintf(page->out, "         %.*s edge of the organisation\n", (int)drawing->address_width,
		rule);
	page_ink(page, INK_PLAIN);
}

/* Consecutive hops that answered nobody are one row: "4-9". Returns its last TTL. */
static unsigned put_silence(struct page *page, const struct drawing *drawing, unsigned ttl)
{
	char label[32];
	unsigned last = ttl;

	while (last < drawing->last && any_hop_at(drawing, last + 1) == NULL)
		last++;
	bool open = last == drawing->last;
	if (open)
		snprintf(label, sizeof label, "%u+", ttl);
	else if (last > ttl)
		snprintf(label, sizeof label, "%u-%u", ttl, last);
	else
		snprintf(label, sizeof label, "%u", ttl);
	put_row(page, drawing, ttl, label, NULL, -1);
	return last;
}

static void put_rows(struct page *page, const struct drawing *drawing)
{
	bool was_inside = false;

	for (unsigned ttl = 1; ttl <= drawing->last; ttl++) {
		const struct report_hop *hop = any_hop_at(drawing, ttl);
		char label[32];

		if (hop == NULL) {
			ttl = put_silence(page, drawing, ttl);
			continue;
		}
		if (was_inside && !hop->inside)
			put_edge(page, drawing);
		was_inside = hop->inside;
		snprintf(label, sizeof label, "%u", ttl);
		put_row(page, drawing, ttl, label, hop->address, hop->rtt_ms);
		put_name(page, hop->name);
	}
}

static bool anyone_arrives(const struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->columns; i++)
		if (arrives(drawing, &drawing->column[i]))
			return true;
	return false;
}

void draw_path(struct page *page, const struct report *report)
{
	struct drawing drawing = { .report = report };

	plan(&drawing);
	if (drawing.columns == 0)
		return;
	page_title(page, "Path");
	put_header(page, &drawing);
	put_row(page, &drawing, 0, "0",
		report->local_address != NULL ? report->local_address : "this machine", -1);
	put_rows(page, &drawing);
	if (!anyone_arrives(&drawing) && report->address != NULL) {
		fputs("      ?  ", page->out);
		page_cell(page, drawing.address_width, report->address);
		fputs("           the VM: not seen\n", page->out);
	}
}
