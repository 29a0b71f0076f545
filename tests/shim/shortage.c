/* shortage: a library to preload that makes calls into libc fail, as they do where a machine
 * runs out of something; used by tests/cli/shortage.
 *
 * SHORTAGE="CALL[,CALL...]:FROM:UNTIL:ERRNO": of the calls of these names together, those
 * numbered FROM to UNTIL fail with that errno, whichever process of the program makes them.
 * SHORTAGE_COUNTS=FILE: into that file, which exists and is large enough, goes a row for these
 * together and one for each name: how often it was called and how often it failed.
 * SHORTAGE_TRACE=1: the call's stack goes to standard error. Nothing fails before main() begins.
 * Programs that the program starts have nothing of all this: the variables are gone by then.
 *
 * libc's calls of its own (of socket() within getaddrinfo(), say) do not pass here, but for
 * malloc(); so functions that make such calls fail as a whole.
 */
#define _GNU_SOURCE /* RTLD_NEXT, the rarer calls */
/* Here the functions are defined, under the names that programs call. */
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <link.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* -- which calls fail ----------------------------------------------------------------- */

enum call {
#define CALL(name) CALL_##name,
#include "calls.def"
	CALLS
};

static const char *const names[CALLS] = {
#define CALL(name) [CALL_##name] = #name,
#include "calls.def"
};

/* As it stands in the file. */
struct row {
	char name[24];
	atomic_uint called, failed;
};

/* The file's content: one for all processes of the program. */
struct shortage {
	struct row chosen; /* those that may fail, together */
	struct row row[CALLS];
};

/* Libraries that get the memory that they want. */
#define SPARED 2

/* Where a library lies. */
struct place {
	uintptr_t from, until;
};

static struct {
	struct place spared[SPARED];
	struct shortage *shortage; /* NULL: nothing fails and nothing is counted yet */
	bool chosen[CALLS];
	unsigned from, until;
	int error;
	bool trace;
} plan;

static _Thread_local bool tracing;

static void trace_call(enum call call)
{
	void *stack[32];
	tracing = true;
	fprintf(stderr, "shortage: %s fails in process %d:\n", names[call], (int)getpid());
	backtrace_symbols_fd(stack, backtrace(stack, 32), STDERR_FILENO);
	tracing = false;
}

/* Counts the call; whether it fails, and errno. */
static bool fails(enum call call)
{
	if (plan.shortage == NULL || tracing)
		return false;
	atomic_fetch_add(&plan.shortage->row[call].called, 1);
	if (!plan.chosen[call])
		return false;
	unsigned number = atomic_fetch_add(&plan.shortage->chosen.called, 1) + 1;
	if (number < plan.from || number > plan.until)
		return false;
	atomic_fetch_add(&plan.shortage->chosen.failed, 1);
	atomic_fetch_add(&plan.shortage->row[call].failed, 1);
	if (plan.trace)
		trace_call(call);
	errno = plan.error;
	return true;
}

/* Their own faults, which no caller could prevent, and which end the program before anything was
 * heard: pcap_compile() of libpcap 1.10 goes on without its scanner when there is no memory for
 * one, and crashes; seccomp_load() of libseccomp 2.5 frees twice what could not grow. */
static const char *const spared[SPARED] = { "libpcap", "libseccomp" };

static int find_spared(struct dl_phdr_info *library, size_t size, void *context)
{
	struct place *places = context;
	(void)size;
	for (int which = 0; which < SPARED; which++) {
		if (strstr(library->dlpi_name, spared[which]) == NULL)
			continue;
		places[which].from = library->dlpi_addr;
		for (size_t i = 0; i < library->dlpi_phnum; i++) {
			const ElfW(Phdr) *part = &library->dlpi_phdr[i];
			uintptr_t end = library->dlpi_addr + part->p_vaddr + part->p_memsz;
			if (part->p_type == PT_LOAD && end > places[which].until)
				places[which].until = end;
		}
	}
	return 0;
}

static bool is_spared(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	for (int i = 0; i < SPARED; i++)
		if (at >= plan.spared[i].from && at < plan.spared[i].until)
			return true;
	return false;
}

/* The same for memory that `caller` wants. */
static bool memory_fails(enum call call, const void *caller)
{
	return !is_spared(caller) && fails(call);
}

