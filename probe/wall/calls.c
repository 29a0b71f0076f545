#include "wall/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/child.h"

/* A system call, and what must hold of its arguments. Machines on which it has no number pass it
 * over. */
struct call {
	int number;
	unsigned conditions;
	struct scmp_arg_cmp condition[2];
};

#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))

/* An argument of which none of these bits is set. */
#define WITHOUT(argument, bits)                                                                    \
	{                                                                                          \
		argument, SCMP_CMP_MASKED_EQ, bits, 0                                              \
	}
#define ANY(name)                                                                                  \
	{                                                                                          \
		SCMP_SYS(name), 0,                                                                 \
		{                                                                                  \
			{                                                                          \
				0, SCMP_CMP_EQ, 0, 0                                               \
			}                                                                          \
		}                                                                                  \
	}
#define IS(argument, value)                                                                        \
	{                                                                                          \
		argument, SCMP_CMP_EQ, value, 0                                                    \
	}

/* Memory that holds code is neither had nor made. */
static const struct call memory[] = {
	ANY(brk),
	{ SCMP_SYS(mmap), 1, { WITHOUT(2, PROT_EXEC) } },
	{ SCMP_SYS(mmap2), 1, { WITHOUT(2, PROT_EXEC) } },
	{ SCMP_SYS(mprotect), 1, { WITHOUT(2, PROT_EXEC) } },
	ANY(mremap),
	ANY(munmap),
	ANY(madvise),
	ANY(sysinfo), /* qsort() asks how much memory there is */
};

/* What is open, and how it is. */
static const struct call streams[] = {
	ANY(read),
	ANY(readv),
	ANY(pread64),
	ANY(write),
	ANY(writev),
	ANY(lseek),
	ANY(_llseek),
	ANY(close),
	ANY(fstat),
	ANY(fstat64),
	ANY(fstatat64),
	ANY(newfstatat),
	ANY(statx),
	ANY(fadvise64),
	ANY(poll),
	ANY(ppoll),
	ANY(ppoll_time64),
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFL) } },
	{ SCMP_SYS(fcntl64), 1, { IS(1, F_GETFL) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, TCGETS) } }, /* is it a terminal? */
};

/* Opened to be read; which may be is up to landlock. */
static const struct call opening[] = {
	{ SCMP_SYS(openat), 1, { WITHOUT(2, O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE) } },
	{ SCMP_SYS(open), 1, { WITHOUT(1, O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE) } },
	{ SCMP_SYS(rt_sigaction), 1, { IS(1, 0) } }, /* which signals are ignored is asked */
	ANY(signalfd4),				     /* and the others are read */
};

static const struct call life[] = {
	ANY(clock_gettime),   ANY(clock_gettime64), ANY(gettimeofday), ANY(getrandom),
	ANY(getpid),	      ANY(gettid),	    ANY(futex),	       ANY(futex_time64),
	ANY(restart_syscall), ANY(rt_sigprocmask),  ANY(rt_sigreturn), ANY(exit),
	ANY(exit_group),
};

/* -- who waits for the network as well -------------------------------------------------- */

/* No socket is made, connected or bound, and what is sent goes where its socket leads. */
static const struct call network[] = {
	ANY(recvfrom),
	ANY(recvmsg),
	{ SCMP_SYS(sendto), 1, { IS(4, 0) } },
	ANY(getsockopt),
	ANY(setsockopt),
	ANY(getsockname),
	ANY(getpeername),
	ANY(shutdown),
	{ SCMP_SYS(ioctl), 1, { IS(1, FIONREAD) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, SIOCGIFFLAGS) } }, /* is the interface still there? */
	ANY(dup),
	{ SCMP_SYS(fcntl), 1, { IS(1, F_DUPFD_CLOEXEC) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETFL) } },
};

/* The file of -w is open, and grows. */
static const struct call saving[] = {
	ANY(ftruncate), ANY(ftruncate64), ANY(fallocate), { SCMP_SYS(prlimit64), 1, { IS(2, 0) } },
	ANY(getrlimit), ANY(ugetrlimit),
};

/* The two that the C library keeps for itself and hides (nptl(7)); it takes them with the first
 * thread. */
enum { SIGNAL_OF_CANCELLING = 32, SIGNAL_OF_CREDENTIALS = 33 };

/* Threads; and children, which were born before, are waited for. */
static const struct call company[] = {
	{ SCMP_SYS(clone), 1, { { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD } } },
	{ SCMP_SYS(rt_sigaction), 1, { IS(0, SIGNAL_OF_CANCELLING) } },
	{ SCMP_SYS(rt_sigaction), 1, { IS(0, SIGNAL_OF_CREDENTIALS) } },
	ANY(set_robust_list),
	ANY(rseq),
	ANY(sched_getaffinity),
	ANY(sched_yield),
	ANY(clock_nanosleep),
	ANY(nanosleep),
	ANY(pidfd_open),
	ANY(wait4),
	ANY(waitid),
	ANY(getppid),
	ANY(getuid),
	ANY(geteuid),
	ANY(getgid),
	ANY(getegid),
};

/* What is tried in earnest, and done without: files; a kind of clone() whose flags cannot be seen;
 * signals to children, which end without. */
