/* Code that somebody has injected: preloaded, it tries one forbidden thing inside the program.
 *
 *   INTRUDER_ACT=name    what (acts[])
 *   INTRUDER_AT=moment   when:
 *     "start": before main(), so that a test sees that it can be done at all;
 *     "dropped": when privilege has just been dropped, before the wall;
 *     "poll": the first time that the network is waited for after that;
 *     "locked": when a capture's filter has been locked after that;
 *     "flush": when the report is written
 *
 * It says on stderr "intruder: NAME: done" or why not, and then lets the program go on, unless the
 * kernel has ended it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTORS = 256, FRAME = 60 };

/* -- the acts: 0, or errno ------------------------------------------------------------ */

static int capture = -1; /* a descriptor that captures */
static int idle = -1;	 /* a TCP socket that is not connected */

static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int closing(int fd)
{
	int error = outcome(fd);
	if (fd >= 0)
		close(fd);
	return error;
}

static int run_shell(void)
{
	unsetenv("LD_PRELOAD");
	execl("/bin/sh", "sh", "-c", "echo intruder: exec: done >&2", (char *)NULL);
	return errno;
}

static int fork_child(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
	return outcome(child);
}

static int fork_by_number(void)
{
	long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid((pid_t)child, NULL, 0);
	return outcome(child);
}

static int map_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? errno : 0;
}

static int make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int open_file(void)
{
	return closing(open("/etc/passwd", O_RDONLY));
}

static int open_folder(void)
{
	return closing(open("/etc", O_RDONLY | O_DIRECTORY));
}

static int write_file(void)
{
	return closing(open("/tmp", O_TMPFILE | O_WRONLY, 0600));
}

static int write_null(void)
{
	return closing(open("/dev/null", O_WRONLY));
}

static int make_folder(void)
{
	char name[64];
	snprintf(name, sizeof(name), "/tmp/intruder-%d", (int)getpid());
	int error = outcome(mkdir(name, 0700));
	if (error == 0)
		rmdir(name);
	return error;
}

static int hide_file(void)
{
	return closing(memfd_create("intruder", 0));
}

static int open_tcp(void)
{
	return closing(socket(AF_INET, SOCK_STREAM, 0));
}

static int open_udp(void)
{
	return closing(socket(AF_INET, SOCK_DGRAM, 0));
}