/* -- the start ------------------------------------------------------------------------- */

static _Noreturn void misused(const char *what)
{
	fprintf(stderr, "shortage: %s\n", what);
	_exit(125);
}

static void choose(const char *name, size_t length)
{
	for (int i = 0; i < CALLS; i++)
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
			plan.chosen[i] = true;
			return;
		}
	misused("SHORTAGE has an unknown call");
}

static void read_plan(const char *text)
{
	while (*text != ':') {
		size_t length = strcspn(text, ",:");
		choose(text, length);
		text += length + (text[length] == ',');
	}
	if (sscanf(text, ":%u:%u:%d", &plan.from, &plan.until, &plan.error) != 3)
		misused("SHORTAGE is no CALLS:FROM:UNTIL:ERRNO");
}

static struct shortage *share(const char *path)
{
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	struct shortage *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				       MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
	if (shared == MAP_FAILED || (path != NULL && fd < 0))
		misused("SHORTAGE_COUNTS cannot be used");
	if (fd >= 0)
		close(fd);
	snprintf(shared->chosen.name, sizeof(shared->chosen.name), "chosen");
	for (int i = 0; i < CALLS; i++)
		snprintf(shared->row[i].name, sizeof(shared->row[i].name), "%s", names[i]);
	return shared;
}

static void begin(void)
{
	const char *text = getenv("SHORTAGE");
	if (text != NULL)
		read_plan(text);
	plan.trace = getenv("SHORTAGE_TRACE") != NULL;
	if (plan.trace) { /* its first call loads a library */
		void *stack[1];
		(void)backtrace(stack, 1);
	}
	dl_iterate_phdr(find_spared, plan.spared);
	/* The GNU C library crashes where it has no memory for its list of databases. */
	(void)getpwuid(0);
	struct shortage *shortage = share(getenv("SHORTAGE_COUNTS"));
	unsetenv("LD_PRELOAD");
	unsetenv("SHORTAGE");
	unsetenv("SHORTAGE_COUNTS");
	unsetenv("SHORTAGE_TRACE");
	plan.shortage = shortage;
}

typedef int main_function(int argc, char **argv, char **environment);
static main_function *program;

static int main_after(int argc, char **argv, char **environment)
{
	begin();
	return program(argc, argv, environment);
}

typedef int start_function(main_function *start, int argc, char **argv, void (*init)(void),
			   void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
EXPORT start_function __libc_start_main;
int __libc_start_main(main_function *start, int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	start_function *next = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");
	program = start;
	return next(main_after, argc, argv, init, fini, rtld_fini, stack_end);
}

/* -- memory ---------------------------------------------------------------------------- */

/* libc's own under another name, while the next library's are looked up. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static _Thread_local bool looking_up;

static void *next_of(const char *name)
{
	looking_up = true;
	void *next = dlsym(RTLD_NEXT, name);
	looking_up = false;
	return next;
}

EXPORT void *malloc(size_t size)
{
	static void *(*next)(size_t size);
	if (looking_up)
		return __libc_malloc(size);
	if (next == NULL)
		next = (void *(*)(size_t))next_of("malloc");
	return memory_fails(CALL_malloc, __builtin_return_address(0)) ? NULL : next(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
	static void *(*next)(size_t count, size_t size);
	if (looking_up)
		return __libc_calloc(count, size);
	if (next == NULL)
		next = (void *(*)(size_t, size_t))next_of("calloc");
	return memory_fails(CALL_calloc, __builtin_return_address(0)) ? NULL : next(count, size);
}

EXPORT void *realloc(void *memory, size_t size)
{
	static void *(*next)(void *memory, size_t size);
	if (looking_up)
		return __libc_realloc(memory, size);
	if (next == NULL)
		next = (void *(*)(void *, size_t))next_of("realloc");
	return memory_fails(CALL_realloc, __builtin_return_address(0)) ? NULL : next(memory, size);
}

/* -- calls that take their arguments as they are ----------------------------------------- */

/* WRAP_AS(CALL, TYPE, NAME, FAILED, (PARAMETERS), (ARGUMENTS)): counted as that call */
#define WRAP_AS(call, type, name, failed, parameters, arguments)                                   \
	EXPORT type name parameters                                                                \
	{                                                                                          \
		static type(*next) parameters;                                                     \
		if (next == NULL)                                                                  \
			next = (type(*) parameters)next_of(#name);                                 \
		return fails(CALL_##call) ? (failed) : next arguments;                             \
	}

/* WRAP(TYPE, NAME, FAILED, (PARAMETERS), (ARGUMENTS)) */
#define WRAP(type, name, failed, parameters, arguments)                                            \
	WRAP_AS(name, type, name, failed, parameters, arguments)

WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, socketpair, -1, (int domain, int type, int protocol, int fd[2]),
     (domain, type, protocol, fd))
WRAP(int, bind, -1, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length), (fd, address, length))
WRAP(int, connect, -1, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length),
     (fd, address, length))
