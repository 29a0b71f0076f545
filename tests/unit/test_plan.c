/* The plan against small networks in virtual time: what it sends, and when it stops. */
#include "plan_world.h"

#include "plan/cookie.h"

static void a_healthy_vm_sees_no_crafted_packet(void **state)
{
	(void)state;
	struct world w;
	world_run_simple(&w, OPEN, true, MS(10000));
	assert_int_equal(w.crafted, 0);
	assert_int_equal(w.connects, 1);
	assert_true(w.done_ns < MS(200));
}

/* The library comes through, and then all depends on the person's ssh. */
static void ssh_itself_decides_where_all_is_well(void **state)
{
	(void)state;
	struct world w = { .ssh_port = OPEN, .healthy = true, .opinion = PASSES };
	world_run(&w, MS(10000));
	assert_int_equal(w.opinions, 1);
	assert_int_equal(w.flows, 2);
	assert_int_equal(w.crafted, 0);
	assert_true(w.done_ns < MS(200));
	w = (struct world){ .ssh_port = OPEN, .healthy = true, .opinion = STALLS };
	world_run(&w, MS(10000));
	assert_int_equal(w.opinions, 1);
	assert_true(w.crafted > 0 && w.copies > 0);
	assert_in_range(w.done_ns, MS(2000), MS(10000));
	assert_in_range(w.flows, 2, 5);
	w = (struct world){ .ssh_port = OPEN, .healthy = true, .opinion = IS_REFUSED };
	world_run(&w, MS(10000));
	assert_int_equal(w.opinions, 1);
	assert_true(w.crafted > 0);
}

/* It takes a connection more, and nothing is gained where the library does not come through. */
static void ssh_itself_is_not_asked_in_vain(void **state)
{
	(void)state;
	static const enum ssh_port ports[] = { SILENT, CLOSED, OPEN };
	for (size_t i = 0; i < 3; i++) {
		struct world w = { .ssh_port = ports[i], .opinion = PASSES };
		world_run(&w, MS(10000));
		assert_int_equal(w.opinions, 0);
	}
}

static void a_closed_port_is_settled_quickly(void **state)
{
	(void)state;
	struct world w;
	world_run_simple(&w, CLOSED, false, MS(10000));
	assert_true(w.done_ns < MS(1000));
	assert_true(w.connects <= 3);
	assert_true(w.farthest <= DISTANCE + 1); /* a sweep ends at the first answer */
}

static void silence_takes_three_seconds_at_most(void **state)
{
	(void)state;
	struct world w;
	world_run_simple(&w, SILENT, false, MS(10000));
	assert_true(w.done_ns > MS(1500));
	assert_true(w.done_ns <= MS(3000));
	assert_true(w.crafted < 400);
}

/* What ssh marks its packets with is told from what drops the port: a few SYNs without it. */
static void where_marked_syns_come_to_nothing_others_are_sent(void **state)
{
	(void)state;
	struct world w = { .ssh_port = OPEN, .tos = 0x48, .drops_marked = true };
	world_run(&w, MS(10000));
	assert_in_range(w.unmarked, 1, 2);
	assert_in_range(w.done_ns, MS(1000), MS(3500));
	w = (struct world){ .ssh_port = SILENT, .tos = 0x48 };
	world_run(&w, MS(10000));
	assert_in_range(w.unmarked, 1, 2);
	w = (struct world){ .ssh_port = CLOSED, .tos = 0x48 };
	world_run(&w, MS(10000));
	assert_int_equal(w.unmarked, 1);
	w = (struct world){ .ssh_port = CLOSED, .ecn = true };
	world_run(&w, MS(10000));
	assert_int_equal(w.unmarked, 1);
}

static void nothing_is_asked_of_marks_in_vain(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT }; /* there are none */
	world_run(&w, MS(10000));
	assert_int_equal(w.unmarked, 0);
	w = (struct world){ .ssh_port = OPEN, .tos = 0x48 }; /* they pass */
	world_run(&w, MS(10000));
	assert_int_equal(w.unmarked, 0);
}

