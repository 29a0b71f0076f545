/* page: what people read, at most PAGE_WIDTH columns wide; filled by text.c, draw.c and explain.c.
 *
 * Every text goes through escape_text() here, so that a caller may hand over raw
 * bytes. Nothing is checked after each write: look at ferror() when all is written.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sshwhy/guide.h"

#define PAGE_WIDTH 100

struct page {
	FILE *out;
	bool color;
};

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_RED, INK_GREEN, INK_YELLOW, INK_CYAN };

/* Everything from here on is in `ink`; nothing happens without colour. */
void page_ink(struct page *page, enum ink ink);

/* A section title with an empty line before it. */
void page_title(struct page *page, const char *title);

/* `lead` after `indent` spaces, then `text` wrapped, its lines aligned behind the
 * lead, and a newline. */
void page_item(struct page *page, size_t indent, const char *lead, const char *text);

/* The same with a formatted text (cut at 4 KiB). */
void page_format(struct page *page, size_t indent, const char *lead, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A command that stays ready to paste: long ones continue on the next line the way
 * `shell` wants it, broken only between arguments. */
void page_command(struct page *page, size_t indent, enum shell shell, const char *command);

/* `text` padded with spaces to `columns`; longer text is written whole. */
void page_cell(struct page *page, size_t columns, const char *text);

/* A probability as a person reads it: "81 %", never "100 %" or "0 %" for a doubt. */
#define PERCENT_TEXT 8
const char *page_percent(double probability, char text[PERCENT_TEXT]);

#endif
