#include "user/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/child.h"
#include "user/privilege.h"

/* The keeper's own end of the leash comes behind the command's streams. */
enum { KEPT_LEASH = STDERR_FILENO + 1 };

/* -- the command --------------------------------------------------------------------- */

/* What is ignored stays so across exec: a pipeline in the command would not end. */
static void allow_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Under sudo some of our own is root's. */
static bool set_environment(const struct command_wish *wish)
{
	if (wish->environment != NULL) {
		environ = (char **)(uintptr_t)wish->environment;
		return true;
	}
	return wish->person != NULL && setenv("HOME", wish->person->home, 1) == 0 &&
	       setenv("USER", wish->person->name, 1) == 0 &&
	       setenv("LOGNAME", wish->person->name, 1) == 0 &&
	       setenv("SHELL", wish->person->shell, 1) == 0;
}

static _Noreturn void become_command(const struct command_wish *wish)
{
	close(KEPT_LEASH);
	setpgid(0, 0);
	allow_signals();
	if (set_environment(wish) && (!wish->alone || child_stay_alone()))
		execvp(wish->words[0], (char *const *)(uintptr_t)wish->words);
	_exit(127);
}

/* -- the keeper ---------------------------------------------------------------------- */

/* The four descriptors that it needs at 0 to 3, and nothing else: a copy of a socket of the
 * probe's would keep the socket alive. */
static bool keep_four(const struct ends *ends)
{
	int wanted[] = { ends->input, ends->output, ends->complaints, ends->leash };
	for (int i = 0; i < 4; i++) { /* away from where the others go */
		wanted[i] = fcntl(wanted[i], F_DUPFD, KEPT_LEASH + 1);
		if (wanted[i] < 0)
			return false;
	}
	for (int i = 0; i < 4; i++)
		if (dup2(wanted[i], i) < 0)
			return false;
	return close_range(KEPT_LEASH + 1, ~0u, 0) == 0;
}

static void kill_children(void)
{
	int child;
	FILE *children = fopen("/proc/thread-self/children", "re");
	while (children != NULL && fscanf(children, "%d", &child) == 1)
		kill(child, SIGKILL);
	if (children != NULL)
		(void)fclose(children);
}

/* Each that ends leaves its own children to the keeper: the next round is theirs. */
static void end_everything(pid_t command)
{
	kill(-command, SIGKILL);
	do
		kill_children();
	while (waitpid(-1, NULL, 0) >= 0 || errno == EINTR);
}

static void wait_for_end_of_leash(void)
{
	char byte;
	while (read(KEPT_LEASH, &byte, 1) < 0 && errno == EINTR)
		;
}

static _Noreturn void keep_command(const struct command_wish *wish, const struct ends *ends)
{
	struct error ignored;
	if (!keep_four(ends) || (wish->person != NULL && !privilege_drop(wish->person, &ignored)) ||
	    setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		_exit(127);
	pid_t command = fork();
	if (command < 0)
		_exit(127);
	if (command == 0)
		become_command(wish);
	(void)send(KEPT_LEASH, "", 1, MSG_NOSIGNAL); /* it runs */
	/* it is heard to end when the last that holds its streams has ended */
	(void)close_range(STDIN_FILENO, STDERR_FILENO, 0);
	wait_for_end_of_leash();
	end_everything(command);
	_exit(0);
}

/* -- the probe ----------------------------------------------------------------------- */

static void close_ends(const struct ends *ends)
{
	const int fds[] = { ends->input, ends->output, ends->complaints, ends->leash };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool make_pipe(int *from, int *to)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*from = ends[0];
	*to = ends[1];
	return true;
}

static bool make_socket(int *ours, int *theirs)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	*ours = ends[0];
	*theirs = ends[1];
	return true;
}

static bool make_ends(struct ends *ours, struct ends *theirs, bool converses)
{
	*ours = *theirs = (struct ends){ -1, -1, -1, -1 };
	if (!make_pipe(&theirs->input, &ours->input) ||
	    !make_pipe(&ours->output, &theirs->output) ||
	    !(converses ? make_socket(&ours->complaints, &theirs->complaints)
			: make_pipe(&ours->complaints, &theirs->complaints)))
		return false;
	return make_socket(&ours->leash, &theirs->leash);
}

/* A process in the kernel's hands (a dead network file system) ends when the kernel likes. */
#define END_PATIENCE_MS 1000

static void end_keeper(const struct command *command)
{
	struct pollfd keeper = { .fd = command->ends.leash, .events = POLLIN };
	(void)shutdown(command->ends.leash, SHUT_WR);
	bool ended = poll(&keeper, 1, END_PATIENCE_MS) > 0;
	if (!ended)
		kill(command->keeper, SIGKILL);
	(void)waitpid(command->keeper, NULL, ended ? 0 : WNOHANG);
}

/* The keeper ends at once when it cannot do its work; nothing has run then. */
static bool keeper_runs(const struct command *command)
{
	char byte;
	ssize_t got;
	do
		got = read(command->ends.leash, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		end_keeper(command);
	return got == 1;
}

bool command_start(struct command *command, const struct command_wish *wish)
{
	struct ends theirs;
	bool made = make_ends(&command->ends, &theirs, wish->converses);
	command->keeper = made ? fork() : -1;
	if (command->keeper == 0)
		keep_command(wish, &theirs);
	close_ends(&theirs);
	if (command->keeper > 0 && keeper_runs(command))
		return true;
	close_ends(&command->ends);
	return false;
}

void command_end(struct command *command)
{
	end_keeper(command);
	close_ends(&command->ends);
}
