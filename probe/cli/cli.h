/* cli: the command line: a table of subcommands, each a file. */
#ifndef CLI_H
#define CLI_H

#include <argp.h>

#include "sshwhy/report.h"
#include "sshwhy/run.h"

struct subcommand {
	const char *name, *does;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
	bool reads_strangers;		   /* and has a wall around it then */
};

int command_probe(int argc, char **argv);
int command_analyze(int argc, char **argv);
int command_watch(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_ssh(int argc, char **argv);

/* -- options that all commands share ---------------------------------------------- */

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct output {
	bool json;
	enum color color;
	int verbosity;
};
extern const struct argp output_argp; /* input: struct output */

/* Writes the report to stdout as asked. EXIT_CANNOT_WRITE when that fails. */
bool output_report(const struct output *output, const struct report *report, struct error *error);

/* The same to another stream than stdout, and not flushed. */
bool output_report_to(const struct output *output, const struct report *report, FILE *out,
		      struct error *error);
bool output_colored(const struct output *output); /* is stdout's text to be coloured? */

/* To who asks for everything: whether the kernel lacks Landlock. Comes before there is a wall. */
void output_gap(const struct output *output);

/* Prints "sshwhy: text" on stderr, safe for a terminal; returns the error's exit code. */
int output_error(const struct error *error);

/* Reads a command's line into `input`; ends the program when it makes no sense. */
void parse_command_line(const struct argp *argp, int argc, char **argv, void *input);

/* Interrupts are read, not caught: a command ends where it can, and tells what it has seen. The
 * descriptor becomes readable with SIGINT, SIGTERM, SIGHUP and SIGQUIT, but for those that were
 * ignored from the start; a second one changes nothing. */
int open_signals(void);

/* What argp_error() does in two lines: says why in one, and ends the program. */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -- option values; each returns false after filling `error` (EXIT_USAGE) ------------ */

/* HOST, HOST:PORT, [IPv6], [IPv6]:PORT or a bare IPv6 literal; `host` is strdup'ed. */
bool parse_target(const char *text, char **host, uint16_t *port, struct error *error);
bool parse_name(const char *option, const char *text, const char *const *names, int count,
		int *value, struct error *error);
bool parse_ports(const char *text, uint16_t *ports, size_t room, size_t *count,
		 struct error *error);
bool parse_seconds(const char *text, int64_t *ns, struct error *error);

#endif
