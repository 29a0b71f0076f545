/* How many new flows the SSH port may see, by what has been sent and answered so far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plan/flows.h"

#define MS(n)	 MILLISECONDS(n)
#define BEGUN	 SECONDS(1000)
#define DISTANCE 10

struct scene {
	struct run run;
	struct plan plan;
	struct exchange exchange[16];
	struct exchange *list[16];
	struct sent sent[16][8];
};

static void begin(struct scene *scene)
{
	*scene = (struct scene){
		.run = { .planned = true, .port = 22, .address = address_parse("20.99.0.4") }
	};
	scene->plan.run = &scene->run;
	scene->plan.config.full_ttl = 64;
	scene->plan.track.exchanges = scene->list;
}

/* A SYN from local port 100 + `flow`, so long after the first. */
static struct sent *send_syn_of(struct scene *scene, unsigned flow, int64_t after_ns, uint8_t ttl)
{
	for (size_t n = scene->plan.track.count; n <= flow; n++, scene->plan.track.count++) {
		scene->list[n] = &scene->exchange[n];
		scene->exchange[n] = (struct exchange){ .local_port = (uint16_t)(100 + n),
							.remote_port = 22,
							.purpose = PURPOSE_SWEEP,
							.sent = scene->sent[n] };
	}
	struct exchange *exchange = &scene->exchange[flow];
	struct sent *sent = &exchange->sent[exchange->sent_count++];
	*sent = (struct sent){ .time_ns = BEGUN + after_ns, .ttl = ttl };
	return sent;
}

static void answer(struct scene *scene, struct sent *sent, enum reply reply)
{
	sent->reply = reply;
	sent->reply_ns = sent->time_ns + MS(20);
	sent->reply_ttl = 64 - DISTANCE + 1;
	sent->from = scene->run.address;
}

static int64_t departure_of(const struct scene *scene, unsigned flow, uint8_t ttl, int64_t at_ns)
{
	struct action action = { .kind = ACTION_SEND,
				 .way = WAY_LINK,
				 .purpose = ttl < 64 ? PURPOSE_SWEEP : PURPOSE_SSH,
				 .local_port = (uint16_t)(100 + flow),
				 .remote_port = 22,
				 .ttl = ttl,
				 .flags = TCP_SYN };
	return flows_departure(&scene->plan, BEGUN + at_ns, &action);
}

static void assert_leaves(const struct scene *scene, unsigned flow, uint8_t ttl, int64_t at_ns)
{
	assert_true(departure_of(scene, flow, ttl, at_ns) == BEGUN + at_ns);
}

static void assert_never(const struct scene *scene, unsigned flow, uint8_t ttl, int64_t at_ns)
{
	assert_true(departure_of(scene, flow, ttl, at_ns) == FLOWS_NEVER);
}

static void begin_with(struct scene *scene, unsigned flows, enum reply reply)
{
	begin(scene);
	for (unsigned n = 0; n < flows; n++)
		answer(scene, send_syn_of(scene, n, MS(n), 64), reply);
}

static void a_sixth_flow_is_never_begun(void **state)
{
	(void)state;
	struct scene scene;
	begin_with(&scene, 4, REPLY_SYN_ACK);
	assert_leaves(&scene, 4, 64, MS(100));
	begin_with(&scene, 5, REPLY_SYN_ACK);
	assert_never(&scene, 5, 64, MS(100));
	assert_false(flows_are_left(&scene.plan, BEGUN + MS(100)));
	assert_leaves(&scene, 5, 64, SECONDS(31));
}

static void what_stands_goes_on(void **state)
{
	(void)state;
	struct scene scene;
	begin_with(&scene, 5, REPLY_SYN_ACK);
	assert_leaves(&scene, 4, 64, MS(100));
	assert_leaves(&scene, 4, DISTANCE, MS(100));
	begin_with(&scene, 5, REPLY_RESET); /* each that is refused is a new one */
	assert_never(&scene, 4, 64, MS(100));
}

static void what_ends_on_the_way_is_free(void **state)
{
	(void)state;
	struct scene scene;
	begin_with(&scene, 5, REPLY_SYN_ACK);
	assert_leaves(&scene, 5, DISTANCE - 2, MS(100));
	assert_never(&scene, 5, DISTANCE, MS(100));
	begin_with(&scene, 1, REPLY_RESET);
	for (unsigned n = 1; n < 6; n++) {
		struct sent *sent = send_syn_of(&scene, n, MS(50 + n), DISTANCE);
		answer(&scene, sent, REPLY_EXCEEDED);
		sent->from = address_parse("192.0.2.1");
	}
	assert_leaves(&scene, 6, DISTANCE, MS(100));
}

static void one_at_a_time_where_syns_are_refused(void **state)
{
	(void)state;
	struct scene scene;
	begin_with(&scene, 1, REPLY_RESET);
	struct sent *sent = send_syn_of(&scene, 1, MS(100), DISTANCE);
	int64_t departure_ns = departure_of(&scene, 1, DISTANCE + 1, MS(101));
	assert_true(departure_ns > BEGUN + MS(101) && departure_ns < BEGUN + MS(110));
	assert_leaves(&scene, 1, DISTANCE + 1, MS(151)); /* it is not answered any more */
	answer(&scene, sent, REPLY_RESET);
	assert_leaves(&scene, 1, DISTANCE + 1, MS(121));
}

/* What is asked at first leaves room for what the verdict rests on. */
static void sweeps_leave_something_for_others(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	for (unsigned n = 0; n < 3; n++)
		send_syn_of(&scene, n, MS(n), 64);
	assert_never(&scene, 3, DISTANCE, MS(100));
	assert_leaves(&scene, 3, 64, MS(100));
}

static void silence_costs_nothing_until_something_answers(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	for (unsigned n = 0; n < 8; n++)
		send_syn_of(&scene, n, MS(n), 64);
	assert_never(&scene, 8, 64, MS(100)); /* it may only be slow */
	assert_leaves(&scene, 8, 64, MS(700));
	answer(&scene, &scene.sent[7][0], REPLY_SYN_ACK);
	assert_never(&scene, 8, 64, MS(700));
}

static void other_ports_are_not_counted(void **state)
{
	(void)state;
	struct scene scene;
	begin_with(&scene, 5, REPLY_SYN_ACK);
	struct action other = { .kind = ACTION_CONNECT, .remote_port = 2222, .local_port = 300 };
	assert_true(flows_departure(&scene.plan, BEGUN, &other) == BEGUN);
	other.remote_port = 22;
	assert_true(flows_departure(&scene.plan, BEGUN + MS(100), &other) == FLOWS_NEVER);
	other.to_reference = true;
	assert_true(flows_departure(&scene.plan, BEGUN + MS(100), &other) == BEGUN + MS(100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sixth_flow_is_never_begun),
		cmocka_unit_test(what_stands_goes_on),
		cmocka_unit_test(what_ends_on_the_way_is_free),
		cmocka_unit_test(one_at_a_time_where_syns_are_refused),
		cmocka_unit_test(sweeps_leave_something_for_others),
		cmocka_unit_test(silence_costs_nothing_until_something_answers),
		cmocka_unit_test(other_ports_are_not_counted),
	};
	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
