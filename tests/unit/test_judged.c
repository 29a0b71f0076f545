/* Which conversation is judged: the library's, or where that comes through, the one of the person's
 * ssh that comes less far. */
#include <string.h>

#include "track_world.h"

#define SSH_PORT_OF_OURS (CLIENT_PORT + 1)

static struct exchange *open_opinion(struct world *world)
{
	track_event(&world->track, &(struct event){ .kind = EVENT_OPEN,
						    .way = WAY_KERNEL,
						    .purpose = PURPOSE_OPINION,
						    .local_port = SSH_PORT_OF_OURS,
						    .remote_port = 22 });
	return track_find(&world->track, SSH_PORT_OF_OURS);
}

static void take(struct world *world, uint16_t port, struct packet packet)
{
	if (packet.source_port == CLIENT_PORT)
		packet.source_port = port;
	else
		packet.destination_port = port;
	assert_non_null(track_packet(&world->track, &packet));
}

static void shake_hands(struct world *world, uint16_t port)
{
	take(world, port, tcp(world, true, TCP_SYN, 5, 0));
	take(world, port, tcp(world, false, TCP_SYN | TCP_ACK, 77, 6));
	take(world, port, tcp(world, true, TCP_ACK, 6, 78));
}

static void end(struct world *world, bool by_client)
{
	take(world, SSH_PORT_OF_OURS,
	     tcp(world, by_client, TCP_FIN | TCP_ACK, by_client ? 6 : 78, by_client ? 78 : 6));
}

/* The library's comes through. */
static struct exchange *come_through(struct world *world)
{
	struct exchange *kernel = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	shake_hands(world, CLIENT_PORT);
	track_event(&world->track,
		    &(struct event){ .kind = EVENT_AUTH, .local_port = CLIENT_PORT });
	return kernel;
}

static void the_librarys_is_judged_until_it_is_through(void **state)
{
	struct world *world = *state;
	assert_null(track_judged(&world->track));
	struct exchange *kernel = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	struct exchange *opinion = open_opinion(world);
	shake_hands(world, CLIENT_PORT);
	assert_ptr_equal(track_judged(&world->track), kernel);
	track_event(&world->track,
		    &(struct event){ .kind = EVENT_AUTH, .local_port = CLIENT_PORT });
	assert_ptr_equal(track_judged(&world->track), opinion);
}

static void ssh_has_come_as_far(void **state)
{
	struct world *world = *state;
	struct exchange *kernel = come_through(world);
	assert_ptr_equal(track_judged(&world->track), kernel);
	struct exchange *opinion = open_opinion(world);
	assert_ptr_equal(track_judged(&world->track), opinion);
	shake_hands(world, SSH_PORT_OF_OURS);
	assert_ptr_equal(track_judged(&world->track), opinion);
	opinion->connection->dialog.side[SSH_SERVER].milestone = SSH_KEX;
	assert_ptr_equal(track_judged(&world->track), opinion);
	opinion->connection->dialog.side[SSH_SERVER].milestone = SSH_NEWKEYS;
	assert_ptr_equal(track_judged(&world->track), kernel);
}

static void who_ended_it_matters(void **state)
{
	struct world *world = *state;
	(void)come_through(world);
	struct exchange *opinion = open_opinion(world);
	shake_hands(world, SSH_PORT_OF_OURS);
	end(world, false);
	end(world, true);
	assert_ptr_equal(track_judged(&world->track), opinion);
}

static void what_ssh_ends_is_no_fault_of_the_way(void **state)
{
	struct world *world = *state;
	struct exchange *kernel = come_through(world);
	(void)open_opinion(world);
	shake_hands(world, SSH_PORT_OF_OURS);
	end(world, true);
	end(world, false);
	assert_ptr_equal(track_judged(&world->track), kernel);
}

/* Behind a translation of ports neither is seen. */
static void what_no_packet_shows_is_not_compared(void **state)
{
	struct world *world = *state;
	struct exchange *kernel = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	track_event(&world->track,
		    &(struct event){ .kind = EVENT_AUTH, .local_port = CLIENT_PORT });
	(void)open_opinion(world);
	assert_ptr_equal(track_judged(&world->track), kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_librarys_is_judged_until_it_is_through, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(ssh_has_come_as_far, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_ended_it_matters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_ssh_ends_is_no_fault_of_the_way, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_no_packet_shows_is_not_compared, set_up,
						tear_down),
	};
	return cmocka_run_group_tests_name("judged", tests, NULL, NULL);
}
