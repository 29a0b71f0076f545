#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "process/child.h"
#include "sshwhy/memory.h"

static const struct subcommand commands[] = {
	{ "probe", "why does SSH to HOST not work? asks the network, as root", command_probe,
	  true },
	{ "analyze", "the same from saved captures", command_analyze, true },
	{ "watch", "the same from live traffic, sending nothing", command_watch, true },
	{ "ssh", "your own ssh; says why when it fails or stands still", command_ssh, false },
	{ "explain", "the documented sources, causes, checks and fixes", command_explain, false },
};

const char *argp_program_version = "sshwhy " SSHWHY_VERSION;

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fprintf(out, "Usage: sshwhy COMMAND [OPTION]... [ARGUMENT]...\n"
		     "Says why SSH to a VM does not work, and at which documented source the fault "
		     "lies.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].does);
	fprintf(out,
		"\n\"sshwhy COMMAND --help\" lists a command's options.\n"
		"Exit: 0 healthy, 1 fault, 2 ambiguous, 3 unknown; 64 and above: no verdict.\n");
}

/* Libraries give up by exit(), with a number of their own, when they are out of memory: that is no
 * verdict. Whatever this program ends with by itself before its command returns is 0 or 64 and
 * above. */
static void refuse_foreign_exit(int code, void *context)
{
	const bool *returned = context;
	struct error error = { 0 };
	if (*returned || code == 0 || code >= EXIT_USAGE)
		return;
	error_set(&error, EXIT_UNAVAILABLE, "a library gives up: out of memory, perhaps");
	_exit(output_error(&error));
}

/* A disk may be full for help and version too, which return before anybody has looked. */
static void close_stdout(void)
{
	bool known = ferror(stdout);
	struct error error = { 0 };
	if (fclose(stdout) == 0)
		return;
	error_set(&error, EXIT_CANNOT_WRITE, "standard output cannot be written");
	if (!known)
		output_error(&error);
	_exit(EXIT_CANNOT_WRITE);
}

static void tell_of_missing_wall(void)
{
	if (SSHWHY_WALL && !child_can_forbid())
		fputs("sshwhy: this kernel has no seccomp: what reads strangers' bytes has no "
		      "privilege, but no wall around it\n",
		      stderr);
}

static int run(const struct subcommand *command, int argc, char **argv)
{
	char name[32]; /* what --help and getopt call the program */
	snprintf(name, sizeof(name), "sshwhy %s", command->name);
	argv[0] = name;
	bool returned = false;
	on_exit(refuse_foreign_exit, &returned);
	if (command->reads_strangers)
		tell_of_missing_wall();
	int code = command->run(argc, argv);
	returned = true;
	exit(code); /* from here, where `returned` is */
}

/* What is opened first would get the number of a closed standard stream, and what is meant for
 * that stream would be written into it. Opened the wrong way round, the stream still fails as a
 * closed one does. */
static void fill_standard_streams(void)
{
	static const int wrong_way[] = { O_WRONLY, O_RDONLY, O_RDONLY };
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", wrong_way[fd]) != fd)
			_exit(EXIT_UNAVAILABLE);
}

int main(int argc, char **argv)
{
	fill_standard_streams();
	atexit(close_stdout);
	/* A JSON object that lacks something for want of memory would be a wrong one. */
	json_set_alloc_funcs(memory_or_end, free);
	/* A closed pipe or a file that may not grow is a write error to report (73), not a silent
	 * death. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
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
			return run(&commands[i], argc - 1, argv + 1);
	struct error error = { 0 };
	error_set(&error, EXIT_USAGE, "unknown command \"%s\"; try \"sshwhy --help\"", argv[1]);
	return output_error(&error);
}
