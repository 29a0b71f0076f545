#include "user/consult.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/child.h"
#include "process/clock.h"
#include "sshwhy/shortage.h"
#include "user/command.h"
#include "user/privilege.h"

/* -- the child: ssh is asked ------------------------------------------------------------ */

/* Whose files and names ssh looks for, and what `Match exec` needs to find programs and the agent:
 * of this process's environment, which under sudo is root's, nothing else. */
struct environment {
	char home[300], user[80], logname[80], path[1024], agent[300];
	const char *word[7]; /* ends with NULL */
};

static void fill_environment(struct environment *environment, const struct person *person)
{
	const char *path = getenv("PATH"), *agent = getenv("SSH_AUTH_SOCK");
	size_t count = 0;
	snprintf(environment->home, sizeof(environment->home), "HOME=%s", person->home);
	snprintf(environment->user, sizeof(environment->user), "USER=%s", person->name);
	snprintf(environment->logname, sizeof(environment->logname), "LOGNAME=%s", person->name);
	snprintf(environment->path, sizeof(environment->path), "PATH=%s",
		 path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
	environment->word[count++] = environment->home;
	environment->word[count++] = environment->user;
	environment->word[count++] = environment->logname;
	environment->word[count++] = environment->path;
	environment->word[count++] = "LC_ALL=C";
	if (agent != NULL) {
		snprintf(environment->agent, sizeof(environment->agent), "SSH_AUTH_SOCK=%s", agent);
		environment->word[count++] = environment->agent;
	}
	environment->word[count] = NULL;
}

/* As much of a stream as there is room for; the rest is read and forgotten. */
struct speech {
	int *fd; /* of the command's; -1 when it has ended */
	char *bytes;
	size_t length, room;
};

static void hear(struct speech *heard)
{
	char rest[4096];
	size_t left = heard->room - heard->length;
	ssize_t got = left > 0 ? read(*heard->fd, heard->bytes + heard->length, left)
			       : read(*heard->fd, rest, sizeof(rest));
	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		close(*heard->fd);
		*heard->fd = -1;
	} else if (left > 0) {
		heard->length += (size_t)got;
	}
}

/* Until both streams end; whoever started this child ends it when that takes too long. */
static void hear_all(struct speech *output, struct speech *complaints)
{
	while (*output->fd >= 0 || *complaints->fd >= 0) {
		struct pollfd fds[] = { { .fd = *output->fd, .events = POLLIN },
					{ .fd = *complaints->fd, .events = POLLIN } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents != 0)
			hear(output);
		if (fds[1].revents != 0)
			hear(complaints);
	}
}

/* Of several lines the first one says what is wrong. */
static void first_line(const char *text, size_t length, char *out, size_t room)
{
	size_t end = 0;
	while (end < length && text[end] != '\n' && text[end] != '\r' && text[end] != '\0')
		end++;
	snprintf(out, room, "%.*s", (int)end, text);
}

static void give_no_answer(struct consulted *consulted, const char *why)
{
	consulted->outcome = CONSULT_FAILED;
	snprintf(consulted->words, sizeof(consulted->words), "%s", why);
}

static void judge_answer(struct consulted *consulted, const struct speech *output,
			 const struct speech *complaints)
{
	first_line(complaints->bytes, complaints->length, consulted->words,
		   sizeof(consulted->words));
	if (settings_read(&consulted->settings, output->bytes, output->length))
		consulted->outcome = CONSULT_TOLD;
	else if (strstr(consulted->words, "fork: ") != NULL)
		give_no_answer(consulted, "root's configuration has a Match exec, and nothing is "
					  "run as root; sudo it as the one whose ssh it is");
	else
		consulted->outcome = consulted->words[0] != '\0' ? CONSULT_REFUSED : CONSULT_ABSENT;
}

/* -- the child: where it stands ------------------------------------------------------------ */

struct question {
	const struct typed *typed;
	const struct person *person;
};

static void read_config_file(struct consulted *consulted, struct config_reader *reader,
			     const char *path, const char *folder)
{
	if (!config_read(reader, path, folder) && is_shortage(ASKED_FILE, errno))
		snprintf(consulted->unread, sizeof(consulted->unread), "%s: %s", path,
			 strerror(errno));
}