/* `ufw limit` refuses the sixth new flow of an address within 30 s: two probes, and then ssh. */
static void few_flows_come_to_a_port_that_answers(void **state)
{
	(void)state;
	struct world w;
	world_run_simple(&w, OPEN, true, MS(10000));
	assert_int_equal(w.flows, 1);
	world_run_simple(&w, OPEN, false, MS(10000));
	assert_in_range(w.flows, 2, 4);
	world_run_simple(&w, CLOSED, false, MS(10000));
	assert_in_range(w.flows, 2, 4);
	w = (struct world){ .ssh_port = CLOSED, .tos = 0x48, .ecn = true };
	world_run(&w, MS(10000));
	assert_in_range(w.flows, 2, 5);
	assert_int_equal(w.withheld, 0);
}

/* Where nothing answers, silence is proven: nothing that is sent is one too many. */
static void silence_is_not_rationed(void **state)
{
	(void)state;
	struct world w;
	world_run_simple(&w, SILENT, false, MS(10000));
	assert_true(w.flows > 5);
	assert_int_equal(w.withheld, 0);
}

static void half_open_connections_are_reset(void **state)
{
	(void)state;
	struct world w;
	world_run_simple(&w, OPEN, false, MS(10000));
	assert_true(w.resets_sent > 0);
	assert_int_equal(w.connects, 1);
}

static void the_deadline_holds(void **state)
{
	(void)state;
	struct world w;
	world_run_simple(&w, SILENT, false, MS(700));
	assert_true(w.done_ns <= MS(800));
}

static void the_reference_is_asked_once(void **state)
{
	(void)state;
	struct world w;
	world_run_beside(&w, OPEN, true, MS(10000), 2222, MS(1));
	assert_int_equal(w.references, 1);
	assert_int_equal(w.connects, 1);
	assert_true(w.done_ns < MS(200));
	world_run_simple(&w, OPEN, true, MS(10000));
	assert_int_equal(w.references, 0);
}

/* It is waited for, but not for ever, and hardly when the verdict stands. */
static void the_reference_is_waited_for(void **state)
{
	(void)state;
	struct world w;
	world_run_beside(&w, CLOSED, false, MS(10000), 22, 0);
	assert_true(w.done_ns >= MS(3000) && w.done_ns <= MS(4000));
	world_run_beside(&w, CLOSED, false, MS(10000), 22, MS(1500));
	assert_true(w.done_ns >= MS(1500) && w.done_ns <= MS(1700));
	world_run_beside(&w, OPEN, true, MS(10000), 22, 0);
	assert_true(w.done_ns >= MS(200) && w.done_ns <= MS(400));
}

/* Its acceptance is not the target's. */
static void the_reference_delays_nothing(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT,
			   .reference = 22,
			   .reference_after_ns = MS(1),
			   .reference_accepts = true };
	world_run(&w, MS(10000));
	assert_true(w.first_crafted_ns <= MS(300));
}

/* Five pairs within the VM's limit of errors, a time of reassembly, and not for ever. */
static void deep_sends_fragments_and_waits(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT, .deep = true };
	world_run(&w, MS(90000));
	assert_int_equal(w.fragments[0], 5);
	assert_int_equal(w.fragments[1], 5);
	assert_int_equal(w.acks[0], 2);
	assert_int_equal(w.acks[1], 2);
	assert_int_equal(w.plains[0], 2);
	assert_int_equal(w.given_up_said, 5);
	assert_true(w.done_ns > MS(2500) + REASSEMBLY && w.done_ns < MS(45000));
}

static void deep_ends_with_the_first_word_of_the_vm(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT, .deep = true, .vm_reassembles = true };
	world_run(&w, MS(90000));
	assert_true(w.done_ns > REASSEMBLY && w.done_ns < MS(3200) + REASSEMBLY);
}

static void deep_is_for_doubt(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT, .deep = true, .edge_drops = true };
	world_run(&w, MS(90000));
	assert_int_equal(w.fragments[0] + w.acks[0] + w.plains[0], 0);
	assert_true(w.done_ns <= MS(3000));
}

