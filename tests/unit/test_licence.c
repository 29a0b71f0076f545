/* probe/plan/licence: what no plan could want is refused, field by field; the simulator asks
 * whether all is covered that plans do want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/licence.h"

#define KERNEL	  61000
#define CRAFTED	  62000
#define REFERENCE 2201
#define LISTENER  7022
#define CLOSED	  47808
#define MARK	  0x48

static struct licence granted(bool deep)
{
	struct plan_config config = {
		.control_ports = { 80, CLOSED },
		.control_count = 2,
		.kernel_ports = KERNEL,
		.crafted_ports = CRAFTED,
		.reference = REFERENCE,
		.deep = deep,
		.tos = MARK,
		.full_ttl = 64,
	};
	struct licence licence;
	licence_grant(&licence, &config, 22);
	licence_add_listener(&licence, LISTENER);
	return licence;
}

static struct action syn(void)
{
	return (struct action){ .kind = ACTION_SEND,
				.way = WAY_LINK,
				.local_port = CRAFTED,
				.remote_port = 22,
				.ttl = 3,
				.flags = TCP_SYN,
				.ip_id = 1,
				.window = 64240 };
}

static struct action copy(void)
{
	struct action action = syn();
	action.local_port = KERNEL;
	action.flags = TCP_ACK | TCP_PSH;
	action.payload_length = 21;
	return action;
}

static struct action connection(unsigned index, uint16_t port)
{
	return (struct action){ .kind = ACTION_CONNECT,
				.way = WAY_KERNEL,
				.local_port = (uint16_t)(KERNEL + index),
				.remote_port = port,
				.to_reference = index == PLAN_KERNEL_PORTS - 1 };
}

static bool covered(struct action action)
{
	struct licence licence = granted(false);
	return licence_covers(&licence, &action);
}

static bool covered_deep(struct action action)
{
	struct licence licence = granted(true);
	return licence_covers(&licence, &action);
}

/* As after the kernel's first connection. */
static bool covered_on_connection(struct action action)
{
	struct licence licence = granted(false);
	struct action first = connection(0, 22);
	assert_true(licence_covers(&licence, &first));
	return licence_covers(&licence, &action);
}

/* The same, but for one field. */
#define WITH(base, field, value)                                                                   \
	({                                                                                         \
		struct action but_for_one = (base);                                                \
		but_for_one.field = value;                                                         \
		but_for_one;                                                                       \
	})

static void test_crafted_segments(void **state)
{
	(void)state;
	assert_true(covered(syn()));
	assert_true(covered(WITH(syn(), way, WAY_RAW)));
	assert_true(covered(WITH(syn(), flags, TCP_RST)));
	assert_true(covered(WITH(syn(), local_port, CRAFTED + PLAN_CRAFTED_PORTS - 1)));
	const uint16_t ports[] = { 22, 80, CLOSED, 2222, 122 };
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_true(covered(WITH(syn(), remote_port, ports[i])));
}

static void test_foreign_ports(void **state)
{
	(void)state;
	assert_false(covered(WITH(syn(), local_port, CRAFTED - 1)));
	assert_false(covered(WITH(syn(), local_port, CRAFTED + PLAN_CRAFTED_PORTS)));
	assert_false(covered(WITH(syn(), local_port, KERNEL))); /* it would end what stands there */
	assert_false(covered_on_connection(WITH(syn(), local_port, KERNEL)));
	assert_false(covered(WITH(syn(), local_port, 0)));
	const uint16_t ports[] = { 0, 23, 25, 53, 443, REFERENCE, LISTENER };
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_false(covered(WITH(syn(), remote_port, ports[i])));
}

static void test_other_segments(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		bool known = flags == TCP_SYN || flags == TCP_SYN_ECN || flags == TCP_RST;
		bool deep = known || flags == TCP_ACK;
		assert_int_equal(covered(WITH(syn(), flags, (uint8_t)flags)), known);
		assert_int_equal(covered_deep(WITH(syn(), flags, (uint8_t)flags)), deep);
	}
	assert_false(covered(WITH(syn(), payload_length, 1)));
	assert_false(covered(WITH(syn(), ttl, 0)));
	assert_false(covered(WITH(syn(), ttl, 65)));
	assert_false(covered(WITH(syn(), ip_id, 0)));
	assert_false(covered(WITH(syn(), window, 1)));
	assert_false(covered(WITH(syn(), way, WAY_KERNEL)));
	assert_false(covered(WITH(syn(), way, (enum way)77)));
	assert_false(covered(WITH(syn(), kind, ACTION_TALK)));
	assert_false(covered(WITH(syn(), kind, (enum action_kind)77)));
	struct action reset = WITH(syn(), flags, TCP_RST);
	assert_false(covered(WITH(reset, way, WAY_RAW)));
}

