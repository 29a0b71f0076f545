/* probe/company/pulse: which connection is ssh's own, and whether that one moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "company/pulse.h"

#define FIRST 1000 /* sequence number of each SYN */

/* A packet of the connection from `port`, at `second`. */
static struct packet packet(uint16_t port, int second, uint8_t flags, bool from_server)
{
	struct packet p = { .end = DECODE_COMPLETE,
			    .protocol = IP_TCP,
			    .time_ns = second * INT64_C(1000000000),
			    .source = address_parse("10.0.0.1"),
			    .destination = address_parse("10.0.0.2"),
			    .source_port = port,
			    .destination_port = 22,
			    .sequence = FIRST,
			    .flags = flags };
	if (!from_server)
		return p;
	p.source = address_parse("10.0.0.2");
	p.destination = address_parse("10.0.0.1");
	p.source_port = 22;
	p.destination_port = port;
	p.acknowledgement = FIRST + 1;
	return p;
}

static uint32_t begin(struct pulse *pulse, uint16_t port, int second, bool doubtful)
{
	struct packet syn = packet(port, second, TCP_SYN, false);
	(void)pulse_begin(pulse, &syn, doubtful);
	return pulse_takes(pulse, &syn);
}

static void answer(struct pulse *pulse, uint16_t port, int second, uint8_t flags)
{
	struct packet from_server = packet(port, second, flags, true);
	assert_int_not_equal(pulse_takes(pulse, &from_server), 0);
}

static uint16_t own_port(const struct pulse *pulse)
{
	const struct pulse_flow *own = pulse_own(pulse);
	return own != NULL ? own->local_port : 0;
}

static void moves(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	assert_int_equal(pulse_waits_since(&pulse), 0);
	uint32_t flow = begin(&pulse, 4000, 1, false);
	assert_int_equal(begin(&pulse, 4000, 2, false), flow); /* the same once more */
	assert_int_equal(pulse_waits_since(&pulse), INT64_C(1000000000));
	answer(&pulse, 4000, 3, TCP_SYN | TCP_ACK);
	assert_int_equal(pulse_waits_since(&pulse), 0); /* it is ssh's turn */
	answer(&pulse, 4000, 4, TCP_FIN | TCP_ACK);
	assert_true(pulse_own(&pulse)->ended);
	assert_false(pulse_own(&pulse)->client_ended);
}

static void says(struct pulse *pulse, int second, uint32_t sequence, uint16_t length)
{
	struct packet p = packet(4000, second, TCP_ACK | TCP_PSH, false);
	p.sequence = sequence;
	p.payload_length = length;
	p.acknowledgement = FIRST + 1;
	assert_int_not_equal(pulse_takes(pulse, &p), 0);
}

static void is_told(struct pulse *pulse, int second, uint32_t sequence, uint32_t acknowledges)
{
	struct packet p = packet(4000, second, TCP_ACK | TCP_PSH, true);
	p.sequence = sequence;
	p.payload_length = 40;
	p.acknowledgement = acknowledges;
	assert_int_not_equal(pulse_takes(pulse, &p), 0);
}

/* What ssh said last does not arrive: that the server speaks meanwhile makes it nobody's turn. */
static void large_packets_vanish(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	(void)begin(&pulse, 4000, 1, false);
	answer(&pulse, 4000, 1, TCP_SYN | TCP_ACK);
	says(&pulse, 2, FIRST + 1, 40);
	is_told(&pulse, 3, FIRST, FIRST + 41);
	assert_int_equal(pulse_waits_since(&pulse), 0); /* it is ssh's turn */
	says(&pulse, 4, FIRST + 41, 1500);
	is_told(&pulse, 5, FIRST + 40, FIRST + 41);
	says(&pulse, 6, FIRST + 41, 1500); /* once more */
	assert_int_equal(pulse_waits_since(&pulse), INT64_C(5000000000));
	is_told(&pulse, 7, FIRST + 80, FIRST + 1541);
	assert_int_equal(pulse_waits_since(&pulse), 0);
}

