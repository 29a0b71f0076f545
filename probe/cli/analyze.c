/* sshwhy analyze: the diagnosis from saved captures. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "sshwhy/conversations.h"
#include "sshwhy/verdict.h"

#define PORTS_MAX 16

struct arguments {
	struct output output;
	struct report_options report;
	char **files;
	int file_count;
	uint16_t ports[PORTS_MAX];
	size_t port_count;
	const char *only;
	enum vantage vantage;
};

enum key { KEY_VANTAGE = 256, KEY_PORT, KEY_ONLY, KEY_GROUP, KEY_VM };

static const struct argp_option options[] = {
	{ "vantage", KEY_VANTAGE, "WHERE", 0,
	  "client, internet, vnet or vm: where the capture was taken", 1 },
	{ "port", KEY_PORT, "LIST", 0,
	  "further SSH ports (22, and streams that start with SSH-, always are)", 1 },
	{ "only", KEY_ONLY, "PATTERN", 0, "servers whose address matches the shell pattern", 1 },
	{ "resource-group", KEY_GROUP, "G", 0, "fills in the commands that are printed", 2 },
	{ "vm-name", KEY_VM, "V", 0, "fills in the commands that are printed", 2 },
	{ 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *a = state->input;
	struct error error = { 0 };
	int value = 0;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->output;
		return 0;
	case ARGP_KEY_ARGS:
		a->files = state->argv + state->next;
		a->file_count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		usage_error("a capture file is missing");
		return 0;
	case KEY_VANTAGE:
		if (!parse_name("vantage", text, vantage_names, VANTAGES, &value, &error))
			usage_error("%s", error.text);
		a->vantage = (enum vantage)value;
		return 0;
	case KEY_PORT:
		if (!parse_ports(text, a->ports, PORTS_MAX, &a->port_count, &error))
			usage_error("%s", error.text);
		return 0;
	case KEY_ONLY:
		a->only = text;
		return 0;
	case KEY_GROUP:
		a->report.group = text;
		return 0;
	case KEY_VM:
		a->report.vm = text;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Of several exit codes the gravest is kept: no verdict (64 and above), then faults in
 * the order 1, 2, 3, then 0. */
static int graver(int a, int b)
{
	return a > b ? a : b;
}

static int report_one(const struct arguments *a, const struct run *run, const char *file,
		      unsigned attempts, struct arena *arena)
{
	struct report report;
	struct error error = { 0 };
	report_build(&report, run, &a->report, arena);
	if (a->only != NULL && report.address != NULL && fnmatch(a->only, report.address, 0) != 0)
		return EXIT_HEALTHY;
	report.capture = file;
	report.attempts = attempts;
	if (!output_report(&a->output, &report, &error))
		return output_error(&error);
	return report_exit_code(&report);
}

static int report_capture(const struct arguments *a, struct run *run, const char *file,
			  struct arena *arena)
{
	size_t count;
	const struct conversation *found =
		conversations_find(run, a->ports, a->port_count, arena, &count);
	int code = EXIT_HEALTHY;
	run->vantage = a->vantage;
	for (size_t i = 0; i < count; i++) {
		struct run part = conversation_run(run, &found[i], arena);
		code = graver(code, report_one(a, &part, file, found[i].attempts, arena));
	}
	if (count == 0) {
		struct error error = { 0 };
		error_set(&error, EXIT_UNKNOWN, "%s: no SSH conversation in %zu frames", file,
			  run->frame_count);
		return output_error(&error);
	}
	return code;
}

static int analyze_file(const struct arguments *a, const char *file)
{
	struct run run;
	struct arena arena = { 0 };
	struct error error = { 0 };
	int code = EXIT_HEALTHY;
	bool whole = run_load(&run, file, &error);
	if (run.planned)
		code = report_one(a, &run, file, 1, &arena);
	else if (whole || run.frame_count > 0)
		code = report_capture(a, &run, file, &arena);
	if (!whole)
		code = output_error(&error);
	arena_free(&arena);
	run_free(&run);
	return code;
}

int command_analyze(int argc, char **argv)
{
	static const struct argp_child children[] = { { &output_argp, 0, "Output:", 9 }, { 0 } };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "FILE...",
		.doc = "Says why SSH did not work, from pcap or pcapng captures (\"-\": standard "
		       "input).",
		.children = children,
	};
	struct arguments a = { 0 };
	int code = EXIT_HEALTHY;
	parse_command_line(&argp, argc, argv, &a);
	for (int i = 0; i < a.file_count; i++)
		code = graver(code, analyze_file(&a, a.files[i]));
	return code;
}