WRAP(int, getsockname, -1, (int fd, __SOCKADDR_ARG address, socklen_t *restrict length),
     (fd, address, length))
WRAP(int, getsockopt, -1,
     (int fd, int level, int name, void *restrict value, socklen_t *restrict length),
     (fd, level, name, value, length))
WRAP(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t length),
     (fd, level, name, value, length))
WRAP(ssize_t, send, -1, (int fd, const void *bytes, size_t length, int flags),
     (fd, bytes, length, flags))
WRAP(ssize_t, sendto, -1,
     (int fd, const void *bytes, size_t length, int flags, __CONST_SOCKADDR_ARG to, socklen_t room),
     (fd, bytes, length, flags, to, room))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, recv, -1, (int fd, void *bytes, size_t length, int flags), (fd, bytes, length, flags))
WRAP(ssize_t, recvfrom, -1,
     (int fd, void *restrict bytes, size_t length, int flags, __SOCKADDR_ARG from,
      socklen_t *restrict room),
     (fd, bytes, length, flags, from, room))
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, read, -1, (int fd, void *bytes, size_t length), (fd, bytes, length))
WRAP(ssize_t, write, -1, (int fd, const void *bytes, size_t length), (fd, bytes, length))
WRAP(int, poll, -1, (struct pollfd * fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))
WRAP(int, ppoll, -1,
     (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
     (fds, count, timeout, mask))
WRAP(int, pipe, -1, (int fd[2]), (fd))
WRAP(int, pipe2, -1, (int fd[2], int flags), (fd, flags))
WRAP(int, dup, -1, (int fd), (fd))
WRAP(int, dup2, -1, (int fd, int as), (fd, as))
WRAP(int, eventfd, -1, (unsigned value, int flags), (value, flags))
WRAP(int, signalfd, -1, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(FILE *, fopen, NULL, (const char *restrict path, const char *restrict mode), (path, mode))
WRAP(FILE *, fopen64, NULL, (const char *restrict path, const char *restrict mode), (path, mode))
WRAP(FILE *, fdopen, NULL, (int fd, const char *mode), (fd, mode))
WRAP(FILE *, open_memstream, NULL, (char **bytes, size_t *length), (bytes, length))
WRAP(DIR *, opendir, NULL, (const char *path), (path))
WRAP(DIR *, fdopendir, NULL, (int fd), (fd))
WRAP(int, stat, -1, (const char *restrict path, struct stat *restrict status), (path, status))
WRAP(int, lstat, -1, (const char *restrict path, struct stat *restrict status), (path, status))
WRAP(int, fstat, -1, (int fd, struct stat *status), (fd, status))
WRAP(ssize_t, readlink, -1, (const char *restrict path, char *restrict into, size_t room),
     (path, into, room))
WRAP(int, access, -1, (const char *path, int mode), (path, mode))
WRAP(void *, mmap, MAP_FAILED,
     (void *at, size_t length, int protection, int flags, int fd, off_t offset),
     (at, length, protection, flags, fd, offset))
WRAP(ssize_t, getrandom, -1, (void *bytes, size_t length, unsigned flags), (bytes, length, flags))
WRAP(pid_t, fork, -1, (void), ())
WRAP(int, pthread_create, plan.error,
     (pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*work)(void *),
      void *restrict argument),
     (thread, attributes, work, argument))
WRAP(int, setresuid, -1, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved))
WRAP(int, seteuid, -1, (uid_t uid), (uid))
WRAP(int, setgroups, -1, (size_t count, const gid_t *groups), (count, groups))
WRAP(int, initgroups, -1, (const char *user, gid_t group), (user, group))
WRAP(struct passwd *, getpwuid, NULL, (uid_t uid), (uid))
WRAP(struct passwd *, getpwnam, NULL, (const char *name), (name))
WRAP(unsigned, if_nametoindex, 0, (const char *name), (name))
WRAP(char *, if_indextoname, NULL, (unsigned index, char name[IF_NAMESIZE]), (index, name))
WRAP(int, getifaddrs, -1, (struct ifaddrs * *list), (list))
WRAP(int, fallocate, -1, (int fd, int mode, off_t offset, off_t length), (fd, mode, offset, length))
WRAP(int, ftruncate, -1, (int fd, off_t length), (fd, length))
WRAP(int, getaddrinfo, plan.error == ENOMEM ? EAI_MEMORY : EAI_SYSTEM,
     (const char *restrict node, const char *restrict service,
      const struct addrinfo *restrict hints, struct addrinfo **restrict list),
     (node, service, hints, list))
