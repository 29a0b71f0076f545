/* The guide as a table (fixes.def), for the report and for `sshwhy explain`. */
#include "sshwhy/explain.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/page.h"
#include "report/template.h"

enum when { ANY = 3, ARM = 1, CLASSIC = 2 }; /* a set of deployments */

static const struct about {
	const char *means;
	const char *checks; /* one a line */
} abouts[CAUSES] = {
#define ABOUT(id, means, checks) [CAUSE_##id] = { means, checks },
#define FIX(id, when, shell, text, command)
#include "report/fixes.def"
#undef ABOUT
#undef FIX
};

#define AZ	   "azure-cli"
#define POWERSHELL "powershell"
#define SH	   "sh"
#define AZURE	   "azure-classic"
#define PERSON	   NULL

static const struct fix_row {
	enum cause cause;
	enum when when;
	const char *shell;
	const char *text;
	const char *command;
} fix_rows[] = {
#define ABOUT(id, means, checks)
#define FIX(id, when, shell, text, command) { CAUSE_##id, when, shell, text, command },
#include "report/fixes.def"
#undef ABOUT
#undef FIX
};

#define FIX_ROWS (sizeof fix_rows / sizeof fix_rows[0])

/* What the guide says of each source: how to tell whether it is the one, and the
 * number of its place in the present edition, which dropped the third. */
static const struct {
	const char *test;
	const char *edition;
} sources[] = {
	{ "", "" },
	{ "From this computer, SSH to another Linux host on your own network (sshwhy probe "
	  "--reference HOST). If that fails too, this computer is the source; if it works, go on "
	  "to source 2.",
	  "" },
	{ "From a computer directly connected to the Internet, SSH to the VM (sshwhy probe "
	  "--vantage internet). If that works, the edge is the source. A VM that is reached over a "
	  "site-to-site VPN or ExpressRoute skips this: go on to source 4.",
	  "" },
	{ "From another VM in the same virtual network, SSH to the VM (sshwhy probe --vantage "
	  "vnet). If that works, the endpoint or its ACL is the source. Only VMs of the classic "
	  "deployment model have one; load balancer and firewall NAT rules hold its place today.",
	  "dropped from the guide's present edition" },
	{ "See that the rules of the network security groups allow SSH traffic from the Internet, "
	  "and that a subnet or NIC refers to them. SSH from the same virtual network does not "
	  "clear them: the default rules let it in.",
	  "source 3 in the guide's present edition" },
	{ "What is left when the other four are cleared. Reset the SSH configuration or the "
	  "password first, then try again from your computer.",
	  "source 4 in the guide's present edition" },
};

/* -- fixes ------------------------------------------------------------------------ */

static struct report_fix filled(struct arena *arena, const struct fix_row *row,
				const struct explain_values *values)
{
	struct report_fix fix = { .cause = row->cause, .shell = row->shell };

	fix.text = template_fill(arena, row->text, NULL, values);
	if (row->command != NULL)
		fix.command = template_fill(arena, row->command, row->shell, values);
	return fix;
}

static const struct report_fix *fixes_of(struct arena *arena, enum cause cause, unsigned when,
					 const struct explain_values *values, size_t *count)
{
	struct report_fix *fixes = NULL;

	*count = 0;
	for (size_t i = 0; i < FIX_ROWS; i++) {
		if (fix_rows[i].cause != cause || (fix_rows[i].when & when) == 0)
			continue;
		fixes = arena_grow(arena, fixes, *count, sizeof *fixes);
		fixes[(*count)++] = filled(arena, &fix_rows[i], values);
	}
	return fixes;
}

const struct report_fix *explain_fixes(struct arena *arena, enum cause cause,
				       const struct explain_values *values, size_t *count)
{
	bool classic = values != NULL && values->classic;

	return fixes_of(arena, cause, classic ? CLASSIC : ARM, values, count);
}

/* -- for people ------------------------------------------------------------------- */

static void put_checks(struct page *page, struct arena *arena, enum cause cause)
{
	const char *checks = template_fill(arena, abouts[cause].checks, NULL, NULL);

	while (*checks != '\0') {
		size_t length = strcspn(checks, "\n");
		page_item(page, 2, "- ", arena_copy(arena, checks, length));
		checks += length + (checks[length] == '\n');
	}
}

static void put_fixes(struct page *page, struct arena *arena, enum cause cause)
{
	size_t count;
	const struct report_fix *fixes = fixes_of(arena, cause, ANY, NULL, &count);

	if (count > 0)
		page_title(page, "Fixes");
	for (size_t i = 0; i < count; i++) {
		if (fixes[i].command == NULL) {
			page_item(page, 2, "- ", fixes[i].text);
			continue;
		}
		page_format(page, 2, "- ", "%s (%s)", fixes[i].text, fixes[i].shell);
		page_command(page, 6, fixes[i].shell, fixes[i].command);
	}
}

void explain_cause(enum cause cause, FILE *out)
{
	struct page page = { .out = out };
	struct arena arena = { 0 };
	uint8_t source = cause_source(cause);

	fprintf(out, "%s: %s\n", cause_name(cause), cause_title(cause));
	if (source != 0)
		page_format(&page, 2, "", "Source %u of the guide, %s%s%s", source,
			    source_title(source), *sources[source].edition != '\0' ? "; " : "",
			    sources[source].edition);
	fputc('\n', out);
	page_item(&page, 2, "", template_fill(&arena, abouts[cause].means, NULL, NULL));
	if (source != 0) {
		page_title(&page, "Is it this source?");
		page_item(&page, 2, "- ", sources[source].test);
	}
	if (*abouts[cause].checks != '\0') {
		page_title(&page, "Is it this cause?");
		put_checks(&page, &arena, cause);
	}
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
	const char *checks = template_fill(arena, abouts[cause].checks, NULL, NULL);
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
	const struct report_fix *fixes = fixes_of(arena, cause, ANY, NULL, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *fix = json_pack("{s:s,s:s?,s:s?}", "text", fixes[i].text, "shell",
					fixes[i].shell, "command", fixes[i].command);
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
	json_t *root = json_pack("{s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:s,s:o,s:o}", "schema",
				 "sshwhy.explain/1", "cause", cause_name(cause), "title",
				 cause_title(cause), "source", (int)source, "source_name",
				 source_name(source), "source_title", source_title(source), "means",
				 template_fill(&arena, abouts[cause].means, NULL, NULL), "test",
				 sources[source].test, "checks", checks_json(&arena, cause),
				 "fixes", fixes_json(&arena, cause));
	char *line = root != NULL ? json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	bool written = line != NULL && write_line(line, out);

	free(line);
	json_decref(root);
	arena_free(&arena);
	return written;
}
