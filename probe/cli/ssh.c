/* sshwhy ssh: the person's own ssh, and why it fails. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli/cli.h"
#include "cli/outfile.h"
#include "company/company.h"
#include "company/program.h"

struct ssh_arguments {
	char **words; /* ssh's, ends with NULL */
	int64_t patience_ns;
	const char *report, *save;
	struct outfile report_file, save_file;
	enum color color;
	int code; /* of what could not be written; 0: all could */
};

enum { KEY_PATIENCE = 256, KEY_REPORT };

static const struct argp_option options[] = {
	{ "patience", KEY_PATIENCE, "SECONDS", 0,
	  "how long ssh may stand still before that is explained (10)", 1 },
	{ "report", KEY_REPORT, "FILE", 0, "the diagnosis as JSON, when there is one", 2 },
	{ "write", 'w', "FILE.pcapng", 0, "save what it rests on", 2 },
	{ "color", 'C', "WHEN", 0, "auto, always or never (NO_COLOR is obeyed)", 3 },
	{ 0 },
};

static bool set_option(struct ssh_arguments *a, int key, char *text, struct error *error)
{
	static const char *const colors[] = { "auto", "always", "never" };
	int value = 0;
	if (key == KEY_PATIENCE)
		return parse_seconds(text, &a->patience_ns, error);
	if (!parse_name("color", text, colors, 3, &value, error))
		return false;
	a->color = (enum color)value;
	return true;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct ssh_arguments *a = state->input;
	struct error error = { 0 };
	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL;
		return 0;
	case ARGP_KEY_ARGS:
		a->words = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		usage_error("what ssh is to do is missing (-- ARG...)");
	case KEY_REPORT:
		a->report = text;
		return 0;
	case 'w':
		a->save = text;
		return 0;
	case KEY_PATIENCE:
	case 'C':
		if (!set_option(a, key, text, &error))
			exit(output_error(&error));
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* -- files ------------------------------------------------------------------------------------ */

static bool open_files(struct ssh_arguments *a, struct error *error)
{
	a->report_file.fd = a->save_file.fd = -1;
	return (a->report == NULL || outfile_open(&a->report_file, a->report, error)) &&
	       (a->save == NULL || outfile_open(&a->save_file, a->save, error));
}

static void write_file(struct ssh_arguments *a, struct outfile *file, const char *path,
		       const char *bytes, size_t length)
{
	struct error error = { 0 };
	if (path == NULL || bytes == NULL)
		return;
	bool written =
		(file->fifo || ftruncate(file->fd, 0) == 0) && outfile_write(file, bytes, length);
	file->created = false; /* it stays */
	if (!written) {
		error_set(&error, EXIT_CANNOT_WRITE, "%s: %s", path, strerror(errno));
		a->code = output_error(&error);
	}
}

/* Of a session that needed no word nothing is left. */
static void close_file(struct outfile *file, const char *path)
{
	if (path != NULL && file->created)
		outfile_remove(file, path);
	if (path != NULL)
		outfile_close(file);
}

/* -- what is told ------------------------------------------------------------ */

/* The report, and what ssh's own connection showed where the report is a probe's. NULL: it is
 * none. The caller frees it. */
static char *whole_report(const struct told *told, size_t *length)
{
	const char *json = told->stands != NULL ? told->stands->part[FINDING_JSON] : NULL;
	const char *other = told->connection != NULL ? told->connection->part[FINDING_JSON] : NULL;
	json_t *report = json != NULL ? json_loads(json, 0, NULL) : NULL;
	if (report == NULL)
		return NULL;
	if (told->summary != NULL)
		json_object_set_new(json_object_get(report, "verdict"), "summary",
				    json_string(told->summary));
	if (other != NULL)
		json_object_set_new(report, "connection", json_loads(other, 0, NULL));
	char *line = json_dumps(report, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(report);
	*length = line != NULL ? strlen(line) : 0;
	if (line != NULL)
		line[(*length)++] = '\n'; /* in the place of the zero */
	return line;
}

static void write_files(struct ssh_arguments *a, const struct told *told)
{
	size_t length = 0;
	char *line = whole_report(told, &length);
	write_file(a, &a->report_file, a->report, line, length);
	free(line);
	if (told->stands != NULL)
		write_file(a, &a->save_file, a->save, told->stands->part[FINDING_RUN],
			   told->stands->length[FINDING_RUN]);
}

/* "\033[1m": colour, and nothing else that begins with an escape. */
static size_t color_length(const char *text)
{
	size_t length = 2 + strspn(text + (text[1] == '[' ? 2 : 0), "0123456789;");
	return text[1] == '[' && text[length] == 'm' ? length + 1 : 0;
}

/* What comes from those who read the network is escaped by them; it is looked at once more. */
static void put_text(const char *text, bool color)
{
	while (*text != '\0') {
		size_t skip = *text == '\033' ? color_length(text) : 1;
		if (skip > 1 && color)
			fwrite(text, 1, skip, stderr);
		else if (*text == '\n' || ((unsigned char)*text >= ' ' && *text != 0x7f))
			fputc(*text, stderr);
		text += skip > 0 ? skip : 1;
	}
}

static bool is_colored(const struct ssh_arguments *a)
{
	const char *none = getenv("NO_COLOR");
	if (a->color != COLOR_AUTO)
		return a->color == COLOR_ALWAYS;
	return isatty(STDERR_FILENO) && (none == NULL || none[0] == '\0');
}

/* In a few words where it came far, and another is at fault: what failed then is not its packets'.
 */
static const char *words_of_connection(const struct told *told)
{
	const struct found_out *connection = told->connection;
	if (told->summary != NULL)
		return told->summary;
	if (connection == NULL)
		connection = told->stands;
	const char *summary = connection != NULL ? connection->part[FINDING_SUMMARY] : NULL;
	if (told->connection != NULL && connection->keyed)
		return "it came through the key exchange";
	return summary != NULL ? summary : "nothing is known of it";
}

static void tell(void *context, const struct told *told)
{
	struct ssh_arguments *a = context;
	bool color = is_colored(a);
	fputs(told->running ? "sshwhy: ssh stands still" : "sshwhy: ssh has failed", stderr);
	if (told->words != NULL) {
		char safe[ESCAPE_TEXT];
		fputs("; ", stderr);
		put_text(escape_text(told->words, safe, sizeof(safe)), false);
	} else if (told->connection != NULL || told->healthy) {
		fputs(told->connection != NULL ? "; its own connection: " : "; ", stderr);
		put_text(words_of_connection(told), false);
	}
	if (told->healthy)
		fputs("; a probe beside it finds nothing wrong", stderr);
	fputc('\n', stderr);
	/* a report in which nothing is at fault has no more to say */
	if (told->stands != NULL && told->stands->part[FINDING_TEXT] != NULL && !told->healthy)
		put_text(told->stands->part[FINDING_TEXT], color);
	write_files(a, told);
}

/* -- the command ------------------------------------------------------------ */

/* What makes no connection needs no company. */
static int only_ssh(char *const *words)
{
	struct error error = { 0 };
	struct person person;
	person_find(&person);
	program_become(words, &person);
	error_set(&error, EXIT_UNAVAILABLE, "ssh: %s", strerror(errno));
	output_error(&error);
	return 127; /* as a shell says */
}

static int keep_company(struct ssh_arguments *a, const struct ssh_line *line)
{
	struct error error = { 0 };
	struct company_wish wish = { .words = a->words,
				     .line = line,
				     .patience_ms = (int)(a->patience_ns / 1000000),
				     .color = is_colored(a),
				     .frames = a->save != NULL,
				     .tell = tell,
				     .context = a };
	int code = 0;
	if (!open_files(a, &error) || !company_keep(&wish, &code, &error))
		code = output_error(&error);
	close_file(&a->report_file, a->report);
	close_file(&a->save_file, a->save);
	return code;
}

int command_ssh(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "-- ARG...",
		.doc = "Runs ssh ARG... as it is, and says why it fails or stands still.\v"
		       "A session that works prints nothing. The exit code is ssh's. Behind -- "
		       "stands "
		       "whatever ssh takes.",
	};
	struct ssh_arguments a = { .patience_ns = INT64_C(10000000000) };
	struct ssh_line line;
	/* ssh's options are not for argp, with or without -- */
	int problem = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
	if (problem == ENOMEM || problem != 0)
		return EXIT_USAGE;
	line_read(&line, a.words);
	return line.connects ? keep_company(&a, &line) : only_ssh(a.words);
}
