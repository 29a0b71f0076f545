/* errand: what comes back, what is left behind, what ends the wait early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "names/errand.h"

struct sum {
	int a, b, result;
	int gate;	      /* eventfd to wait for before the work ends; -1: none */
	atomic_int *finished; /* told behind the last access to this parcel */
};

static void add(void *parcel)
{
	struct sum *sum = parcel;
	atomic_int *finished = sum->finished;
	uint64_t count;
	if (sum->gate >= 0)
		(void)!read(sum->gate, &count, sizeof(count));
	sum->result = sum->a + sum->b;
	if (finished != NULL)
		atomic_store(finished, 1);
}

static void open_gate(int gate)
{
	uint64_t one = 1;
	assert_int_equal(write(gate, &one, sizeof(one)), sizeof(one));
}

static void brings_its_result(void **state)
{
	(void)state;
	struct sum sum = { .a = 2, .b = 3, .gate = -1 };
	struct errand *errand = errand_send(add, &sum, sizeof(sum));
	assert_non_null(errand);
	for (unsigned again = 0; again < 2; again++)
		assert_int_equal(errand_wait(errand, 10000, -1), 0);
	const struct sum *done = errand_parcel(errand);
	assert_int_equal(done->result, 5);
	assert_int_equal(sum.result, 0); /* it worked on a copy */
	errand_leave(errand);
}

/* The sender goes first: what the work writes to must still be there. */
static void is_left_behind(void **state)
{
	(void)state;
	atomic_int finished = 0;
	int gate = eventfd(0, EFD_CLOEXEC);
	struct sum sum = { .a = 2, .b = 3, .gate = gate, .finished = &finished };
	struct errand *errand = errand_send(add, &sum, sizeof(sum));
	assert_non_null(errand);
	assert_int_equal(errand_wait(errand, 20, -1), ETIMEDOUT);
	errand_leave(errand);
	open_gate(gate);
	for (unsigned tries = 0; tries < 1000 && !atomic_load(&finished); tries++)
		usleep(10000);
	assert_int_equal(atomic_load(&finished), 1);
	close(gate);
}

static void is_stopped(void **state)
{
	(void)state;
	int gate = eventfd(0, EFD_CLOEXEC), stop = eventfd(1, EFD_CLOEXEC);
	struct sum sum = { .gate = gate };
	struct errand *errand = errand_send(add, &sum, sizeof(sum));
	assert_non_null(errand);
	assert_int_equal(errand_wait(errand, 10000, stop), EINTR);
	open_gate(gate);
	assert_int_equal(errand_wait(errand, 10000, -1), 0);
	assert_int_equal(errand_wait(errand, 0, stop), 0); /* what is done is done */
	errand_leave(errand);
	errand_leave(NULL);
	close(gate);
	close(stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brings_its_result),
		cmocka_unit_test(is_left_behind),
		cmocka_unit_test(is_stopped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