/* -F stands for both files; "none" for neither. */
static void read_config(const struct question *question, struct consulted *consulted,
			struct ssh_config *config)
{
	char folder[320], path[352];
	const char *only = typed_last(question->typed, 'F');
	const char *user = typed_first(question->typed, 'l');
	struct config_reader reader = { .host = question->typed->host,
					.user = user != NULL ? user : question->typed->user,
					.local_user = question->person->name,
					.home = question->person->home,
					.config = config };
	if (reader.user[0] == '\0')
		reader.user = NULL;
	snprintf(folder, sizeof(folder), "%s/.ssh", question->person->home);
	snprintf(path, sizeof(path), "%s/config", folder);
	if (only != NULL && strcmp(only, "none") != 0)
		read_config_file(consulted, &reader, only, folder);
	if (only != NULL)
		return;
	read_config_file(consulted, &reader, path, folder);
	read_config_file(consulted, &reader, "/etc/ssh/ssh_config", "/etc/ssh");
}

static void quote_settings(const struct question *question, struct consulted *consulted)
{
	static struct ssh_config config;
	config = (struct ssh_config){ 0 };
	read_config(question, consulted, &config);
	for (int k = 0; k < CONFIG_KEYWORD_COUNT; k++) {
		char *quote = consulted->quote[k];
		if (typed_setting(question->typed, config_keywords[k], quote, QUOTE_MAX))
			continue;
		if (config.setting[k].set)
			config_describe(&config.setting[k], quote, QUOTE_MAX);
	}
}

/* -- the child -------------------------------------------------------------------------------- */

#define JUMP_HOSTS_MAX 4 /* one behind another, each of another's configuration */

/* What `Match exec` starts may be large, and many. */
static const struct child_bounds bounds = {
	.seconds = 10, .files = 256, .multiplies = true, .writes = true
};

static bool give_up(const struct person *person)
{
	struct error ignored;
	bool root = person->uid == 0;
	return (root ? privilege_shed() : privilege_drop(person, &ignored)) && child_bound(&bounds);
}

/* What it has started ends when this process lets go of the leash: when it ends itself. */
static void ask(const struct question *question, struct consulted *consulted)
{
	/* -T: nothing is said of a terminal that is not there */
	static const char *const before[] = { "ssh", "-G", "-T", NULL };
	static char said[SETTINGS_TEXT_MAX], complained[4096];
	struct typed_command words;
	struct environment environment;
	struct command command;
	typed_command(question->typed, before, &words);
	fill_environment(&environment, question->person);
	struct command_wish wish = { .words = words.word,
				     .environment = environment.word,
				     .alone = question->person->uid == 0 };
	if (!command_start(&command, &wish)) {
		give_no_answer(consulted, "no process for it");
		return;
	}
	quote_settings(question, consulted); /* while it works */
	struct speech output = { &command.ends.output, said, 0, sizeof(said) };
	struct speech complaints = { &command.ends.complaints, complained, 0, sizeof(complained) };
	hear_all(&output, &complaints);
	judge_answer(consulted, &output, &complaints);
}

/* The first of the jump hosts, as ssh itself goes on to it: the same file, no option else. */
static bool first_jump(const struct typed *typed, const struct settings *settings,
		       struct typed *jump)
{
	char first[sizeof(settings->proxy_jump)];
	const char *file = typed_last(typed, 'F');
	struct error ignored;
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(settings->proxy_jump, ","),
		 settings->proxy_jump);
	*jump = (struct typed){ 0 };
	return typed_destination(jump, first, &ignored) &&
	       (file == NULL || typed_option(jump, 'F', file, &ignored));
}

/* Which jump host is connected to from here: jump hosts may be behind others. */
static void follow_jumps(const struct question *question, struct consulted *consulted)
{
	static struct consulted hop;
	static struct typed jump[JUMP_HOSTS_MAX];
	struct question next = { .person = question->person };
	const struct typed *typed = question->typed;
	char *quote = consulted->quote[CONFIG_PROXY_JUMP];
	for (size_t i = 0; i < JUMP_HOSTS_MAX && consulted->settings.proxy_jump[0] != '\0'; i++) {
		if (!first_jump(typed, &consulted->settings, &jump[i]))
			return;
		next.typed = typed = &jump[i];
		hop = (struct consulted){ 0 };
		settings_assume(&hop.settings, typed, question->person);
		ask(&next, &hop);
		if (hop.outcome != CONSULT_TOLD)
			return;
		memcpy(hop.quote[CONFIG_PROXY_JUMP], quote, QUOTE_MAX);
		memcpy(consulted->quote, hop.quote, sizeof(consulted->quote));
		consulted->settings = hop.settings;
		consulted->by_jump = true;
	}
}