WRAP(int, getnameinfo, plan.error == ENOMEM ? EAI_MEMORY : EAI_SYSTEM,
     (const struct sockaddr *restrict address, socklen_t length, char *restrict host,
      socklen_t host_room, char *restrict service, socklen_t service_room, int flags),
     (address, length, host, host_room, service, service_room, flags))

/* What _FORTIFY_SOURCE makes of some of these, in libraries too. */
WRAP_AS(read, ssize_t, __read_chk, -1, (int fd, void *bytes, size_t length, size_t room),
	(fd, bytes, length, room))
WRAP_AS(recv, ssize_t, __recv_chk, -1, (int fd, void *bytes, size_t length, size_t room, int flags),
	(fd, bytes, length, room, flags))
WRAP_AS(poll, int, __poll_chk, -1, (struct pollfd * fds, nfds_t count, int timeout_ms, size_t room),
	(fds, count, timeout_ms, room))
WRAP_AS(ppoll, int, __ppoll_chk, -1,
	(struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
	 size_t room),
	(fds, count, timeout, mask, room))
WRAP_AS(open, int, __open_2, -1, (const char *path, int flags), (path, flags))
WRAP_AS(open64, int, __open64_2, -1, (const char *path, int flags), (path, flags))

/* -- calls that may take one argument more ------------------------------------------------ */

#define WRAP_OPEN(name)                                                                            \
	EXPORT int name(const char *path, int flags, ...)                                          \
	{                                                                                          \
		static int (*next)(const char *path, int flags, ...);                              \
		va_list more;                                                                      \
		va_start(more, flags);                                                             \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;          \
		va_end(more);                                                                      \
		if (next == NULL)                                                                  \
			next = (int (*)(const char *, int, ...))next_of(#name);                    \
		return fails(CALL_##name) ? -1 : next(path, flags, mode);                          \
	}

#define WRAP_OPENAT(name)                                                                          \
	EXPORT int name(int folder, const char *path, int flags, ...)                              \
	{                                                                                          \
		static int (*next)(int folder, const char *path, int flags, ...);                  \
		va_list more;                                                                      \
		va_start(more, flags);                                                             \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;          \
		va_end(more);                                                                      \
		if (next == NULL)                                                                  \
			next = (int (*)(int, const char *, int, ...))next_of(#name);               \
		return fails(CALL_##name) ? -1 : next(folder, path, flags, mode);                  \
	}

/* What follows is a number or a pointer, or nothing: taken and handed on as the registers have
 * it. */
#define WRAP_ONE_MORE(name, request_type)                                                          \
	EXPORT int name(int fd, request_type request, ...)                                         \
	{                                                                                          \
		static int (*next)(int fd, request_type request, ...);                             \
		va_list more;                                                                      \
		va_start(more, request);                                                           \
		void *argument = va_arg(more, void *);                                             \
		va_end(more);                                                                      \
		if (next == NULL)                                                                  \
			next = (int (*)(int, request_type, ...))next_of(#name);                    \
		return fails(CALL_##name) ? -1 : next(fd, request, argument);                      \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
WRAP_ONE_MORE(ioctl, unsigned long)
WRAP_ONE_MORE(fcntl, int)
WRAP_ONE_MORE(fcntl64, int)
