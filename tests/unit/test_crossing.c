/* What two captures of one connection prove: packets are given as plain steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "joint/crossing.h"
#include "joint/state.h"

#define MS(n) ((int64_t)(n)*1000000)
#define DELAY MS(20)
#define AHEAD MS(5000)
#define LATER MS(100000)

struct world {
	struct trace near, far;
	struct end client, server;
	struct crossing crossing;
	int64_t now_ns;
	uint16_t ip_id;
};

enum fate { COMES, LOST, FORGED };

static int set_up(void **state)
{
	static struct world world;
	memset(&world, 0, sizeof(world));
	world.client = (struct end){ .trace = &world.near,
				     .name = "client",
				     .sees_all = true,
				     .both_ways = true,
				     .last_ns = LATER };
	world.server = (struct end){ .trace = &world.far,
				     .name = "vm",
				     .sees_all = true,
				     .both_ways = true,
				     .last_ns = LATER + AHEAD };
	world.near.whole = world.far.whole = true;
	*state = &world;
	return 0;
}

static void add(struct trace *trace, struct step step)
{
	step.number = trace->count + 1;
	if (is_syn(&step))
		trace->marks.syn = true;
	trace->steps[trace->count++] = step;
}

/* After `wait_ms`; forged: it is seen at the other end only. */
static void send_step(struct world *w, bool from_client, uint8_t flags, uint32_t at,
		      uint32_t length, int wait_ms, enum fate fate)
{
	w->now_ns += MS(wait_ms);
	struct step step = { .from_client = from_client,
			     .flags = flags,
			     .at = at,
			     .length = length,
			     .ip_id = ++w->ip_id,
			     .ttl = 64 };
	struct trace *from = from_client ? &w->near : &w->far;
	struct trace *to = from_client ? &w->far : &w->near;
	step.time_ns = w->now_ns + (from == &w->far ? AHEAD : 0);
	if (fate != FORGED)
		add(from, step);
	step.time_ns = w->now_ns + DELAY + (to == &w->far ? AHEAD : 0);
	if (fate != LOST)
		add(to, step);
}

static void shake_hands(struct world *w)
{
	send_step(w, true, TCP_SYN, 0, 0, 0, COMES);
	send_step(w, false, TCP_SYN | TCP_ACK, 0, 0, 30, COMES);
	send_step(w, true, TCP_ACK, 1, 0, 30, COMES);
}

static enum answer crossed(struct world *w)
{
	cross(&w->client, &w->server, &w->crossing);
	return w->crossing.crossing.answer;
}

static enum answer answerer(struct world *w)
{
	cross(&w->client, &w->server, &w->crossing);
	return w->crossing.answerer.answer;
}

static void all_that_comes_arrives(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	send_step(w, true, TCP_ACK | TCP_PSH, 1, 41, 30, COMES);
	send_step(w, false, TCP_ACK | TCP_PSH, 1, 41, 30, COMES);
	send_step(w, false, TCP_ACK | TCP_FIN, 42, 0, 30, COMES);
	assert_int_equal(crossed(w), ANSWER_CROSSING_ALL_ARRIVE);
}

/* A sender's segment may be cut up below the capture, or put together above it. */
static void segments_may_be_cut_up(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	send_step(w, true, TCP_ACK, 1, 3000, 30, LOST);
	send_step(w, true, TCP_ACK, 1, 1448, 0, FORGED);
	send_step(w, true, TCP_ACK, 1449, 1552, 0, FORGED);
	assert_int_equal(crossed(w), ANSWER_CROSSING_ALL_ARRIVE);
}

static void swallow(struct world *w, unsigned copies, uint32_t at, uint32_t length)
{
	for (unsigned i = 0; i < copies; i++)
		send_step(w, true, TCP_ACK | TCP_PSH, at, length, 200, LOST);
}

static void words_that_never_arrive(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	swallow(w, 2, 1, 41);
	assert_int_equal(crossed(w), ANSWER_CROSSING_CLIENT_WORDS_NEVER_ARRIVE);
	assert_int_equal(w->crossing.crossing.packet_count, 2);
	assert_int_equal(w->crossing.crossing.packets[0], 4);
}

static void one_copy_may_be_an_accident(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	swallow(w, 1, 1, 41);
	assert_int_equal(crossed(w), ANSWER_NONE);
}

static void large_ones_never_arrive(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	send_step(w, true, TCP_ACK, 1, 41, 30, COMES);
	swallow(w, 3, 42, 1448);
	assert_int_equal(crossed(w), ANSWER_CROSSING_LARGE_NEVER_ARRIVE);
}

