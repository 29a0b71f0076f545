/* The resolver's process: what it may not do, what of it is believed, how it ends. The name servers
 * are played by look_up(), which runs where they are asked otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "names/lookup.h"
#include "names/names.h"
#include "names/resolve.h"
#include "names/resolver.h"
#include "process/child.h"
#include "process/clock.h"

/* -- what is done in the child, by the name that is asked for ------------------------------ */

/* errno of what could not be opened; 0: it could. */
static int cause(int fd)
{
	int error = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

static void *do_nothing(void *nothing)
{
	return nothing;
}

static int start_thread(void)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, do_nothing, NULL);
}

static int start_process(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

/* What an attempt came to: an errno, 0 when it was allowed. */
static int attempt(const char *what)
{
	static const struct {
		const char *what;
		int family, type, protocol;
	} sockets[] = {
		{ "udp", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0 },
		{ "tcp6", AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0 },
		{ "unix", AF_UNIX, SOCK_STREAM, 0 },
		{ "routes", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE },
		{ "raw", AF_INET, SOCK_RAW, 1 },
		{ "ping6", AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 58 },
		{ "oldpacket", AF_INET, SOCK_PACKET, 3 },
		{ "packet", AF_PACKET, SOCK_RAW, 3 },
		{ "netfilter", AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER },
		{ "crypto", 38, SOCK_SEQPACKET, 0 },
	};
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		if (strcmp(what, sockets[i].what) == 0)
			return cause(
				socket(sockets[i].family, sockets[i].type, sockets[i].protocol));
	if (strcmp(what, "read") == 0)
		return cause(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	if (strcmp(what, "write") == 0)
		return cause(open("/dev/null", O_WRONLY | O_CLOEXEC));
	if (strcmp(what, "create") == 0)
		return cause(open("/tmp/sshwhy-test", O_RDONLY | O_CREAT | O_EXCL, 0600));
	if (strcmp(what, "thread") == 0)
		return start_thread();
	if (strcmp(what, "process") == 0)
		return start_process();
	if (strcmp(what, "privilege") == 0)
		return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
	if (strcmp(what, "dump") == 0)
		return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? EPERM : 0;
	return -1;
}

static void lie(const char *how, struct name_answer *answer)
{
	static const unsigned char strange = 7;
	memset(answer->name, 'x', sizeof(answer->name));
	if (strcmp(how, "many") == 0)
		answer->count = ADDRESSES_MAX + 1;
	if (strcmp(how, "family") == 0)
		answer->address[answer->count++].family = 9;
	if (strcmp(how, "bool") == 0)
		memcpy(&answer->confirmed, &strange, 1);
	if (strcmp(how, "number") == 0)
		answer->number = RESOLVER_QUESTIONS;
	if (strcmp(how, "other") == 0)
		answer->number++;
	if (strcmp(how, "error") == 0)
		answer->error = 1;
}

void look_up(const struct name_question *question, struct name_answer *answer)
{
	char *const words[] = { "true", NULL };
	const char *what = question->name;
	memset(answer, 0, sizeof(*answer));
	answer->number = question->number;
	if (question->address.family != 0) {
		snprintf(answer->name, sizeof(answer->name), "router.example");
		answer->confirmed = question->address.bytes[0] == 8;
	} else if (strcmp(what, "slow") == 0)
		sleep(1000);
	else if (strcmp(what, "execute") == 0)
		answer->error = execv("/no/such/program", words);
	else if (strcmp(what, "end") == 0)
		_exit(0);
	else if (strncmp(what, "lie ", 4) == 0)
		lie(what + 4, answer);
	else if (strcmp(what, "absent") == 0)
		answer->error = EAI_NONAME;
	else if (strcmp(what, "system") == 0) {
		answer->error = EAI_SYSTEM;
		answer->system_error = ENFILE;
	} else if (strcmp(what, "vm") == 0) {
		/* what lies behind the four bytes is nobody's */
		memset(&answer->address[0], 0xff, sizeof(answer->address[0]));
		answer->address[0] = address_parse("192.0.2.1");
		answer->address[0].bytes[15] = 1;
		answer->address[1] = address_parse("2001:db8::1");
		answer->count = 2;
	} else
		answer->system_error = attempt(what);
}

/* -- the tests -------------------------------------------------------------------------- */

#define PATIENCE_MS 10000

static struct resolver *start(void)
{
	struct person person;
	struct error error = { 0 };
	person_find(&person);
	struct resolver *resolver = resolver_start(&person, &error);
	assert_non_null(resolver);
	return resolver;
}

static int ask(struct resolver *resolver, const char *name)
{
	struct name_question question = { 0 };
	snprintf(question.name, sizeof(question.name), "%s", name);
	return resolver_ask(resolver, &question);
}

static int result_of(struct resolver *resolver, const char *name)
{
	int number = ask(resolver, name);
	assert_int_equal(resolver_wait(resolver, number, PATIENCE_MS, -1), 0);
	return resolver_answer(resolver, number)->system_error;
}

static void the_slow_hold_nobody_up(void **state)
{
	(void)state;
	struct resolver *resolver = start();
	int slow = -1;
	for (unsigned i = 0; i < RESOLVER_QUESTIONS - 1; i++)
		slow = ask(resolver, "slow");
	int64_t began_ms = clock_ms();
	assert_int_equal(result_of(resolver, "read"), 0);
	assert_true(clock_ms() - began_ms < PATIENCE_MS);
	assert_int_equal(resolver_wait(resolver, slow, 20, -1), ETIMEDOUT);
	assert_int_equal(ask(resolver, "read"), -1); /* that was the last */
	began_ms = clock_ms();
	resolver_end(resolver);
	assert_true(clock_ms() - began_ms < 900);
	resolver_end(NULL);
}

static void waiting_is_stopped(void **state)
{
	(void)state;
	struct resolver *resolver = start();
	int stop = eventfd(1, EFD_CLOEXEC);
	int slow = ask(resolver, "slow"), quick = ask(resolver, "read");
	assert_int_equal(resolver_wait(resolver, slow, PATIENCE_MS, stop), EINTR);
	assert_int_equal(resolver_wait(resolver, quick, PATIENCE_MS, -1), 0);
	assert_int_equal(resolver_wait(resolver, quick, 0, stop), 0); /* what is there is there */
	close(stop);
	resolver_end(resolver);
}

static void it_may_do_little(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		int error;
	} rows[] = {
		{ "udp", 0 },
		{ "unix", 0 },
		{ "routes", 0 },
		{ "read", 0 },
		{ "raw", EACCES },
		{ "ping6", EACCES },
		{ "oldpacket", EACCES },
		{ "packet", EACCES },
		{ "netfilter", EACCES },
		{ "crypto", EACCES },
		{ "write", EACCES },
		{ "create", EACCES },
		{ "process", EACCES },
		{ "privilege", EPERM },
		{ "dump", EPERM },
	};
	struct resolver *resolver = start();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int error = result_of(resolver, rows[i].what);
		if (error != rows[i].error)
			fail_msg("%s: %s", rows[i].what, strerror(error));
	}
	resolver_end(resolver);
}

