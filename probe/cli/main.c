#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct command commands[] = {
	{ "probe", "why does SSH to HOST not work? asks the network, as root", command_probe },
	{ "analyze", "the same from saved captures", command_analyze },
	{ "explain", "the documented sources, causes, checks and fixes", command_explain },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fprintf(out, "Usage: sshwhy COMMAND [OPTION]... [ARGUMENT]...\n"
		     "Says why SSH to a VM does not work, and at which documented source the fault lies.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].does);
	fprintf(out, "\n\"sshwhy COMMAND --help\" lists a command's options.\n"
		     "Exit: 0 healthy, 1 fault, 2 ambiguous, 3 unknown; 64 and above: no verdict.\n");
}

int main(int argc, char **argv)
{
	/* A closed pipe is a write error to report (73), not a silent death. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("sshwhy %s\n", SSHWHY_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	struct error error = { 0 };
	error_set(&error, EXIT_USAGE, "unknown command \"%s\"; try \"sshwhy --help\"", argv[1]);
	return output_error(&error);
}