/* ... 1200 bytes are where they begin. */
static void how_large_is_large(void **state)
{
	for (uint32_t length = 1199; length <= 1201; length++) {
		set_up(state);
		struct world *w = *state;
		shake_hands(w);
		send_step(w, true, TCP_ACK, 1, 41, 30, COMES);
		swallow(w, 3, 42, length);
		assert_int_equal(crossed(w), length < 1200
						     ? ANSWER_CROSSING_CLIENT_WORDS_NEVER_ARRIVE
						     : ANSWER_CROSSING_LARGE_NEVER_ARRIVE);
	}
}

static void absence_needs_a_capture_that_goes_on(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	swallow(w, 3, 1, 41);
	w->server.last_ns = w->now_ns + AHEAD + DELAY;
	assert_int_equal(crossed(w), ANSWER_NONE);
	w->server.last_ns = LATER + AHEAD;
	w->server.sees_all = false;
	assert_int_equal(crossed(w), ANSWER_NONE);
	w->server.sees_all = true;
	w->near.whole = false; /* more was said than was written down */
	assert_int_equal(crossed(w), ANSWER_NONE);
}

static void servers_words_never_arrive(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	for (int i = 0; i < 3; i++)
		send_step(w, false, TCP_ACK | TCP_PSH, 1, 41, 200, LOST);
	assert_int_equal(crossed(w), ANSWER_CROSSING_SERVER_WORDS_NEVER_ARRIVE);
	w->client.sees_all = false;
	assert_int_equal(crossed(w), ANSWER_NONE);
}

static void a_reset_nobody_sent(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	send_step(w, false, TCP_RST | TCP_ACK, 1, 0, 30, FORGED);
	assert_int_equal(crossed(w), ANSWER_CROSSING_END_NEVER_SENT);
	/* the VM's own end comes later and changes nothing */
	send_step(w, false, TCP_FIN | TCP_ACK, 1, 0, 3000, COMES);
	assert_int_equal(crossed(w), ANSWER_CROSSING_END_NEVER_SENT);
	w->server.last_ns = MS(60) + AHEAD;
	w->far.count = 3;
	assert_int_equal(crossed(w), ANSWER_NONE);
}

static void a_reset_after_the_clients_own_end(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	send_step(w, true, TCP_FIN | TCP_ACK, 1, 0, 30, COMES);
	send_step(w, false, TCP_RST, 1, 0, 100, FORGED);
	assert_int_equal(crossed(w), ANSWER_CROSSING_ALL_ARRIVE);
}

static void a_reset_to_the_vm_that_the_client_never_sent(void **state)
{
	struct world *w = *state;
	shake_hands(w);
	send_step(w, true, TCP_RST | TCP_ACK, 1, 0, 30, FORGED);
	assert_int_equal(crossed(w), ANSWER_CROSSING_END_NEVER_SENT);
	w->client.sees_all = false;
	assert_int_equal(crossed(w), ANSWER_NONE);
}

static void syns_that_come_and_get_no_answer(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 3; i++)
		send_step(w, true, TCP_SYN, 0, 0, 1000 * i, COMES);
	assert_int_equal(crossed(w), ANSWER_CROSSING_ALL_ARRIVE);
	send_step(w, false, TCP_RST | TCP_ACK, 0, 0, 10, FORGED);
	assert_int_equal(answerer(w), ANSWER_ANSWERER_ANOTHER);
	w->server.both_ways = false; /* perhaps it shows what comes in alone */
	assert_int_equal(answerer(w), ANSWER_NONE);
}

static void a_reset_of_the_vms(void **state)
{
	struct world *w = *state;
	send_step(w, true, TCP_SYN, 0, 0, 0, COMES);
	send_step(w, false, TCP_RST | TCP_ACK, 0, 0, 30, COMES);
	assert_int_equal(answerer(w), ANSWER_ANSWERER_VM);
}

static void a_reset_in_place_of_the_vms_syn_ack(void **state)
{
	struct world *w = *state;
	send_step(w, true, TCP_SYN, 0, 0, 0, COMES);
	send_step(w, false, TCP_SYN | TCP_ACK, 0, 0, 30, LOST);
	send_step(w, false, TCP_RST | TCP_ACK, 0, 0, 0, FORGED);
	assert_int_equal(answerer(w), ANSWER_ANSWERER_ANOTHER);
}

