/* What `sshwhy explain` prints of the guide. */
#include "sshwhy/explain.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/page.h"
#include "sshwhy/guide.h"

/* -- for people ------------------------------------------------------------------- */

static void put_checks(struct page *page, struct arena *arena, enum cause cause)
{
	const char *checks = guide_checks(arena, cause);

	if (*checks != '\0')
		page_title(page, "Is it this cause?");
	while (*checks != '\0') {
		size_t length = strcspn(checks, "\n");
		page_item(page, 2, "- ", arena_copy(arena, checks, length));
		checks += length + (checks[length] == '\n');
	}
}

static void put_fixes(struct page *page, struct arena *arena, enum cause cause)
{
	size_t count;
	const struct guide_fix *fixes = guide_all_fixes(arena, cause, &count);

	if (count > 0)
		page_title(page, "Fixes");
	for (size_t i = 0; i < count; i++) {
		if (fixes[i].command == NULL) {
			page_item(page, 2, "- ", fixes[i].text);
			continue;
		}
		page_format(page, 2, "- ", "%s (%s)", fixes[i].text, shell_name(fixes[i].shell));
		page_command(page, 6, fixes[i].shell, fixes[i].command);
	}
}

void explain_cause(enum cause cause, FILE *out)
{
	struct page page = { .out = out };
	struct arena arena = { 0 };
	uint8_t source = cause_source(cause);
	struct guide_source about = guide_source(source);

	fprintf(out, "%s: %s\n", cause_name(cause), cause_title(cause));
	if (source != 0)
		page_format(&page, 2, "", "Source %u of the guide, %s%s%s", source,
			    source_title(source), *about.edition != '\0' ? "; " : "",
			    about.edition);
	fputc('\n', out);
	page_item(&page, 2, "", guide_means(&arena, cause));
	if (source != 0) {
		page_title(&page, "Is it this source?");
		page_item(&page, 2, "- ", about.test);
	}
	put_checks(&page, &arena, cause);
	put_fixes(&page, &arena, cause);
	arena_free(&arena);
}

void explain_list(FILE *out)
{
	/* The guide's order; what belongs to no source comes last. */
	static const uint8_t order[] = { 1, 2, 3, 4, 5, 0 };

	for (size_t i = 0; i < sizeof order; i++) {
		fprintf(out, "%s", i > 0 ? "\n" : "");
		if (order[i] != 0)
			fprintf(out, "source %u, %s (%s)\n", order[i], source_title(order[i]),
				source_name(order[i]));
		else
			fputs("no source\n", out);
		for (unsigned cause = 0; cause < CAUSES; cause++)
			if (cause_source((enum cause)cause) == order[i])
				fprintf(out, "  %-24s%s\n", cause_name((enum cause)cause),
					cause_title((enum cause)cause));
	}
}

/* -- for scripts ------------------------------------------------------------------ */

/* NULL, here and below, only when memory is short: json_pack() then fails in turn. */
static json_t *checks_json(struct arena *arena, enum cause cause)
{
	const char *checks = guide_checks(arena, cause);
	json_t *array = json_array();

	while (array != NULL && *checks != '\0') {
		size_t length = strcspn(checks, "\n");
		if (json_array_append_new(array, json_stringn(checks, length)) != 0) {
			json_decref(array);
			return NULL;
		}
		checks += length + (checks[length] == '\n');
	}
	return array;
}

static json_t *fixes_json(struct arena *arena, enum cause cause)
{
	size_t count;
	const struct guide_fix *fixes = guide_all_fixes(arena, cause, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *fix = json_pack("{s:s,s:s?,s:s?}", "text", fixes[i].text, "shell",
					shell_name(fixes[i].shell), "command", fixes[i].command);
		if (json_array_append_new(array, fix) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static bool write_line(char *line, FILE *out)
{
	size_t length = strlen(line);

	line[length] = '\n'; /* in the NUL's place: one write */
	return fwrite(line, length + 1, 1, out) == 1;
}

bool explain_cause_json(enum cause cause, FILE *out)
{
	struct arena arena = { 0 };
	uint8_t source = cause_source(cause);
	struct guide_source about = guide_source(source);
	json_t *root = json_pack("{s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:s,s:o,s:o}", "schema",
				 "sshwhy.explain/1", "cause", cause_name(cause), "title",
				 cause_title(cause), "source", (int)source, "source_name",
				 source_name(source), "source_title", source_title(source), "means",
				 guide_means(&arena, cause), "test", about.test, "checks",
				 checks_json(&arena, cause), "fixes", fixes_json(&arena, cause));
	char *line = root != NULL ? json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	bool written = line != NULL && write_line(line, out);

	free(line);
	json_decref(root);
	arena_free(&arena);
	return written;
}