/* What others do meanwhile changes nothing. */
static void others(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	uint32_t own = begin(&pulse, 4000, 1, false);
	assert_true(pulse_learn(&pulse, own, HELD));
	uint32_t other = begin(&pulse, 4001, 2, false);
	assert_int_equal(own_port(&pulse), 4000);
	assert_int_equal(pulse_unknown(&pulse)->number, own); /* ssh may have let go of it */
	assert_true(pulse_learn(&pulse, own, HELD));
	assert_int_equal(pulse_unknown(&pulse)->number, other);
	assert_false(pulse_learn(&pulse, other, HELD_NOT));
	uint32_t brief = begin(&pulse, 4002, 3, false);
	assert_true(pulse_learn(&pulse, own, HELD));
	assert_false(pulse_learn(&pulse, brief, HELD_NOT_KNOWN)); /* gone before anybody looked */
	assert_null(pulse_unknown(&pulse));
	assert_int_equal(pulse_waits_since(&pulse), INT64_C(1000000000));
}

/* It gives up without a packet, and goes on to the next address; that one refuses at once. */
static void next_address(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	uint32_t first = begin(&pulse, 4000, 1, false);
	assert_true(pulse_learn(&pulse, first, HELD));
	uint32_t second = begin(&pulse, 4001, 5, false);
	assert_true(pulse_learn(&pulse, first, HELD_NOT_KNOWN));
	assert_true(pulse_learn(&pulse, second, HELD_NOT_KNOWN));
	assert_int_equal(own_port(&pulse), 4001);
}

/* Beside a probe, or to another address than the name's, only what is known to be ssh's counts. */
static void doubtful(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	uint32_t crafted = begin(&pulse, 4000, 1, true);
	assert_int_equal(own_port(&pulse), 0);
	assert_false(pulse_learn(&pulse, crafted, HELD_NOT_KNOWN));
	uint32_t own = begin(&pulse, 4001, 2, true);
	assert_true(pulse_learn(&pulse, own, HELD));
	assert_int_equal(own_port(&pulse), 4001);
}

/* Where nobody can tell, the latest counts. */
static void nobody_can_tell(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	for (uint16_t port = 4000; port < 4000 + 2 * PULSE_FLOWS; port++) {
		uint32_t flow = begin(&pulse, port, port, false);
		assert_int_equal(own_port(&pulse), port);
		assert_true(pulse_learn(&pulse, flow, HELD_NOT_KNOWN));
		assert_int_equal(own_port(&pulse), port);
	}
}

/* However many others there are, what is ssh's stays. */
static void crowd(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	uint32_t own = begin(&pulse, 4000, 1, false), flow;
	assert_true(pulse_learn(&pulse, own, HELD));
	for (uint16_t port = 5000; port < 5000 + 3 * PULSE_FLOWS; port++) {
		struct packet syn = packet(port, 2, TCP_SYN, false);
		uint32_t forgotten = pulse_begin(&pulse, &syn, false);
		assert_int_not_equal(forgotten, own);
		flow = pulse_takes(&pulse, &syn);
		assert_int_not_equal(flow, forgotten);
	}
	assert_int_equal(own_port(&pulse), 4000);
}

static void quotes(void **state)
{
	(void)state;
	struct pulse pulse = { .port = 22 };
	uint32_t flow = begin(&pulse, 4000, 1, false);
	struct packet error = { .end = DECODE_COMPLETE,
				.protocol = IP_ICMP,
				.quote = { .present = true,
					   .has_ports = true,
					   .destination = address_parse("10.0.0.2"),
					   .source_port = 4000,
					   .destination_port = 22 } };
	assert_int_equal(pulse_takes(&pulse, &error), flow);
	error.quote.source_port = 4001;
	assert_int_equal(pulse_takes(&pulse, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves),    cmocka_unit_test(large_packets_vanish),
		cmocka_unit_test(others),   cmocka_unit_test(next_address),
		cmocka_unit_test(doubtful), cmocka_unit_test(nobody_can_tell),
		cmocka_unit_test(crowd),    cmocka_unit_test(quotes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
