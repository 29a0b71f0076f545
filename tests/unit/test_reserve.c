/* Local ports that are reserved: in a network namespace of its own where that is allowed,
 * so that nobody else's ports are in the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/reserve.h"

static const struct port_block block = { .own = 4, .held = 40 };
static const struct port_zone three = { 20000, 20000 + 3 * 44 - 1 }; /* room for three blocks */

/* 0, or the errno of a bind() of somebody else's. */
static int bind_elsewhere(int family, uint16_t port, int reuse, int *fd)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1, s = socket(family, SOCK_STREAM, 0);
	assert_true(s >= 0);
	if (family == AF_INET6)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	int error = 0;
	if (family == AF_INET6 ? bind(s, (struct sockaddr *)&six, sizeof(six)) != 0
			       : bind(s, (struct sockaddr *)&four, sizeof(four)) != 0)
		error = errno;
	if (fd != NULL && error == 0)
		*fd = s;
	else
		close(s);
	return error;
}

static void reserve_one(struct reservation *reservation)
{
	struct error error = { 0 };
	assert_true(reserve(&three, 1, block, 1, reservation, &error));
	assert_int_equal(reservation->count, block.held);
}

static void zones_lie_outside_the_ephemeral_ports(void **state)
{
	(void)state;
	static const struct {
		struct port_zone ephemeral;
		size_t count;
		struct port_zone zone[RESERVE_ZONES];
	} rows[] = {
		{ { 32768, 60999 }, 3, { { 61000, 65535 }, { 10000, 32767 }, { 61000, 65535 } } },
		{ { 32768, 65534 }, 3, { { 65535, 65535 }, { 10000, 32767 }, { 61000, 65535 } } },
		{ { 15000, 65535 }, 2, { { 10000, 14999 }, { 61000, 65535 } } },
		{ { 1024, 65535 }, 1, { { 61000, 65535 } } },
		{ { 10000, 65535 }, 1, { { 61000, 65535 } } },
		{ { 10001, 20000 }, 3, { { 20001, 65535 }, { 10000, 10000 }, { 61000, 65535 } } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct port_zone zone[RESERVE_ZONES];
		assert_int_equal(reserve_zones(rows[i].ephemeral, zone), rows[i].count);
		assert_memory_equal(zone, rows[i].zone, rows[i].count * sizeof(zone[0]));
	}
}

static void this_machine_says_which_ports_are_ephemeral(void **state)
{
	(void)state;
	struct port_zone ephemeral = reserve_ephemeral();
	assert_true(ephemeral.first > 0 && ephemeral.first <= ephemeral.last);
}

static void held_ports_are_nobody_elses(void **state)
{
	(void)state;
	struct reservation reservation;
	reserve_one(&reservation);
	for (uint16_t i = 0; i < block.held; i++)
		for (int reuse = 0; reuse <= 1; reuse++) {
			uint16_t port = (uint16_t)(reservation.held + i);
			assert_int_equal(bind_elsewhere(AF_INET, port, reuse, NULL), EADDRINUSE);
			assert_int_equal(bind_elsewhere(AF_INET6, port, reuse, NULL), EADDRINUSE);
		}
	reserve_release(&reservation);
	assert_int_equal(bind_elsewhere(AF_INET, reservation.held, 0, NULL), 0);
}

static void own_ports_can_be_bound(void **state)
{
	(void)state;
	struct reservation reservation;
	reserve_one(&reservation);
	for (uint16_t i = 0; i < block.own; i++)
		assert_int_equal(bind_elsewhere(AF_INET, (uint16_t)(reservation.own + i), 1, NULL),
				 0);
	reserve_release(&reservation);
}

/* The zone has room for three: each gets ports of its own, and the fourth is told. */
static void no_port_is_given_twice(void **state)
{
	(void)state;
	struct reservation taken[3], another;
	struct error error = { 0 };
	unsigned owners[3 * 44] = { 0 };
	for (size_t i = 0; i < 3; i++) {
		reserve_one(&taken[i]);
		for (uint16_t n = 0; n < block.own; n++)
			owners[taken[i].own + n - three.first]++;
		for (uint16_t n = 0; n < block.held; n++)
			owners[taken[i].held + n - three.first]++;
	}
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		assert_int_equal(owners[i], 1);
	assert_false(reserve(&three, 1, block, 1, &another, &error));
	assert_int_equal(error.code, EXIT_UNAVAILABLE);
	assert_int_equal(another.count, 0);
	reserve_release(&taken[1]);
	assert_true(reserve(&three, 1, block, 1, &another, &error));
	assert_int_equal(another.held, taken[1].held);
	reserve_release(&another);
	reserve_release(&taken[0]);
	reserve_release(&taken[2]);
}

static void neighbouring_blocks(void **state)
{
	(void)state;
	struct reservation two, one, none;
	struct error error = { 0 };
	assert_true(reserve(&three, 1, block, 2, &two, &error));
	assert_int_equal(two.count, 2 * block.held);
	reserve_one(&one);
	assert_false(reserve(&three, 1, block, 1, &none, &error));
	reserve_release(&one);
	assert_false(reserve(&three, 1, block, 2, &none, &error));
	assert_false(reserve(&three, 1, block, 4, &none, &error)); /* never */
	reserve_release(&two);
}

/* A port that somebody has is passed by: held ones or own ones, of whichever family. */
static void ports_in_use_are_passed_by(void **state)
{
	(void)state;
	static const uint16_t in_use[] = { 20000, 20011, 20012, 20131 };
	for (size_t i = 0; i < 2 * sizeof(in_use) / sizeof(in_use[0]); i++) {
		int family = i % 2 ? AF_INET6 : AF_INET, fd = -1;
		struct reservation first, second, none;
		struct error error = { 0 };
		assert_int_equal(bind_elsewhere(family, in_use[i / 2], 0, &fd), 0);
		reserve_one(&first);
		reserve_one(&second);
		assert_false(reserve(&three, 1, block, 1, &none, &error));
		reserve_release(&first);
		reserve_release(&second);
		close(fd);
	}
}

/* As TIME_WAIT leaves one: a bind() with SO_REUSEADDR shares it. */
static void ports_whose_connection_ended_come_last(void **state)
{
	(void)state;
	struct reservation reservation;
	int ended[3];
	for (uint16_t i = 0; i < 2; i++)
		assert_int_equal(bind_elsewhere(AF_INET, (uint16_t)(20001 + 4 * i), 1, &ended[i]),
				 0);
	for (unsigned i = 0; i < 20; i++) {
		reserve_one(&reservation);
		assert_int_equal(reservation.own, 20008);
		reserve_release(&reservation);
	}
	assert_int_equal(bind_elsewhere(AF_INET, 20009, 1, &ended[2]), 0);
	reserve_one(&reservation);
	reserve_release(&reservation);
	for (size_t i = 0; i < 3; i++)
		close(ended[i]);
}

static void another_zone_when_the_first_is_full(void **state)
{
	(void)state;
	const struct port_zone zones[] = { { 1, 0 }, { 21000, 21042 }, three };
	struct reservation reservation;
	struct error error = { 0 };
	assert_true(reserve(zones, 3, block, 1, &reservation, &error));
	assert_in_range(reservation.own, three.first, three.last);
	reserve_release(&reservation);
}

/* A process that is killed gives its ports back. */
static void a_killed_process_holds_nothing(void **state)
{
	(void)state;
	int ends[2];
	uint16_t port = 0;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct reservation reservation;
		struct error error;
		if (!reserve(&three, 1, block, 1, &reservation, &error) ||
		    write(ends[1], &reservation.held, sizeof(port)) != sizeof(port))
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]); /* so that a child without ports is an end, not a wait */
	assert_int_equal(read(ends[0], &port, sizeof(port)), sizeof(port));
	assert_int_equal(bind_elsewhere(AF_INET, port, 1, NULL), EADDRINUSE);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(bind_elsewhere(AF_INET, port, 0, NULL), 0);
	close(ends[0]);
}

