#include "craft/cell.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/child.h"
#include "user/privilege.h"

/* -- descriptors ---------------------------------------------------------------------- */

/* Behind the standard streams, which lead nowhere. */
enum { FIRST = STDERR_FILENO + 1 };

/* Away from where the kept ones go. */
static bool move_away(const struct cell *cell)
{
	for (size_t i = 0; i < cell->count; i++)
		if (*cell->kept[i].fd >= 0 &&
		    (*cell->kept[i].fd = fcntl(*cell->kept[i].fd, F_DUPFD_CLOEXEC,
					       FIRST + CELL_DESCRIPTORS)) < 0)
			return false;
	return true;
}

static bool move_to_places(const struct cell *cell)
{
	int place = FIRST;
	for (size_t i = 0; i < cell->count; i++) {
		if (*cell->kept[i].fd < 0)
			continue;
		*cell->kept[i].fd = dup2(*cell->kept[i].fd, place);
		if (*cell->kept[i].fd != place++)
			return false;
	}
	return close_range((unsigned)place, ~0u, 0) == 0;
}

static bool close_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) != fd)
			return false;
	return null >= 0;
}

static bool keep_own(const struct cell *cell)
{
	return close_streams() && move_away(cell) && move_to_places(cell);
}

/* -- limits ----------------------------------------------------------------------------- */

#define PROCESSOR_SECONDS 60		/* a run takes some milliseconds */
#define MORE_MEMORY	  (1024 * 1024) /* than it was born with */
#define ANY_MEMORY	  (256 * 1024 * 1024)

static size_t memory_limit(void)
{
	size_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file == NULL)
		return ANY_MEMORY;
	bool read = fscanf(file, "%zu", &pages) == 1;
	(void)fclose(file);
	return read ? pages * (size_t)sysconf(_SC_PAGESIZE) + MORE_MEMORY : ANY_MEMORY;
}

static bool set_limits(void)
{
	return child_bound(
		&(struct child_bounds){ .memory = memory_limit(), .seconds = PROCESSOR_SECONDS });
}

/* -- system calls ----------------------------------------------------------------------- */

/* Each number for itself: a range would be looked at in all 64 bits of the argument, of which the
 * kernel takes 32. */
static bool allow_on(scmp_filter_ctx filter, int call, int fd)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0)) == 0;
}

static bool allow_segment_size(scmp_filter_ctx filter, int fd)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 3,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0),
				SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP, 0),
				SCMP_A2(SCMP_CMP_EQ, TCP_MAXSEG, 0)) == 0;
}

static bool allow_use(scmp_filter_ctx filter, enum cell_use use, int fd)
{
	switch (use) {
	case CELL_CHANNEL:
		return allow_on(filter, SCMP_SYS(recvfrom), fd) &&
		       allow_on(filter, SCMP_SYS(sendto), fd);
	case CELL_SENDER:
		return allow_on(filter, SCMP_SYS(sendto), fd);
	case CELL_CONNECTION:
		return allow_on(filter, SCMP_SYS(connect), fd) && allow_segment_size(filter, fd) &&
		       allow_on(filter, SCMP_SYS(close), fd);
	}
	return false;
}

/* A kernel without seccomp has no wall to offer, nor have builds with sanitizers or for coverage:
 * see wall/wall.h. */
static bool has_wall(void)
{
	return SSHWHY_WALL && child_can_forbid();
}

/* The filter is not released: that takes calls which are not allowed by then. */
static bool allow_few_calls(const struct cell *cell)
{
	if (!has_wall())
		return true;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (filter == NULL ||
	    seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0) != 0)
		return false;
	for (size_t i = 0; i < cell->count; i++)
		if (*cell->kept[i].fd >= 0 &&
		    !allow_use(filter, cell->kept[i].use, *cell->kept[i].fd))
			return false;
	return seccomp_load(filter) == 0;
}

/* -- all of it --------------------------------------------------------------------------- */

/* What the terminal sends goes to the whole group: the parent says when it is over. */
static void block_signals(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

/* A change of users forgets who is to be told of the parent's end, so that comes behind it. */
static bool bind_to_parent(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
	       prctl(PR_SET_DUMPABLE, 0) == 0;
}

void cell_keep(struct cell *cell, enum cell_use use, int *fd)
{
	if (cell->count < CELL_DESCRIPTORS)
		cell->kept[cell->count++] = (struct cell_descriptor){ use, fd };
}

bool cell_enter(const struct cell *cell, const struct person *person)
{
	struct error ignored;
	block_signals();
	(void)prctl(PR_SET_NAME, "sshwhy courier");
	return keep_own(cell) && privilege_drop(person, &ignored) && bind_to_parent(cell->parent) &&
	       set_limits() && allow_few_calls(cell);
}