static void answers_that_never_arrive(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 3; i++) {
		send_step(w, true, TCP_SYN, 0, 0, 1000 * i, COMES);
		send_step(w, false, TCP_SYN | TCP_ACK, 0, 0, 30, LOST);
	}
	assert_int_equal(crossed(w), ANSWER_CROSSING_ANSWERS_NEVER_ARRIVE);
	w->client.both_ways = false;
	assert_int_equal(crossed(w), ANSWER_NONE);
}

static void one_answer_may_be_lost_by_accident(void **state)
{
	struct world *w = *state;
	send_step(w, true, TCP_SYN, 0, 0, 0, COMES);
	send_step(w, false, TCP_SYN | TCP_ACK, 0, 0, 30, LOST);
	send_step(w, true, TCP_SYN, 0, 0, 1000, COMES);
	assert_int_equal(crossed(w), ANSWER_NONE);
}

static void another_syn_ack(void **state)
{
	struct world *w = *state;
	send_step(w, true, TCP_SYN, 0, 0, 0, COMES);
	send_step(w, false, TCP_SYN | TCP_ACK, 0, 0, 30, FORGED);
	w->near.steps[1].stamped = true;
	w->near.steps[1].timestamp = 7;
	send_step(w, false, TCP_SYN | TCP_ACK, 0, 0, 30, LOST);
	w->far.steps[1].stamped = true;
	w->far.steps[1].timestamp = 8;
	w->near.marks.answer_stamped = w->far.marks.answer_stamped = true;
	w->near.marks.server_isn = 1;
	w->far.marks.server_isn = 2;
	assert_int_equal(answerer(w), ANSWER_ANSWERER_ANOTHER);
	assert_int_equal(crossed(w), ANSWER_NONE);
	w->far.steps[1].timestamp = 7; /* the same, with another sequence number */
	assert_int_equal(answerer(w), ANSWER_ANSWERER_VM);
	assert_int_equal(crossed(w), ANSWER_CROSSING_ALL_ARRIVE);
}

static void a_clocks_offset(void **state)
{
	struct world *w = *state;
	struct shift shift = { .up = false };
	int64_t ahead_ns, within_ns;
	send_step(w, true, TCP_SYN, 0, 0, 0, COMES);
	shift_learn(&shift, &w->near, &w->far);
	assert_false(shift_offset(&shift, &ahead_ns, &within_ns));
	assert_int_equal(ahead_ns, AHEAD + DELAY);
	send_step(w, false, TCP_SYN | TCP_ACK, 0, 0, 30, COMES);
	shift_learn(&shift, &w->near, &w->far);
	assert_true(shift_offset(&shift, &ahead_ns, &within_ns));
	assert_int_equal(ahead_ns, AHEAD);
	assert_int_equal(within_ns, DELAY);
}

/* Which copy is it? */
static void copies_tell_no_time(void **state)
{
	struct world *w = *state;
	struct shift shift = { .up = false };
	send_step(w, true, TCP_SYN, 0, 0, 0, LOST);
	send_step(w, true, TCP_SYN, 0, 0, 1000, COMES);
	shift_learn(&shift, &w->near, &w->far);
	assert_false(shift.up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_that_comes_arrives, set_up),
		cmocka_unit_test_setup(segments_may_be_cut_up, set_up),
		cmocka_unit_test_setup(words_that_never_arrive, set_up),
		cmocka_unit_test_setup(one_copy_may_be_an_accident, set_up),
		cmocka_unit_test_setup(large_ones_never_arrive, set_up),
		cmocka_unit_test_setup(how_large_is_large, set_up),
		cmocka_unit_test_setup(absence_needs_a_capture_that_goes_on, set_up),
		cmocka_unit_test_setup(servers_words_never_arrive, set_up),
		cmocka_unit_test_setup(a_reset_nobody_sent, set_up),
		cmocka_unit_test_setup(a_reset_after_the_clients_own_end, set_up),
		cmocka_unit_test_setup(a_reset_to_the_vm_that_the_client_never_sent, set_up),
		cmocka_unit_test_setup(syns_that_come_and_get_no_answer, set_up),
		cmocka_unit_test_setup(a_reset_of_the_vms, set_up),
		cmocka_unit_test_setup(a_reset_in_place_of_the_vms_syn_ack, set_up),
		cmocka_unit_test_setup(answers_that_never_arrive, set_up),
		cmocka_unit_test_setup(one_answer_may_be_lost_by_accident, set_up),
		cmocka_unit_test_setup(another_syn_ack, set_up),
		cmocka_unit_test_setup(a_clocks_offset, set_up),
		cmocka_unit_test_setup(copies_tell_no_time, set_up),
	};
	return cmocka_run_group_tests_name("crossing", tests, NULL, NULL);
}