/* As ssh marks its packets, to the port that ssh asks; or not at all. */
static void test_marks(void **state)
{
	(void)state;
	for (unsigned tos = 0; tos < 256; tos++)
		assert_int_equal(covered(WITH(syn(), tos, (uint8_t)tos)), tos == 0 || tos == MARK);
	assert_true(covered_on_connection(WITH(copy(), tos, MARK)));
	assert_false(covered_on_connection(WITH(copy(), tos, MARK + 4)));
	struct action other = WITH(syn(), remote_port, 80);
	assert_false(covered(WITH(other, tos, MARK)));
	assert_false(covered(WITH(other, flags, TCP_SYN_ECN)));
}

static void test_heavier_segments(void **state)
{
	(void)state;
	struct action fragment = WITH(syn(), fragment, true), plain = WITH(syn(), plain, true);
	assert_true(covered_deep(fragment));
	assert_true(covered_deep(plain));
	assert_false(covered(fragment)); /* nobody asked for these */
	assert_false(covered(plain));
	assert_false(covered_deep(WITH(fragment, flags, TCP_RST)));
	assert_false(covered_deep(WITH(plain, flags, TCP_ACK)));
	assert_false(covered_deep(WITH(fragment, way, WAY_RAW)));
}

static void test_copies(void **state)
{
	(void)state;
	assert_true(covered_on_connection(copy()));
	assert_true(covered_on_connection(WITH(copy(), payload_length, PLAN_PAYLOAD_MAX)));
	assert_false(covered(copy())); /* there is no connection to copy from */
	assert_false(covered_on_connection(WITH(copy(), payload_length, PLAN_PAYLOAD_MAX + 1)));
	assert_false(covered_on_connection(WITH(copy(), local_port, KERNEL + 1)));
	assert_false(covered_on_connection(WITH(copy(), local_port, CRAFTED)));
	assert_false(covered_on_connection(WITH(copy(), remote_port, 80)));
	assert_false(covered_on_connection(WITH(copy(), way, WAY_RAW)));
	assert_false(covered_on_connection(WITH(copy(), flags, TCP_ACK | TCP_RST)));
	assert_false(covered_on_connection(WITH(copy(), fragment, true)));
}

static void test_connections(void **state)
{
	(void)state;
	assert_true(covered(connection(0, 22)));
	assert_true(covered(connection(2, 2222)));
	assert_true(covered(connection(1, LISTENER)));
	assert_true(covered(WITH(connection(1, 22), segment_max, 536)));
	assert_true(covered(connection(3, REFERENCE)));
	assert_false(covered(WITH(connection(1, 22), segment_max, 1)));
	assert_false(covered(connection(0, 80))); /* a control is no more than looked at */
	assert_false(covered(connection(0, 25)));
	assert_false(covered(connection(3, 22)));
	assert_false(covered(connection(4, 22)));
	assert_false(covered(WITH(connection(0, 22), to_reference, true)));
	assert_false(covered(WITH(connection(3, REFERENCE), to_reference, false)));
	assert_false(covered_on_connection(connection(0, 22))); /* each port once */
}

static void test_no_reference(void **state)
{
	(void)state;
	struct licence licence = granted(false);
	struct action none = connection(3, 0);
	licence.reference = 0;
	assert_false(licence_covers(&licence, &none));
}

static void test_there_is_an_end(void **state)
{
	(void)state;
	struct licence licence = granted(true);
	struct action action = syn();
	unsigned sent = 0;
	while (sent < 100000 && licence_covers(&licence, &action))
		sent++;
	assert_in_range(sent, 600, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crafted_segments), cmocka_unit_test(test_foreign_ports),
		cmocka_unit_test(test_other_segments),	 cmocka_unit_test(test_marks),
		cmocka_unit_test(test_heavier_segments), cmocka_unit_test(test_copies),
		cmocka_unit_test(test_connections),	 cmocka_unit_test(test_no_reference),
		cmocka_unit_test(test_there_is_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
