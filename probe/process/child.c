#include "process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the child has its two descriptors. */
enum { CHILD_FD = STDERR_FILENO + 1, CHILD_LEASH };

/* -- the child --------------------------------------------------------------------- */

/* Whoever let the leash go before it was tied is seen by poll(). */
static bool tie(int leash)
{
	struct pollfd end = { .fd = leash, .events = POLLIN };
	return fcntl(leash, F_SETOWN, getpid()) == 0 && fcntl(leash, F_SETSIG, SIGKILL) == 0 &&
	       fcntl(leash, F_SETFL, O_ASYNC | O_NONBLOCK) == 0 && poll(&end, 1, 0) == 0;
}

/* Those that it needs are moved away first from where they go. */
static bool keep_two(int fd, int leash)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int moved_fd = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_LEASH + 1);
	int moved_leash = fcntl(leash, F_DUPFD_CLOEXEC, CHILD_LEASH + 1);
	if (null < 0 || moved_fd < 0 || moved_leash < 0)
		return false;
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (dup2(null, stream) < 0)
			return false;
	return dup3(moved_fd, CHILD_FD, O_CLOEXEC) >= 0 &&
	       dup3(moved_leash, CHILD_LEASH, O_CLOEXEC) >= 0 &&
	       close_range(CHILD_LEASH + 1, ~0u, 0) == 0;
}

static _Noreturn void be_child(const char *name, int fd, int leash, child_work *work, void *context)
{
	if (!keep_two(fd, leash) || !tie(CHILD_LEASH) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		_exit(EXIT_FAILURE);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	_exit(work(CHILD_FD, context));
}

static bool bound(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit now;
	if (getrlimit(what, &now) != 0)
		return false;
	if (now.rlim_max < most) /* it is tighter already */
		most = now.rlim_max;
	return setrlimit(what, &(struct rlimit){ most, most }) == 0;
}

bool child_bound(const struct child_bounds *bounds)
{
#ifndef __SANITIZE_ADDRESS__ /* which takes terabytes of addresses, and no memory for them */
	if (bounds->memory != 0 && !bound(RLIMIT_AS, bounds->memory))
		return false;
#endif
	return (bounds->multiplies || bound(RLIMIT_NPROC, 0)) &&
	       bound(RLIMIT_CPU, bounds->seconds) && bound(RLIMIT_NOFILE, bounds->files) &&
	       (bounds->writes || bound(RLIMIT_FSIZE, 0)) && bound(RLIMIT_CORE, 0);
}

/* -- the parent -------------------------------------------------------------------- */

bool child_start(struct child *child, const char *name, int fd, child_work *work, void *context)
{
	int leash[2];
	*child = (struct child){ .pid = -1, .leash = -1 };
	if (pipe2(leash, O_CLOEXEC) != 0)
		return false;
	child->pid = fork();
	if (child->pid == 0)
		be_child(name, fd, leash[0], work, context);
	close(leash[0]);
	child->leash = leash[1];
	if (child->pid > 0)
		return true;
	int cause = errno;
	close(child->leash);
	child->leash = -1;
	errno = cause;
	return false;
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What is in the kernel's hands (a dead network file system) ends when the kernel likes. */
#define LAST_BREATH_MS 1000

static bool ends_soon(pid_t pid)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool ended = end.fd < 0 || poll(&end, 1, LAST_BREATH_MS) > 0;
	if (end.fd >= 0)
		close(end.fd);
	return ended;
}

int child_end(struct child *child)
{
	int status;
	if (child->pid <= 0)
		return -SIGKILL;
	close(child->leash);
	(void)kill(child->pid, SIGKILL); /* which the leash has done */
	pid_t ended = waitpid(child->pid, &status, ends_soon(child->pid) ? 0 : WNOHANG);
	bool reaped = ended == child->pid;
	*child = (struct child){ .pid = -1, .leash = -1 };
	return reaped ? exit_code(status) : -SIGKILL;
}

int child_wait(struct child *child)
{
	int status = SIGKILL;
	if (child->pid <= 0)
		return -SIGKILL;
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(child->leash);
	*child = (struct child){ .pid = -1, .leash = -1 };
	return exit_code(status);
}
