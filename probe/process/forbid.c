/* What a child asks the kernel for no more. */
#include "process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Nobody asks for these in good faith. */
static const int fatal[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), /* opens and connects past this filter */
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(modify_ldt),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(capset),
};

/* What changes something outside of the process. */
static const int refused[] = {
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(creat),
	SCMP_SYS(truncate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(chown),
	SCMP_SYS(fchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(lchown),
	SCMP_SYS(utimensat),
	SCMP_SYS(setxattr),
	SCMP_SYS(lsetxattr),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(removexattr),
	SCMP_SYS(lremovexattr),
	SCMP_SYS(fremovexattr),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
};

#define REFUSAL SCMP_ACT_ERRNO(EACCES)

static bool forbid_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(filter, action, calls[i], 0) != 0)
			return false;
	return true;
}

static bool forbid_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
	return seccomp_rule_add_array(filter, REFUSAL, call, 1, &condition) == 0;
}

/* What these ask for lies in memory, where no filter looks: who is told that the kernel knows
 * them not asks with the older calls. */
static bool forbid_opaque(scmp_filter_ctx filter)
{
	static const int calls[] = { SCMP_SYS(openat2), SCMP_SYS(clone3) };
	return forbid_all(filter, SCMP_ACT_ERRNO(ENOSYS), calls, COUNT(calls));
}

static bool forbid_writing(scmp_filter_ctx filter)
{
	static const unsigned ways[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC };
	bool done = true;
	for (size_t i = 0; i < COUNT(ways); i++) {
		done = done && forbid_if(filter, SCMP_SYS(open),
					 SCMP_A1(SCMP_CMP_MASKED_EQ, ways[i], ways[i]));
		done = done && forbid_if(filter, SCMP_SYS(openat),
					 SCMP_A2(SCMP_CMP_MASKED_EQ, ways[i], ways[i]));
	}
	return done;
}

/* Threads are started by clone() too. */
static bool forbid_processes(scmp_filter_ctx filter)
{
	return forbid_if(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* The families that are left have lower numbers than AF_NETLINK, and are named. */
static bool forbid_families(scmp_filter_ctx filter, enum child_sockets sockets)
{
	bool done = forbid_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0));
	for (int family = AF_UNSPEC; done && family < AF_NETLINK; family++) {
		bool named = family == AF_UNIX || family == AF_INET || family == AF_INET6;
		if (sockets != CHILD_SOCKETS_NAMES || !named)
			done = forbid_if(filter, SCMP_SYS(socket),
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0));
	}
	return done;
}

static bool forbid_netlink_but(scmp_filter_ctx filter, int protocol)
{
	return seccomp_rule_add(filter, REFUSAL, SCMP_SYS(socket), 2,
				SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
				SCMP_A2(SCMP_CMP_NE, (scmp_datum_t)protocol, 0)) == 0;
}

/* SOCK_STREAM is 1, SOCK_DGRAM 2: the lower bits of the type, beside flags. */
static bool forbid_raw(scmp_filter_ctx filter)
{
	static const scmp_datum_t families[] = { AF_INET, AF_INET6 };
	static const scmp_datum_t kinds[] = { 4, 8, SOCK_RAW };
	static const scmp_datum_t masks[] = { 4, 8, 3 };
	bool done = true;
	for (size_t f = 0; f < COUNT(families); f++)
		for (size_t k = 0; k < COUNT(kinds); k++)
			done = done && seccomp_rule_add(filter, REFUSAL, SCMP_SYS(socket), 2,
							SCMP_A0(SCMP_CMP_EQ, families[f], 0),
							SCMP_A1(SCMP_CMP_MASKED_EQ, masks[k],
								kinds[k])) == 0;
	return done;
}

static bool forbid_sockets(scmp_filter_ctx filter, enum child_sockets sockets)
{
	switch (sockets) {
	case CHILD_SOCKETS_NONE:
		return seccomp_rule_add(filter, REFUSAL, SCMP_SYS(socket), 0) == 0;
	case CHILD_SOCKETS_NETFILTER:
		return forbid_families(filter, sockets) &&
		       forbid_netlink_but(filter, NETLINK_NETFILTER);
	case CHILD_SOCKETS_NAMES:
		return forbid_families(filter, sockets) &&
		       forbid_netlink_but(filter, NETLINK_ROUTE) && forbid_raw(filter);
	}
	return false;
}

/* A kernel that knows filters looks for one where there is none, before anything else.
 * PR_GET_SECCOMP is no answer: a kernel may have the strict mode alone. */
bool child_can_forbid(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != 0 && errno == EFAULT;
}

bool child_forbid(enum child_sockets sockets)
{
	if (!child_can_forbid())
		return true;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool done = filter != NULL && seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) == 0 &&
		    forbid_all(filter, SCMP_ACT_KILL_PROCESS, fatal, COUNT(fatal)) &&
		    forbid_all(filter, REFUSAL, refused, COUNT(refused)) && forbid_opaque(filter) &&
		    forbid_writing(filter) && forbid_processes(filter) &&
		    forbid_sockets(filter, sockets) && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return done;
}

bool child_stay_alone(void)
{
	if (!child_can_forbid())
		return true;
	static const int calls[] = { SCMP_SYS(fork), SCMP_SYS(vfork) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool done = filter != NULL && seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) == 0 &&
		    forbid_all(filter, REFUSAL, calls, COUNT(calls)) && forbid_processes(filter) &&
		    forbid_all(filter, SCMP_ACT_ERRNO(ENOSYS), (int[]){ SCMP_SYS(clone3) }, 1) &&
		    seccomp_load(filter) == 0;
	seccomp_release(filter);
	return done;
}