/* Where packets are answered, or the user did not ask for it, nothing is different. */
static void deep_is_for_silence(void **state)
{
	(void)state;
	struct world w = { .ssh_port = CLOSED, .deep = true };
	world_run(&w, MS(90000));
	assert_int_equal(w.fragments[0] + w.acks[0] + w.plains[0], 0);
	assert_true(w.done_ns < MS(1000));
	w = (struct world){ .ssh_port = OPEN, .deep = true, .healthy = true };
	world_run(&w, MS(90000));
	assert_int_equal(w.crafted, 0);
	w = (struct world){ .ssh_port = SILENT };
	world_run(&w, MS(90000));
	assert_int_equal(w.fragments[0] + w.acks[0] + w.plains[0], 0);
	assert_true(w.done_ns <= MS(3000));
	w = (struct world){ .ssh_port = SILENT, .deep = true, .full = true };
	world_run(&w, MS(90000)); /* there may have been answers */
	assert_int_equal(w.fragments[0] + w.acks[0] + w.plains[0], 0);
	w = (struct world){ .ssh_port = SILENT, .deep = true };
	world_run(&w, MS(5000));
	assert_true(w.done_ns <= MS(5100));
}

/* What is sent in the kernel's name acknowledges no more than the kernel has: or the server
 * would never say again what was lost. */
static void copies_acknowledge_what_came(void **state)
{
	(void)state;
	struct world w = { .ssh_port = OPEN, .gap = true };
	world_run(&w, MS(5000));
	assert_true(w.copies > 0);
	assert_int_equal(w.copies_acknowledge, SERVER_FIRST + 1);
}

/* On the VM itself its own table says where SSH may be: nothing else is asked. */
static void who_listens_on_the_vm_is_heard(void **state)
{
	(void)state;
	struct world w = { .ssh_port = CLOSED,
			   .at_vm = true,
			   .listener = { 7022 },
			   .listeners = 1,
			   .listener_speaks = true };
	world_run(&w, MS(10000));
	assert_int_equal(w.tries, 1);
	assert_int_equal(w.tried[0], 7022);
	assert_int_equal(w.asked_elsewhere, 0);
	assert_true(w.done_ns < MS(1500));
}

/* Three connections to a target at most; what does not speak is not waited for long. */
static void two_who_listen_are_tried(void **state)
{
	(void)state;
	struct world w = {
		.ssh_port = CLOSED, .at_vm = true, .listener = { 7022, 8022, 9022 }, .listeners = 3
	};
	world_run(&w, MS(10000));
	assert_int_equal(w.connects, 1);
	assert_int_equal(w.tries, 2);
	assert_int_equal(w.tried[0], 7022);
	assert_int_equal(w.tried[1], 8022);
	assert_true(w.done_ns > MS(800) && w.done_ns < MS(3000));
	w = (struct world){
		.ssh_port = CLOSED, .at_vm = true, .listener = { 7022 }, .listeners = 1
	};
	world_run(&w, MS(10000));
	assert_int_equal(w.tries, 1);
	assert_true(w.done_ns > MS(800) && w.done_ns < MS(1500));
}

static void nobody_listens_on_the_vm(void **state)
{
	(void)state;
	struct world w = { .ssh_port = CLOSED, .at_vm = true, .listener = { 0 }, .listeners = 1 };
	world_run(&w, MS(10000));
	assert_int_equal(w.tries + w.asked_elsewhere, 0);
	assert_true(w.done_ns < MS(1000));
	/* nor where the port that was asked for is open */
	w = (struct world){ .ssh_port = OPEN,
			    .at_vm = true,
			    .listener = { 7022 },
			    .listeners = 1,
			    .listener_speaks = true };
	world_run(&w, MS(10000));
	assert_int_equal(w.tries, 0);
	/* and where nothing was told, all is as it was */
	w = (struct world){ .ssh_port = CLOSED, .at_vm = true };
	world_run(&w, MS(10000));
	assert_int_equal(w.tries, 0);
	assert_true(w.done_ns < MS(1000));
}

