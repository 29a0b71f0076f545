#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "local/local.h"

/* What a probe does once its sockets are open: talk, wait, read keys and known_hosts,
 * write its report. No execve, ptrace, mount, bpf, io_uring: bytes from a hostile server
 * find nothing here to start another program with. clone is for the threads that close
 * sockets; forking without execve gains nothing. */
static const char *const allowed[] = {
	/* sockets; the families are limited by the capabilities that are gone */
	"socket",
	"connect",
	"bind",
	"getsockname",
	"getpeername",
	"setsockopt",
	"getsockopt",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"shutdown",
	"socketpair",
	"ioctl",
	/* waiting and time */
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"signalfd4",
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"gettimeofday",
	"time",
	"nanosleep",
	/* files */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"open",
	"openat",
	"close",
	"stat",
	"fstat",
	"lstat",
	"newfstatat",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"lseek",
	"fcntl",
	"dup",
	"dup2",
	"dup3",
	"pipe2",
	"fsync",
	"fdatasync",
	"ftruncate",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"readlink",
	"readlinkat",
	"getdents64",
	"getcwd",
	"umask",
	"fadvise64",
	"statfs",
	"fstatfs",
	/* memory and threads */
	"mmap",
	"munmap",
	"mprotect",
	"mremap",
	"madvise",
	"brk",
	"futex",
	"clone",
	"clone3",
	"set_robust_list",
	"set_tid_address",
	"rseq",
	"membarrier",
	"sched_yield",
	"sched_getaffinity",
	"getrandom",
	"arch_prctl",
	"prctl",
	"sysinfo",
	"uname",
	"getrusage",
	"prlimit64",
	/* signals and the end */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"sigaltstack",
	"restart_syscall",
	"tgkill",
	"wait4",
	"exit",
	"exit_group",
	/* who am I */
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"capget",
};

/* Names that this machine's architecture does not have are no rule and no error. */
static int allow(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int load(scmp_filter_ctx filter)
{
	int status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	for (size_t i = 0; status == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		status = allow(filter, allowed[i]);
	return status != 0 ? status : seccomp_load(filter);
}

bool privilege_confine(struct error *error)
{
	/* EPERM and not death: a library's call that nobody foresaw must not end a diagnosis */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (filter == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "seccomp: no filter");
	int status = load(filter);
	seccomp_release(filter);
	if (status != 0)
		return error_set(error, EXIT_UNAVAILABLE, "seccomp: %s", strerror(-status));
	return true;
}
