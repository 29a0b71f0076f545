/* probe/craft/errand: what the courier is told arrives whole, and its sockets are the same ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "craft/errand.h"

static int some_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	return fd;
}

static ino_t file_of(int fd)
{
	struct stat status;
	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

static struct errands two_errands(void)
{
	struct errands errands = { .count = 2, .interface = "eth7", .person = { .uid = 4711 } };
	for (size_t i = 0; i < errands.count; i++)
		for (size_t n = 0; n < PLAN_KERNEL_PORTS; n++)
			errands.errand[i].socket[n] = (i + n) % 2 == 0 ? some_socket() : -1;
	errands.errand[1].route.mtu = 1400;
	errands.errand[1].licence.tos = 72;
	return errands;
}

static void make_channel(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void close_sockets(const struct errands *errands)
{
	for (size_t i = 0; i < errands->count; i++)
		for (size_t n = 0; n < PLAN_KERNEL_PORTS; n++)
			if (errands->errand[i].socket[n] >= 0)
				close(errands->errand[i].socket[n]);
}

static void test_all_of_it_arrives(void **state)
{
	(void)state;
	int ends[2];
	struct errands told = two_errands(), heard;
	make_channel(ends);
	assert_true(errands_tell(ends[0], &told));
	assert_true(errands_hear(ends[1], &heard));
	assert_int_equal(heard.count, 2);
	assert_int_equal(heard.person.uid, 4711);
	assert_string_equal(heard.interface, "eth7");
	assert_int_equal(heard.errand[1].route.mtu, 1400);
	assert_int_equal(heard.errand[1].licence.tos, 72);
	for (size_t i = 0; i < told.count; i++)
		for (size_t n = 0; n < PLAN_KERNEL_PORTS; n++) {
			int here = heard.errand[i].socket[n], there = told.errand[i].socket[n];
			assert_int_equal(here < 0, there < 0);
			if (there < 0)
				continue;
			assert_int_not_equal(here, there);
			assert_int_equal(file_of(here), file_of(there));
		}
	close_sockets(&told);
	close_sockets(&heard);
	close(ends[0]);
	close(ends[1]);
}

static void test_without_sockets(void **state)
{
	(void)state;
	int ends[2];
	struct errands told = { .count = 1 }, heard;
	for (size_t n = 0; n < PLAN_KERNEL_PORTS; n++)
		told.errand[0].socket[n] = -1;
	make_channel(ends);
	assert_true(errands_tell(ends[0], &told));
	assert_true(errands_hear(ends[1], &heard));
	assert_int_equal(heard.errand[0].socket[0], -1);
	close(ends[0]);
	close(ends[1]);
}

/* The probe has ended, or had nowhere to send the courier. */
static void test_nothing_is_told(void **state)
{
	(void)state;
	int ends[2];
	struct errands heard;
	make_channel(ends);
	assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
	assert_false(errands_hear(ends[1], &heard));
	close(ends[0]);
	close(ends[1]);
}

static void test_too_short(void **state)
{
	(void)state;
	int ends[2];
	struct errands heard;
	make_channel(ends);
	assert_int_equal(send(ends[0], "errand", 6, 0), 6);
	assert_false(errands_hear(ends[1], &heard));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_arrives),
		cmocka_unit_test(test_without_sockets),
		cmocka_unit_test(test_nothing_is_told),
		cmocka_unit_test(test_too_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