static const struct {
	int number, error;
} refused[] = {
	{ SCMP_SYS(open), EACCES },	  { SCMP_SYS(openat), EACCES },
	{ SCMP_SYS(access), EACCES },	  { SCMP_SYS(faccessat), EACCES },
	{ SCMP_SYS(faccessat2), EACCES }, { SCMP_SYS(readlink), EACCES },
	{ SCMP_SYS(readlinkat), EACCES }, { SCMP_SYS(clone3), ENOSYS },
	{ SCMP_SYS(kill), EPERM },
};

/* Through a capture frames could be sent, and more be heard than its filter lets through. */
static const int misuse[] = { SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendto), SCMP_SYS(dup) };

/* fcntl() to make it wait or not is the library's; a duplicate would be beyond these rules. */
static const int duplication[] = { F_DUPFD, F_DUPFD_CLOEXEC };

/* -- the filter ---------------------------------------------------------------------- */

static int allow(scmp_filter_ctx filter, const struct call *list, size_t count)
{
	int status = 0;
	for (size_t i = 0; i < count && status == 0; i++)
		status = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, list[i].number,
						list[i].conditions, list[i].condition);
	return status;
}

static int refuse(scmp_filter_ctx filter)
{
	int status = 0;
	for (size_t i = 0; i < LENGTH(refused) && status == 0; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)refused[i].error),
					  refused[i].number, 0);
	return status;
}

/* abort() ends this process; another is not reached. */
static int allow_abort(scmp_filter_ctx filter)
{
	const struct call call = { SCMP_SYS(tgkill),
				   2,
				   { IS(0, (scmp_datum_t)getpid()), IS(2, SIGABRT) } };
	return allow(filter, &call, 1);
}

static int allow_basics(scmp_filter_ctx filter)
{
	int status = allow(filter, memory, LENGTH(memory));
	status = status != 0 ? status : allow(filter, streams, LENGTH(streams));
	status = status != 0 ? status : allow(filter, life, LENGTH(life));
	return status != 0 ? status : allow_abort(filter);
}

static int fill_for_a_reader(scmp_filter_ctx filter, const struct captures *none)
{
	(void)none;
	int status = allow_basics(filter);
	return status != 0 ? status : allow(filter, opening, LENGTH(opening));
}

static int fill_for_a_listener(scmp_filter_ctx filter, const struct captures *captures)
{
	(void)captures;
	int status = allow_basics(filter);
	status = status != 0 ? status : allow(filter, network, LENGTH(network));
	status = status != 0 ? status : allow(filter, saving, LENGTH(saving));
	status = status != 0 ? status : allow(filter, company, LENGTH(company));
	return status != 0 ? status : refuse(filter);
}

/* Of an argument of 32 bits the kernel takes the lower half, so the upper one may be anything. */
static struct scmp_arg_cmp is_descriptor(int fd)
{
	return SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)fd);
}

/* That much the library tries as well, when it takes its ring away. */
static int refuse_options(scmp_filter_ctx filter, int fd, bool refilters)
{
	const uint32_t refusal = SCMP_ACT_ERRNO(EPERM);
	if (!refilters)
		return seccomp_rule_add(filter, refusal, SCMP_SYS(setsockopt), 1,
					is_descriptor(fd));
	return seccomp_rule_add(filter, refusal, SCMP_SYS(setsockopt), 2, is_descriptor(fd),
				SCMP_A1(SCMP_CMP_NE, SOL_SOCKET, 0));
}

static int forbid_misuse(scmp_filter_ctx filter, int fd, bool refilters)
{
	int status = refuse_options(filter, fd, refilters);
	for (size_t i = 0; i < LENGTH(misuse) && status == 0; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, misuse[i], 1,
					  is_descriptor(fd));
	for (size_t i = 0; i < LENGTH(duplication) && status == 0; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(fcntl), 2,
					  is_descriptor(fd),
					  SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)duplication[i], 0));
	return status;
}

/* A filter of its own, for the other cannot say "any but these"; of two the kernel takes the
 * stricter word. */
static int fill_for_captures(scmp_filter_ctx filter, const struct captures *captures)
{
	int status = 0;
	for (size_t i = 0; i < captures->count && status == 0; i++)
		status = forbid_misuse(filter, captures->fd[i], captures->refilters);
	return status;
}

/* System calls in another machine's manner are none of ours. */
static int load(scmp_filter_ctx filter)
{
	int status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (status == 0)
		status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (status == 0) /* the kernel's own errno, not "Operation canceled" for each of them */
		status = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	return status != 0 ? status : seccomp_load(filter);
}

typedef int fill_function(scmp_filter_ctx filter, const struct captures *captures);

static bool raise_filter(uint32_t otherwise, fill_function *fill, const struct captures *captures,
			 struct error *error)
{
	scmp_filter_ctx filter = seccomp_init(otherwise);
	int status = filter != NULL ? fill(filter, captures) : -ENOMEM;
	if (status == 0)
		status = load(filter);
	seccomp_release(filter);
	return status == 0 || error_set(error, EXIT_UNAVAILABLE, "seccomp: %s", strerror(-status));
}

bool calls_of_a_reader(struct error *error)
{
	return !child_can_forbid() ||
	       raise_filter(SCMP_ACT_KILL_PROCESS, fill_for_a_reader, NULL, error);
}

bool calls_of_a_listener(const struct captures *captures, struct error *error)
{
	return !child_can_forbid() ||
	       (raise_filter(SCMP_ACT_ALLOW, fill_for_captures, captures, error) &&
		raise_filter(SCMP_ACT_KILL_PROCESS, fill_for_a_listener, captures, error));
}