/* All that is ever held at once, by who may open few files. */
static void few_descriptors_suffice(void **state)
{
	(void)state;
	static const struct port_zone zone = { 20000, 29999 };
	struct rlimit before, few;
	struct reservation reservation;
	struct error error = { 0 };
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ 12, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	bool held = reserve(&zone, 1, block, 4, &reservation, &error);
	setrlimit(RLIMIT_NOFILE, &before);
	if (!held)
		fail_msg("%s", error.text);
	for (uint16_t i = 0; i < 4 * block.held; i++)
		assert_int_equal(bind_elsewhere(AF_INET, (uint16_t)(reservation.held + i), 0, NULL),
				 EADDRINUSE);
	reserve_release(&reservation);
	assert_int_equal(bind_elsewhere(AF_INET, reservation.held, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_lie_outside_the_ephemeral_ports),
		cmocka_unit_test(this_machine_says_which_ports_are_ephemeral),
		cmocka_unit_test(held_ports_are_nobody_elses),
		cmocka_unit_test(own_ports_can_be_bound),
		cmocka_unit_test(no_port_is_given_twice),
		cmocka_unit_test(neighbouring_blocks),
		cmocka_unit_test(ports_in_use_are_passed_by),
		cmocka_unit_test(ports_whose_connection_ended_come_last),
		cmocka_unit_test(another_zone_when_the_first_is_full),
		cmocka_unit_test(few_descriptors_suffice),
		cmocka_unit_test(a_killed_process_holds_nothing),
	};
	if (unshare(CLONE_NEWNET) != 0)
		(void)unshare(CLONE_NEWUSER | CLONE_NEWNET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
