/* The options every command shares, and what goes to stdout and stderr. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli/cli.h"
#include "sshwhy/memory.h"
#include "wall/wall.h"

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "one report a line, JSON Lines", 100 },
	{ "color", 'C', "WHEN", 0, "auto, always or never (NO_COLOR is obeyed)", 100 },
	{ "quiet", 'q', NULL, 0, "the verdict line only", 100 },
	{ "verbose", 'v', NULL, 0, "every fact with its packets", 100 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	static const char *const colors[] = { "auto", "always", "never" };
	struct output *output = state->input;
	struct error error = { 0 };
	int value = 0;
	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL; /* "Try --help" would be a second line */
		return 0;
	case 'j':
		output->json = true;
		return 0;
	case 'C':
		if (!parse_name("color", argument, colors, 3, &value, &error))
			usage_error("%s", error.text);
		output->color = (enum color)value;
		return 0;
	case 'q':
		output->verbosity = -1;
		return 0;
	case 'v':
		output->verbosity = 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp output_argp = { .options = options, .parser = parse };

bool output_colored(const struct output *output)
{
	const char *none = getenv("NO_COLOR");
	if (output->color != COLOR_AUTO)
		return output->color == COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && (none == NULL || none[0] == '\0');
}

bool output_report_to(const struct output *output, const struct report *report, FILE *out,
		      struct error *error)
{
	struct text_style style = { .color = output_colored(output),
				    .verbosity = output->verbosity };
	bool written = output->json ? report_json(report, out) : report_text(report, &style, out);
	return written || error_set(error, EXIT_CANNOT_WRITE, "the report cannot be written: %s",
				    strerror(errno));
}

bool output_report(const struct output *output, const struct report *report, struct error *error)
{
	if (!output_report_to(output, report, stdout, error))
		return false;
	if (fflush(stdout) != 0)
		return error_set(error, EXIT_CANNOT_WRITE, "the report cannot be written: %s",
				 strerror(errno));
	return true;
}

int output_error(const struct error *error)
{
	char safe[ESCAPE_TEXT];
	fprintf(stderr, "sshwhy: %s\n", escape_text(error->text, safe, sizeof(safe)));
	return (int)error->code;
}

void output_gap(const struct output *output)
{
	if (SSHWHY_WALL && output->verbosity > 0 && !wall_closes_files())
		fputs("sshwhy: this kernel has no Landlock: files are closed off by seccomp alone, "
		      "where there is any\n",
		      stderr);
}

void parse_command_line(const struct argp *argp, int argc, char **argv, void *input)
{
	int error = argp_parse(argp, argc, argv, 0, NULL, input);
	if (error == ENOMEM)
		out_of_memory();
	if (error != 0)
		exit(EXIT_USAGE); /* getopt has said why */
}

void usage_error(const char *format, ...)
{
	struct error error = { .code = EXIT_USAGE };
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error.text, sizeof(error.text), format, arguments);
	va_end(arguments);
	exit(output_error(&error));
}
