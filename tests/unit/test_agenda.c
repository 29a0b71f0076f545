/* Actions leave in the order of their time, and none is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan/agenda.h"

static void add(struct agenda *agenda, int64_t due_ns, uint16_t port)
{
	struct action action = { .kind = ACTION_SEND, .local_port = port };
	agenda_add(agenda, due_ns, &action);
}

/* The port of the action that is due at `now_ns`; 0: there is none. */
static unsigned take(struct agenda *agenda, int64_t now_ns)
{
	struct action action;
	return agenda_take(agenda, now_ns, &action) ? action.local_port : 0;
}

static void order_is_of_time_then_of_adding(void **state)
{
	(void)state;
	struct agenda agenda = { 0 };
	add(&agenda, 20, 2);
	add(&agenda, 10, 1);
	add(&agenda, 20, 3);
	assert_int_equal(agenda_due(&agenda), 10);
	assert_int_equal(take(&agenda, 9), 0);
	assert_int_equal(take(&agenda, 10), 1);
	assert_int_equal(take(&agenda, 10), 0);
	add(&agenda, 15, 4); /* before what waits, although some have left */
	assert_int_equal(take(&agenda, 30), 4);
	assert_int_equal(take(&agenda, 30), 2);
	assert_int_equal(take(&agenda, 30), 3);
	assert_true(agenda_empty(&agenda));
	assert_true(agenda_due(&agenda) == INT64_MAX);
}

static void room_of_what_has_left_is_used_again(void **state)
{
	(void)state;
	struct agenda agenda = { 0 };
	for (uint16_t i = 1; i <= AGENDA_MAX; i++)
		add(&agenda, i, i);
	for (uint16_t i = 1; i <= AGENDA_MAX / 2; i++)
		assert_int_equal(take(&agenda, i), i);
	for (uint16_t i = 1; i <= AGENDA_MAX / 2; i++)
		add(&agenda, AGENDA_MAX + i, (uint16_t)(AGENDA_MAX + i));
	for (uint16_t i = AGENDA_MAX / 2 + 1; i <= AGENDA_MAX + AGENDA_MAX / 2; i++)
		assert_int_equal(take(&agenda, INT64_MAX), i);
	assert_true(agenda_empty(&agenda));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_of_time_then_of_adding),
		cmocka_unit_test(room_of_what_has_left_is_used_again),
	};
	return cmocka_run_group_tests_name("agenda", tests, NULL, NULL);
}
