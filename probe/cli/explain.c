/* sshwhy explain: the guide's sources and causes. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "sshwhy/explain.h"
#include "wall/wall.h"

struct explain_arguments {
	struct output output;
	const char *cause;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct explain_arguments *a = state->input;
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = &a->output;
	else if (key == ARGP_KEY_ARG && a->cause == NULL)
		a->cause = text;
	else if (key == ARGP_KEY_ARG)
		usage_error("one cause only");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static bool print(const struct explain_arguments *a, enum cause cause)
{
	if (a->output.json)
		return explain_cause_json(cause, stdout);
	explain_cause(cause, stdout);
	return true;
}

static bool print_all(const struct explain_arguments *a)
{
	if (!a->output.json) {
		explain_list(stdout);
		return true;
	}
	for (int cause = 0; cause < CAUSES; cause++)
		if (!print(a, (enum cause)cause))
			return false;
	return true;
}

int command_explain(int argc, char **argv)
{
	static const struct argp_child children[] = { { &output_argp, 0, "Output:", 9 }, { 0 } };
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "[CAUSE]",
		.doc = "The documented source, checks and fixes of a cause; without CAUSE, the "
		       "list.",
		.children = children,
	};
	struct explain_arguments a = { 0 };
	struct error error = { 0 };
	enum cause cause = CAUSE_UNKNOWN;
	parse_command_line(&argp, argc, argv, &a);
	if (!wall_reader(NULL, 0, &error))
		return output_error(&error);
	if (a.cause != NULL && !cause_by_name(a.cause, &cause)) {
		error_set(&error, EXIT_USAGE,
			  "no cause is called \"%s\"; \"sshwhy explain\" lists them", a.cause);
		return output_error(&error);
	}
	bool written = a.cause != NULL ? print(&a, cause) : print_all(&a);
	if (!written || fflush(stdout) != 0) {
		error_set(&error, EXIT_CANNOT_WRITE, "standard output cannot be written");
		return output_error(&error);
	}
	return 0;
}