static int consult(int fd, void *context)
{
	static struct consulted consulted;
	const struct question *question = context;
	settings_assume(&consulted.settings, question->typed, question->person);
	if (!give_up(question->person))
		return EXIT_FAILURE;
	ask(question, &consulted);
	consulted.target = consulted.settings;
	if (consulted.outcome == CONSULT_TOLD)
		follow_jumps(question, &consulted);
	return send(fd, &consulted, sizeof(consulted), MSG_NOSIGNAL) == sizeof(consulted)
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

/* -- the parent ----------------------------------------------------------------------------------
 */

struct consultation {
	struct child child;
	int fd;
};

struct consultation *consult_start(const struct typed *typed, const struct person *person,
				   struct error *error)
{
	int ends[2] = { -1, -1 };
	struct question question = { typed, person };
	struct consultation *consultation = calloc(1, sizeof(*consultation));
	if (consultation != NULL &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 &&
	    child_start(&consultation->child, "sshwhy: ssh -G", ends[1], consult, &question)) {
		consultation->fd = ends[0];
	} else {
		error_set(error, EXIT_UNAVAILABLE, "no process that asks ssh: %s", strerror(errno));
		if (ends[0] >= 0)
			close(ends[0]);
		free(consultation);
		consultation = NULL;
	}
	if (ends[1] >= 0)
		close(ends[1]);
	return consultation;
}

static bool is_sound(const struct consulted *consulted)
{
	bool sound = consulted->outcome >= CONSULT_TOLD && consulted->outcome <= CONSULT_FAILED &&
		     settings_sound(&consulted->settings) && settings_sound(&consulted->target) &&
		     *(const unsigned char *)&consulted->by_jump <= 1 &&
		     memchr(consulted->words, '\0', sizeof(consulted->words)) != NULL &&
		     memchr(consulted->unread, '\0', sizeof(consulted->unread)) != NULL;
	for (int k = 0; sound && k < CONFIG_KEYWORD_COUNT; k++)
		sound = memchr(consulted->quote[k], '\0', QUOTE_MAX) != NULL;
	return sound;
}

static enum consult_outcome await(int fd, int patience_ms, int stop)
{
	int64_t until_ms = clock_ms() + patience_ms;
	for (;;) {
		int64_t left_ms = until_ms - clock_ms();
		struct pollfd wait[] = { { .fd = fd, .events = POLLIN },
					 { .fd = stop, .events = POLLIN } };
		int ready = poll(wait, 2, left_ms > 0 ? (int)left_ms : 0);
		if (ready == 0)
			return CONSULT_SILENT;
		if (ready < 0 && errno != EINTR)
			return CONSULT_FAILED;
		if (ready > 0)
			return wait[1].revents != 0 ? CONSULT_STOPPED : CONSULT_TOLD;
	}
}

void consult_end(struct consultation *consultation, const struct typed *typed,
		 const struct person *person, int patience_ms, int stop,
		 struct consulted *consulted)
{
	enum consult_outcome outcome = CONSULT_FAILED;
	if (consultation != NULL)
		outcome = await(consultation->fd, patience_ms, stop);
	if (outcome == CONSULT_TOLD && (recv(consultation->fd, consulted, sizeof(*consulted),
					     MSG_TRUNC | MSG_DONTWAIT) != sizeof(*consulted) ||
					!is_sound(consulted)))
		outcome = CONSULT_FAILED;
	if (outcome != CONSULT_TOLD) {
		memset(consulted, 0, sizeof(*consulted));
		settings_assume(&consulted->settings, typed, person);
		consulted->target = consulted->settings;
		consulted->outcome = outcome;
		if (outcome == CONSULT_FAILED)
			give_no_answer(consulted, "the process that asks it has ended");
	}
	if (consultation == NULL)
		return;
	close(consultation->fd);
	(void)child_end(&consultation->child);
	free(consultation);
}