/* Who tries to run a program is killed, and asked no more. */
static void it_runs_no_program(void **state)
{
	(void)state;
	static const char *const last[] = { "execute", "end" };
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		struct resolver *resolver = start();
		struct resolution out;
		int number = ask(resolver, last[i]);
		assert_int_equal(resolver_wait(resolver, number, PATIENCE_MS, -1), EPIPE);
		assert_int_equal(ask(resolver, "read"), -1);
		resolve_within(resolver, "vm", 0, PATIENCE_MS, -1, &out);
		assert_int_equal(out.error, EAI_SYSTEM);
		resolver_end(resolver);
	}
}

static void lies_are_no_answers(void **state)
{
	(void)state;
	static const char *const lies[] = { "lie many",	  "lie family", "lie bool",
					    "lie number", "lie error",	"lie other" };
	struct resolver *resolver = start();
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int number = ask(resolver, lies[i]);
		if (resolver_wait(resolver, number, 30, -1) != ETIMEDOUT)
			fail_msg("%s", lies[i]);
	}
	int number = ask(resolver, "lie not");
	assert_int_equal(resolver_wait(resolver, number, PATIENCE_MS, -1), 0);
	assert_int_equal(strlen(resolver_answer(resolver, number)->name), NAME_LENGTH - 1);
	resolver_end(resolver);
}

