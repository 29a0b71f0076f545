#include "company/program.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/privilege.h"

/* Under sudo this process is root, and its environment root's: SSH_AUTH_SOCK alone stays as sudo
 * was told to keep it. */
static bool become_person(const struct person *person)
{
	if (!person->sudo)
		return true;
	bool known = person->name[0] != '#';
	return (known ? initgroups(person->name, person->gid) : setgroups(0, NULL)) == 0 &&
	       setresgid(person->gid, person->gid, person->gid) == 0 &&
	       setresuid(person->uid, person->uid, person->uid) == 0 &&
	       setenv("HOME", person->home, 1) == 0 && setenv("USER", person->name, 1) == 0 &&
	       setenv("LOGNAME", person->name, 1) == 0 && setenv("SHELL", person->shell, 1) == 0;
}

/* What is ignored stays so across exec. */
static void become_ssh(char *const *words)
{
	static const char *all[PROGRAM_WORDS + 2] = { "ssh" };
	size_t count = 1;
	for (; words[count - 1] != NULL; count++) {
		if (count > PROGRAM_WORDS) {
			errno = E2BIG;
			return;
		}
		all[count] = words[count - 1];
	}
	all[count] = NULL;
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execvp(all[0], (char *const *)(uintptr_t)all);
}

void program_become(char *const *words, const struct person *person)
{
	if (become_person(person))
		become_ssh(words);
}

pid_t program_start(char *const *words, const struct person *person, const sigset_t *mask,
		    struct error *error)
{
	pid_t pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		program_become(words, person);
		fprintf(stderr, "sshwhy: ssh: %s\n", strerror(errno));
		_exit(errno == ENOENT ? 127 : 126); /* as a shell does */
	}
	if (pid < 0)
		error_set(error, EXIT_UNAVAILABLE, "no process for ssh: %s", strerror(errno));
	return pid;
}

bool program_drop(const struct person *person, struct error *error)
{
	if (person->sudo || getuid() != 0)
		return privilege_drop(person, error);
	return privilege_shed_but(CAP_SYS_PTRACE) ||
	       error_set(error, EXIT_NOT_PERMITTED, "root's capabilities do not go");
}

static bool is_stopped(pid_t pid)
{
	siginfo_t info = { 0 };
	return waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

/* After Ctrl-Z both have stopped, and when both go on, this one may be first: what is looked at
 * then is nearly past. */
static void stop_with(pid_t pid)
{
	static const struct timespec moment = { .tv_nsec = 30 * 1000 * 1000 };
	if (!is_stopped(pid))
		return;
	nanosleep(&moment, NULL);
	if (is_stopped(pid))
		raise(SIGSTOP);
}

bool program_ended(pid_t pid, int *code)
{
	int status;
	if (waitpid(pid, &status, WNOHANG) != pid) {
		stop_with(pid);
		return false;
	}
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}