static void cookies_differ_by_key_ports_and_try(void **state)
{
	(void)state;
	const uint8_t key[16] = { 1 }, other[16] = { 2 };
	struct address target = address_parse("20.99.0.4");
	uint32_t secret = cookie(key, &target, 61000, 22);
	assert_int_equal(secret, cookie(key, &target, 61000, 22));
	assert_true(secret <= 0xffffff);
	assert_int_not_equal(secret, cookie(other, &target, 61000, 22));
	assert_int_not_equal(secret, cookie(key, &target, 61001, 22));
	assert_int_not_equal(secret, cookie(key, &target, 61000, 80));
	assert_int_not_equal(cookie_sequence(secret, 1, 0), cookie_sequence(secret, 1, 1));
	assert_int_not_equal(cookie_sequence(secret, 1, 0), cookie_sequence(secret, 2, 0));
}

/* Whoever sends what answers nothing makes no run grow. */
static void strays_are_held_as_examples(void **state)
{
	(void)state;
	struct run run = { .planned = true,
			   .port = 22,
			   .address = address_parse("20.99.0.4"),
			   .local_address = address_parse("10.20.0.10") };
	struct plan_config config = { .kernel_ports = 61000, .crafted_ports = 61004 };
	struct plan *plan = plan_new(&run, &config, MS(1));
	struct packet packet = { .protocol = IP_TCP,
				 .source = run.address,
				 .destination = run.local_address,
				 .source_port = 22,
				 .destination_port = 61001,
				 .flags = TCP_RST };
	unsigned held = 0;
	for (unsigned n = 0; n < 100; n++)
		held += plan_packet(plan, &packet);
	assert_int_equal(held, STRAY_EXAMPLES);
	assert_int_equal(plan_strays(plan)->count[STRAY_RESET], 100);
	packet.source = address_parse("10.20.0.20");
	assert_false(plan_packet(plan, &packet));
	plan_free(plan);
}

/* A busy machine asks late, with answers unread: what was heard ends where it ends. */
static void what_waits_to_be_read_is_no_silence(void **state)
{
	(void)state;
	struct run run = { .planned = true, .port = 22, .address = address_parse("20.99.0.4") };
	const struct plan_config config = { .deadline_ns = MS(2000), .kernel_ports = 61000 };
	struct plan *plan = plan_new(&run, &config, MS(1000));
	assert_int_equal(plan_next(plan, MS(1000)).kind, ACTION_CONNECT);
	plan_heard(plan, MS(1001));
	assert_int_equal(plan_next(plan, MS(9000)).kind, ACTION_NONE);
	plan_heard(plan, MS(9000));
	assert_int_equal(plan_next(plan, MS(9000)).kind, ACTION_DONE);
	plan_free(plan);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_to_be_read_is_no_silence),
		cmocka_unit_test(a_healthy_vm_sees_no_crafted_packet),
		cmocka_unit_test(ssh_itself_decides_where_all_is_well),
		cmocka_unit_test(ssh_itself_is_not_asked_in_vain),
		cmocka_unit_test(a_closed_port_is_settled_quickly),
		cmocka_unit_test(silence_takes_three_seconds_at_most),
		cmocka_unit_test(where_marked_syns_come_to_nothing_others_are_sent),
		cmocka_unit_test(nothing_is_asked_of_marks_in_vain),
		cmocka_unit_test(few_flows_come_to_a_port_that_answers),
		cmocka_unit_test(silence_is_not_rationed),
		cmocka_unit_test(half_open_connections_are_reset),
		cmocka_unit_test(the_deadline_holds),
		cmocka_unit_test(the_reference_is_asked_once),
		cmocka_unit_test(the_reference_is_waited_for),
		cmocka_unit_test(the_reference_delays_nothing),
		cmocka_unit_test(deep_sends_fragments_and_waits),
		cmocka_unit_test(deep_ends_with_the_first_word_of_the_vm),
		cmocka_unit_test(deep_is_for_doubt),
		cmocka_unit_test(deep_is_for_silence),
		cmocka_unit_test(copies_acknowledge_what_came),
		cmocka_unit_test(who_listens_on_the_vm_is_heard),
		cmocka_unit_test(two_who_listen_are_tried),
		cmocka_unit_test(nobody_listens_on_the_vm),
		cmocka_unit_test(cookies_differ_by_key_ports_and_try),
		cmocka_unit_test(strays_are_held_as_examples),
	};
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