static void addresses_of_a_name(void **state)
{
	(void)state;
	struct resolver *resolver = start();
	struct resolution out;
	struct address plain = address_parse("192.0.2.1");
	resolve_within(resolver, "vm", 0, PATIENCE_MS, -1, &out);
	assert_int_equal(out.error, 0);
	assert_int_equal(out.count, 2);
	assert_memory_equal(&out.address[0], &plain, sizeof(plain));
	assert_false(out.literal);
	resolve_within(resolver, "absent", 0, PATIENCE_MS, -1, &out);
	assert_int_equal(out.error, EAI_NONAME);
	assert_string_equal(out.text, gai_strerror(EAI_NONAME));
	resolve_within(resolver, "system", 0, PATIENCE_MS, -1, &out);
	assert_int_equal(out.error, EAI_SYSTEM);
	assert_string_equal(out.text, strerror(ENFILE));
	resolve_within(resolver, "read", 0, PATIENCE_MS, -1, &out); /* no address at all */
	assert_int_equal(out.error, EAI_NODATA);
	resolve_within(resolver, "slow", 0, 20, -1, &out);
	assert_int_equal(out.error, EAI_AGAIN);
	resolver_end(resolver);
	resolve_within(NULL, "vm", 0, PATIENCE_MS, -1, &out);
	assert_int_equal(out.error, EAI_SYSTEM);
	resolve_within(NULL, "[2001:db8::1]", 6, PATIENCE_MS, -1, &out);
	assert_true(out.literal && out.count == 1 && out.error == 0);
	resolve_within(NULL, "192.0.2.1", 6, PATIENCE_MS, -1, &out);
	assert_int_equal(out.error, EAI_ADDRFAMILY);
}

static void names_of_addresses(void **state)
{
	(void)state;
	struct resolver *resolver = start();
	struct names names = { .resolver = resolver };
	struct address one = address_parse("8.0.0.1"), other = address_parse("9.0.0.1"), got;
	char name[NAME_LENGTH];
	bool confirmed;
	for (unsigned again = 0; again < 3; again++)
		names_ask(&names, &one);
	names_ask(&names, &other);
	assert_int_equal(names.count, 2);
	names_wait(&names, PATIENCE_MS);
	assert_true(names_get(&names, 0, &got, name, &confirmed));
	assert_true(address_equal(&got, &one) && confirmed);
	assert_string_equal(name, "router.example");
	assert_true(names_get(&names, 1, &got, name, &confirmed));
	assert_true(address_equal(&got, &other) && !confirmed);
	assert_false(names_get(&names, 2, &got, name, &confirmed));
	for (uint8_t last = 1; last < 2 * NAMES_MAX; last++) {
		other.bytes[3] = last;
		names_ask(&names, &other);
	}
	assert_int_equal(names.count, NAMES_MAX);
	resolver_end(resolver);
}

/* A process that says its number, and hears nothing. */
static _Noreturn int dwell(int fd, void *context)
{
	pid_t self = getpid();
	(void)context;
	(void)!write(fd, &self, sizeof(self));
	for (;;)
		pause();
}

static void a_child_does_not_outlive_its_parent(void **state)
{
	(void)state;
	int ends[2];
	pid_t pid;
	struct child child;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0) {
		(void)child_start(&child, "child", ends[1], dwell, NULL);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	assert_true(end.fd >= 0);
	assert_int_equal(poll(&end, 1, 50), 0);
	kill(parent, SIGKILL);
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	waitpid(parent, NULL, 0);
	close(end.fd);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_slow_hold_nobody_up),
		cmocka_unit_test(waiting_is_stopped),
		cmocka_unit_test(it_may_do_little),
		cmocka_unit_test(it_runs_no_program),
		cmocka_unit_test(lies_are_no_answers),
		cmocka_unit_test(addresses_of_a_name),
		cmocka_unit_test(names_of_addresses),
		cmocka_unit_test(a_child_does_not_outlive_its_parent),
	};
	return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
