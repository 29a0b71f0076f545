#include "wall/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

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
#define IS(argument, value)                                                                        \
	{                                                                                          \
		argument, SCMP_CMP_EQ, value, 0                                                    \
	}

/* Memory that holds code is neither had nor made. */
static const struct call memory[] = {
	{ SCMP_SYS(brk), 0, { { 0 } } },
	{ SCMP_SYS(mmap), 1, { WITHOUT(2, PROT_EXEC) } },
	{ SCMP_SYS(mmap2), 1, { WITHOUT(2, PROT_EXEC) } },
	{ SCMP_SYS(mprotect), 1, { WITHOUT(2, PROT_EXEC) } },
	{ SCMP_SYS(mremap), 0, { { 0 } } },
	{ SCMP_SYS(munmap), 0, { { 0 } } },
	{ SCMP_SYS(madvise), 0, { { 0 } } },
};

/* What is open, and how it is. */
static const struct call streams[] = {
	{ SCMP_SYS(read), 0, { { 0 } } },	    { SCMP_SYS(readv), 0, { { 0 } } },
	{ SCMP_SYS(pread64), 0, { { 0 } } },	    { SCMP_SYS(write), 0, { { 0 } } },
	{ SCMP_SYS(writev), 0, { { 0 } } },	    { SCMP_SYS(lseek), 0, { { 0 } } },
	{ SCMP_SYS(_llseek), 0, { { 0 } } },	    { SCMP_SYS(close), 0, { { 0 } } },
	{ SCMP_SYS(fstat), 0, { { 0 } } },	    { SCMP_SYS(fstat64), 0, { { 0 } } },
	{ SCMP_SYS(fstatat64), 0, { { 0 } } },	    { SCMP_SYS(newfstatat), 0, { { 0 } } },
	{ SCMP_SYS(statx), 0, { { 0 } } },	    { SCMP_SYS(fadvise64), 0, { { 0 } } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFL) } }, { SCMP_SYS(fcntl64), 1, { IS(1, F_GETFL) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, TCGETS) } }, /* is it a terminal? */
};

/* Opened to be read; which may be is up to landlock. */
static const struct call opening[] = {
	{ SCMP_SYS(openat), 1, { WITHOUT(2, O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE) } },
	{ SCMP_SYS(open), 1, { WITHOUT(1, O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE) } },
};

static const struct call life[] = {
	{ SCMP_SYS(clock_gettime), 0, { { 0 } } },   { SCMP_SYS(clock_gettime64), 0, { { 0 } } },
	{ SCMP_SYS(gettimeofday), 0, { { 0 } } },    { SCMP_SYS(getrandom), 0, { { 0 } } },
	{ SCMP_SYS(getpid), 0, { { 0 } } },	     { SCMP_SYS(gettid), 0, { { 0 } } },
	{ SCMP_SYS(futex), 0, { { 0 } } },	     { SCMP_SYS(futex_time64), 0, { { 0 } } },
	{ SCMP_SYS(restart_syscall), 0, { { 0 } } }, { SCMP_SYS(rt_sigprocmask), 0, { { 0 } } },
	{ SCMP_SYS(rt_sigreturn), 0, { { 0 } } },    { SCMP_SYS(exit), 0, { { 0 } } },
	{ SCMP_SYS(exit_group), 0, { { 0 } } },
};

/* -- the filter ---------------------------------------------------------------------- */

static int allow(scmp_filter_ctx filter, const struct call *list, size_t count)
{
	int status = 0;
	for (size_t i = 0; i < count && status == 0; i++)
		status = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, list[i].number,
						list[i].conditions, list[i].condition);
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

static int fill_for_a_reader(scmp_filter_ctx filter)
{
	int status = allow(filter, memory, LENGTH(memory));
	status = status != 0 ? status : allow(filter, streams, LENGTH(streams));
	status = status != 0 ? status : allow(filter, opening, LENGTH(opening));
	status = status != 0 ? status : allow(filter, life, LENGTH(life));
	return status != 0 ? status : allow_abort(filter);
}

/* System calls in another machine's manner are none of ours. */
static int load(scmp_filter_ctx filter)
{
	int status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (status == 0)
		status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	return status != 0 ? status : seccomp_load(filter);
}

static bool kernel_has_seccomp(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

bool calls_of_a_reader(struct error *error)
{
	if (!kernel_has_seccomp())
		return true;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int status = filter != NULL ? fill_for_a_reader(filter) : -ENOMEM;
	if (status == 0)
		status = load(filter);
	seccomp_release(filter);
	return status == 0 || error_set(error, EXIT_UNAVAILABLE, "seccomp: %s", strerror(-status));
}
