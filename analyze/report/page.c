#include "report/page.h"

#include <stdarg.h>
#include <string.h>

#include "base/escape.h"
#include "guide/shell.h"

void page_ink(struct page *page, enum ink ink)
{
	static const char *const codes[] = {
		[INK_PLAIN] = "\033[0m", [INK_BOLD] = "\033[1m",   [INK_DIM] = "\033[2m",
		[INK_RED] = "\033[31m",	 [INK_GREEN] = "\033[32m", [INK_YELLOW] = "\033[33m",
		[INK_CYAN] = "\033[36m",
	};

	if (page->color)
		fputs(codes[ink], page->out);
}

void page_title(struct page *page, const char *title)
{
	fputc('\n', page->out);
	page_ink(page, INK_BOLD);
	fputs(title, page->out);
	page_ink(page, INK_PLAIN);
	fputc('\n', page->out);
}

static void newline(struct page *page, size_t indent)
{
	fprintf(page->out, "\n%*s", (int)indent, "");
}

/* How many bytes of `text` fit in `columns`, at least one character. */
static size_t fitting(const char *text, size_t length, size_t columns)
{
	size_t at = 0;
	size_t used = 0;

	while (at < length) {
		uint32_t code;
		size_t step = utf8_decode(text + at, &code);
		step = step > 0 ? step : 1;
		used += utf8_columns(text + at, step);
		if (used > columns && at > 0)
			break;
		at += step;
	}
	return at;
}

/* Writes one word at `column`, on a new line when it does not fit, in pieces when
 * it fits on none. Returns the column behind it. */
static size_t put_word(struct page *page, const char *word, size_t length, size_t column,
		       size_t indent)
{
	size_t columns = utf8_columns(word, length);
	bool first = column == indent;

	if (!first && column + 1 + columns <= PAGE_WIDTH) {
		fputc(' ', page->out);
		column++;
	} else if (!first) {
		newline(page, indent);
		column = indent;
	}
	while (column + columns > PAGE_WIDTH) {
		size_t piece = fitting(word, length, PAGE_WIDTH - indent);
		fwrite(word, 1, piece, page->out);
		word += piece;
		length -= piece;
		columns = utf8_columns(word, length);
		if (length > 0)
			newline(page, indent);
	}
	fwrite(word, 1, length, page->out);
	return column + columns;
}

static void put_words(struct page *page, size_t indent, const char *text)
{
	size_t column = indent;

	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		if (length > 0)
			column = put_word(page, text, length, column, indent);
		text += length;
		text += strspn(text, " ");
	}
}

void page_item(struct page *page, size_t indent, const char *lead, const char *text)
{
	char safe_lead[ESCAPE_TEXT];
	char safe[ESCAPE_TEXT];

	escape_text(lead, safe_lead, sizeof safe_lead);
	size_t columns = utf8_columns(safe_lead, strlen(safe_lead));
	fprintf(page->out, "%*s%s", (int)indent, "", safe_lead);
	if (columns > PAGE_WIDTH / 2) { /* too long to hang anything behind it */
		newline(page, indent + 2);
		columns = 2;
	}
	put_words(page, indent + columns, escape_text(text, safe, sizeof safe));
	fputc('\n', page->out);
}

void page_format(struct page *page, size_t indent, const char *lead, const char *format, ...)
{
	char text[ESCAPE_TEXT];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	page_item(page, indent, lead, text);
}

void page_command(struct page *page, size_t indent, enum shell shell, const char *command)
{
	char safe[ESCAPE_TEXT];
	const char *rest = escape_command(command, safe, sizeof safe);
	size_t at = indent;

	fprintf(page->out, "%*s", (int)indent, "");
	while (at + utf8_columns(rest, strlen(rest)) > PAGE_WIDTH) {
		size_t length = shell_fold(shell, rest, PAGE_WIDTH - 2 - at);
		if (length == 0)
			break;
		fprintf(page->out, "%.*s %c", (int)length, rest, shell_escape(shell));
		rest += length + 1;
		at = indent + 4;
		newline(page, at);
	}
	fprintf(page->out, "%s\n", rest);
}

void page_cell(struct page *page, size_t columns, const char *text)
{
	char safe[ESCAPE_TEXT];

	escape_text(text, safe, sizeof safe);
	size_t used = utf8_columns(safe, strlen(safe));
	fprintf(page->out, "%s%*s", safe, used < columns ? (int)(columns - used) : 0, "");
}

const char *page_percent(double probability, char text[PERCENT_TEXT])
{
	if (!(probability >= 0.01))
		snprintf(text, PERCENT_TEXT, "<1 %%");
	else if (probability >= 0.995)
		snprintf(text, PERCENT_TEXT, ">99 %%");
	else
		snprintf(text, PERCENT_TEXT, "%.0f %%", probability * 100);
	return text;
}