static int open_local(void)
{
	return closing(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int open_netlink(void)
{
	return closing(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int connect_elsewhere(void)
{
	struct sockaddr_in elsewhere = { .sin_family = AF_INET,
					 .sin_port = htons(9),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int error = outcome(connect(idle, (struct sockaddr *)&elsewhere, sizeof(elsewhere)));
	return error == EINPROGRESS || error == ECONNREFUSED ? 0 : error;
}

static int listen_there(void)
{
	return outcome(listen(idle, 1));
}

static int trace_me(void)
{
	return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int read_parent(void)
{
	char byte, *where = &byte;
	struct iovec here = { where, 1 }, there = { where, 1 };
	int error = outcome(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
	return error == EFAULT ? 0 : error; /* it was allowed to look */
}

static int signal_parent(void)
{
	return outcome(kill(getppid(), 0));
}

static int load_bpf(void)
{
	int error = outcome(syscall(SYS_bpf, -1, NULL, 0));
	return error == EINVAL ? 0 : error;
}

static int set_up_ring(void)
{
	int error = outcome(syscall(SYS_io_uring_setup, 0, NULL));
	return error == EFAULT || error == EINVAL ? 0 : error;
}

static int unshare_users(void)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int mount_something(void)
{
	int error = outcome(mount(NULL, NULL, NULL, 0, NULL));
	return error == EFAULT || error == EINVAL ? 0 : error;
}

static int become_dumpable(void)
{
	return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static const unsigned char frame[FRAME] = {
	[12] = 0x88, [13] = 0xb5
}; /* IEEE's local experiments */

static int send_frame(void)
{
	return outcome(send(capture, frame, FRAME, 0));
}

static int send_frame_to(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = 1, .sll_halen = 6 };
	return outcome(sendto(capture, frame, FRAME, 0, (struct sockaddr *)&to, sizeof(to)));
}

static int write_frame(void)
{
	return outcome(write(capture, frame, FRAME));
}

static int write_frame_in_parts(void)
{
	const struct iovec part = { (void *)frame, FRAME };
	return outcome(writev(capture, &part, 1));
}

static int send_frame_as_message(void)
{
	struct iovec part = { (void *)frame, FRAME };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	return outcome(sendmsg(capture, &message, 0));
}

/* The kernel takes a descriptor's lower half; a filter that compares all of it does not. */
static int write_frame_askew(void)
{
	return outcome(syscall(SYS_write, 0x100000000 | (unsigned long)capture, frame, FRAME));
}

static int copy_capture(void)
{
	return closing(dup(capture));
}

static int copy_capture_by_fcntl(void)
{
	return closing(fcntl(capture, F_DUPFD, 0));
}

static int go_promiscuous(void)
{
	struct packet_mreq request = { .mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC };
	return outcome(
		setsockopt(capture, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)));
}

static int take_off_filter(void)
{
	int ignored = 0;
	return outcome(
		setsockopt(capture, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored)));
}

static int change_filter(void)
{
	struct sock_filter all = { BPF_RET | BPF_K, 0, 0, 0xffff };
	struct sock_fprog program = { 1, &all };
	return outcome(
		setsockopt(capture, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static const struct {
	const char *name;
	int (*try)(void);
} acts[] = {
	{ "exec", run_shell },
	{ "fork", fork_child },
	{ "clone", fork_by_number },
	{ "map-code", map_code },
	{ "make-code", make_code },
	{ "open-file", open_file },
	{ "open-folder", open_folder },
	{ "write-file", write_file },
	{ "write-null", write_null },
	{ "make-folder", make_folder },
	{ "hide-file", hide_file },
	{ "tcp", open_tcp },
	{ "udp", open_udp },
	{ "local", open_local },
	{ "netlink", open_netlink },
	{ "connect", connect_elsewhere },
	{ "listen", listen_there },
	{ "trace", trace_me },
	{ "read-parent", read_parent },
	{ "signal-parent", signal_parent },
	{ "bpf", load_bpf },
	{ "io-uring", set_up_ring },
	{ "unshare", unshare_users },
	{ "mount", mount_something },
	{ "dumpable", become_dumpable },
	{ "frame", send_frame },
	{ "frame-to", send_frame_to },
	{ "frame-write", write_frame },
	{ "frame-parts", write_frame_in_parts },
	{ "frame-message", send_frame_as_message },
	{ "frame-askew", write_frame_askew },
	{ "copy-capture", copy_capture },
	{ "fcntl-capture", copy_capture_by_fcntl },
	{ "promiscuous", go_promiscuous },
	{ "no-filter", take_off_filter },
	{ "all-filter", change_filter },
};

/* -- the moments ------------------------------------------------------------------------ */

static pid_t program; /* not its children */
static bool dropped;

static void say(const char *name, int error)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "intruder: %s: %s%s\n", name,
			      error == 0 ? "done" : "refused: ", error == 0 ? "" : strerror(error));
	(void)!write(STDERR_FILENO, line, (size_t)length);
}

static void come(const char *moment)
{
	const char *act = getenv("INTRUDER_ACT"), *at = getenv("INTRUDER_AT");
	if (act == NULL || at == NULL || strcmp(at, moment) != 0 || getpid() != program)
		return;
	program = 0; /* once */
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, act) == 0)
			say(act, acts[i].try());
}

static bool has(int fd, int option, int value)
{
	int found = -1;
	socklen_t length = sizeof(found);
	return getsockopt(fd, SOL_SOCKET, option, &found, &length) == 0 && found == value;
}

static void find_descriptors(void)
{
	struct sockaddr_storage peer;
	for (int fd = 3; fd < DESCRIPTORS; fd++) {
		socklen_t length = sizeof(peer);
		if (has(fd, SO_DOMAIN, AF_PACKET) && has(fd, SO_TYPE, SOCK_RAW))
			capture = fd;
		else if (has(fd, SO_DOMAIN, AF_INET) && has(fd, SO_TYPE, SOCK_STREAM) &&
			 getpeername(fd, (struct sockaddr *)&peer, &length) != 0)
			idle = fd;
	}
}

__attribute__((constructor)) static void begin(void)
{
	program = getpid();
	come("start");
}

/* The last that is asked when privilege is dropped. */
int prctl(int option, ...)
{
	va_list rest;
	va_start(rest, option);
	unsigned long value = va_arg(rest, unsigned long);
	va_end(rest);
	long result = syscall(SYS_prctl, option, value, 0, 0, 0);
	if (option == PR_GET_NO_NEW_PRIVS && getpid() == program && geteuid() != 0) {
		dropped = true;
		find_descriptors();
		come("dropped");
	}
	return (int)result;
}

static void before_waiting(void)
{
	if (dropped)
		come("poll");
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int (*real)(struct pollfd *, nfds_t, int) =
		(int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
	before_waiting();
	return real(fds, count, timeout);
}

typedef int ppoll_function(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	before_waiting();
	return ((ppoll_function *)dlsym(RTLD_NEXT, "ppoll"))(fds, count, timeout, mask);
}

/* What FORTIFY_SOURCE makes of it. */
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		const sigset_t *mask, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		const sigset_t *mask, size_t room)
{
	(void)room;
	return ppoll(fds, count, timeout, mask);
}

typedef int setsockopt_function(int, int, int, const void *, socklen_t);

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	setsockopt_function *real = (setsockopt_function *)dlsym(RTLD_NEXT, "setsockopt");
	int result = real(fd, level, option, value, length);
	if (dropped && level == SOL_SOCKET && option == SO_LOCK_FILTER && result == 0)
		come("locked");
	return result;
}

int fflush(FILE *file)
{
	int (*real)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fflush");
	if (file == stdout)
		come("flush");
	return real(file);
}
