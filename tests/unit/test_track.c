/* The tracker: what counts as an answer to what. Packets are given as plain values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "track_world.h"

/* An exchange with another host than the target says so when it is opened. */
static void another_remote_is_known_by_its_opening(void **state)
{
	struct world *world = *state;
	struct packet packet;
	struct address other = address_parse("10.20.0.20");
	track_event(&world->track, &(struct event){ .kind = EVENT_OPEN,
						    .way = WAY_KERNEL,
						    .purpose = PURPOSE_REFERENCE,
						    .local_port = CLIENT_PORT,
						    .remote_port = 22,
						    .text = "10.20.0.20" });
	const struct exchange *exchange = track_find(&world->track, CLIENT_PORT);
	packet = tcp(world, true, TCP_SYN, 5, 0);
	packet.destination = other;
	assert_non_null(track_packet(&world->track, &packet));
	assert_false(exchange->sent[0].diverted);
	packet = tcp(world, false, TCP_SYN | TCP_ACK, 9, 6); /* the target's: not its business */
	assert_null(track_packet(&world->track, &packet));
	packet.source = other;
	assert_non_null(track_packet(&world->track, &packet));
	assert_int_equal(exchange->sent[0].reply, REPLY_SYN_ACK);
}

/* A reset for a bare ACK has no ACK: its sequence number says which one it is for. */
static void a_bare_ack_is_answered_by_its_acknowledgement(void **state)
{
	struct world *world = *state;
	struct packet packet;
	struct exchange *exchange = open_port(world, WAY_LINK, PURPOSE_ACK);
	for (uint32_t n = 0; n < 2; n++) {
		packet = tcp(world, true, TCP_ACK, 100 + n, 700 + n);
		assert_non_null(track_packet(&world->track, &packet));
	}
	packet = tcp(world, false, TCP_RST, 702, 0);
	assert_null(track_packet(&world->track, &packet));
	packet = tcp(world, false, TCP_RST, 701, 0);
	assert_non_null(track_packet(&world->track, &packet));
	assert_int_equal(exchange->sent_count, 2);
	assert_int_equal(exchange->sent[0].reply, REPLY_NONE);
	assert_int_equal(exchange->sent[1].reply, REPLY_RESET);
}

static void a_reply_names_its_probe_by_sequence_number(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_LINK, PURPOSE_SWEEP);
	for (uint8_t ttl = 1; ttl <= 3; ttl++)
		send_syn(world, 1000u + ttl, ttl);
	struct packet reset = tcp(world, false, TCP_RST | TCP_ACK, 0, 1003);
	assert_ptr_equal(track_packet(&world->track, &reset), exchange);
	struct packet exceeded = icmp(world, 11, 0, 1001);
	assert_ptr_equal(track_packet(&world->track, &exceeded), exchange);
	assert_int_equal(exchange->sent[0].reply, REPLY_EXCEEDED);
	assert_int_equal(exchange->sent[1].reply, REPLY_RESET); /* 1003 = 1002 + 1 */
	assert_int_equal(exchange->sent[2].reply, REPLY_NONE);
}

static void what_ties_to_nothing_is_not_believed(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_LINK, PURPOSE_SSH);
	send_syn(world, 1000, 64);
	struct packet forged = tcp(world, false, TCP_RST | TCP_ACK, 0, 5555);
	struct packet stale = icmp(world, 3, 13, 999);
	struct packet stranger = tcp(world, false, TCP_SYN | TCP_ACK, 7, 1001);
	stranger.source = world->router; /* right number, wrong sender */
	assert_null(track_packet(&world->track, &forged));
	assert_null(track_packet(&world->track, &stale));
	assert_null(track_packet(&world->track, &stranger));
	assert_int_equal(exchange->sent[0].reply, REPLY_NONE);
	const struct strays *strays = &world->track.strays;
	assert_int_equal(strays->count[STRAY_RESET], 1);
	assert_int_equal(strays->count[STRAY_ERROR], 1);
	assert_int_equal(strays->count[STRAY_OTHER], 1); /* nobody is played */
}

static void the_first_reply_stays(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_LINK, PURPOSE_SSH);
	send_syn(world, 1000, 64);
	struct packet syn_ack = tcp(world, false, TCP_SYN | TCP_ACK, 7, 1001);
	struct packet reset = tcp(world, false, TCP_RST | TCP_ACK, 0, 1001);
	(void)track_packet(&world->track, &syn_ack);
	(void)track_packet(&world->track, &reset);
	assert_int_equal(exchange->sent[0].reply, REPLY_SYN_ACK);
}

static void a_reply_older_than_its_probe_is_none(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_LINK, PURPOSE_SSH);
	send_syn(world, 1000, 64);
	struct packet early = tcp(world, false, TCP_SYN | TCP_ACK, 7, 1001);
	early.time_ns = 0;
	(void)track_packet(&world->track, &early);
	assert_int_equal(exchange->sent[0].reply, REPLY_NONE);
}

static void a_syn_to_elsewhere_is_diverted(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	struct packet syn = tcp(world, true, TCP_SYN, 1000, 0);
	syn.destination = address_parse("127.0.0.1");
	syn.destination_port = 3128;
	syn.loopback = true;
	assert_ptr_equal(track_packet(&world->track, &syn), exchange);
	assert_true(exchange->sent[0].diverted);
	assert_true(exchange->sent[0].loopback);
}

static void a_conversation_is_read_from_both_sides(void **state)
{
	struct world *world = *state;
	static const char server_says[] = "SSH-2.0-server\r\n",
			  client_says[] = "SSH-2.0-client\r\n";
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	send_syn(world, 1000, 64);
	struct packet syn_ack = tcp(world, false, TCP_SYN | TCP_ACK, 7, 1001);
	struct packet ack = tcp(world, true, TCP_ACK, 1001, 8);
	struct packet banner = tcp(world, false, TCP_ACK | TCP_PSH, 8, 1001);
	banner.payload = (const uint8_t *)server_says;
	banner.payload_captured = banner.payload_length = sizeof(server_says) - 1;
	struct packet ident = tcp(world, true, TCP_ACK | TCP_PSH, 1001, 24);
	ident.payload = (const uint8_t *)client_says;
	ident.payload_captured = ident.payload_length = sizeof(client_says) - 1;
	struct packet heard = tcp(world, false, TCP_ACK, 24, 1017);
	struct packet reset = tcp(world, false, TCP_RST | TCP_ACK, 24, 1017);
	reset.ttl = 60;
	struct packet *all[] = { &syn_ack, &ack, &banner, &ident, &heard, &reset };
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		assert_ptr_equal(track_packet(&world->track, all[i]), exchange);
	const struct connection *c = exchange->connection;
	assert_non_null(c);
	assert_true(c->established);
	assert_string_equal(c->dialog.side[SSH_SERVER].ident, "SSH-2.0-server");
	assert_string_equal(c->dialog.side[SSH_CLIENT].ident, "SSH-2.0-client");
	assert_int_equal(c->client_acked_frame, heard.number);
	assert_int_equal(c->server_reset_frame, reset.number);
	assert_int_equal(c->server_end_ttl, 60);
}

/* An IPv6 header has no IP ID to tell copies of the same bytes apart. */
/* A reset on loopback for a connection over the wire is this machine's; for one that runs over
 * loopback itself, whose SYN-ACK may not have been kept as such, it is the server's. */
static void only_a_wire_is_ended_locally(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	for (int local = 0; local < 2; local++) {
		exchange->connection = NULL;
		exchange->sent_count = 0;
		struct packet packet = tcp(world, true, TCP_SYN, 1000, 0);
		track_packet(&world->track, &packet);
		packet = tcp(world, false, TCP_SYN | TCP_ACK, 5000, 1001);
		track_packet(&world->track, &packet);
		packet = tcp(world, true, TCP_ACK, 1001, 5001);
		packet.loopback = local;
		track_packet(&world->track, &packet);
		packet = tcp(world, false, TCP_RST, 5001, 0);
		packet.loopback = true;
		track_packet(&world->track, &packet);
		assert_non_null(exchange->connection);
		assert_int_not_equal(exchange->connection->server_reset_frame, 0);
		assert_int_equal(exchange->connection->server_end_local, !local);
	}
}

static void copies_without_an_id_differ_in_what_they_acknowledge(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	send_syn(world, 1000, 64);
	struct packet syn_ack = tcp(world, false, TCP_SYN | TCP_ACK, 7, 1001);
	assert_ptr_equal(track_packet(&world->track, &syn_ack), exchange);
	for (uint8_t ttl = 1; ttl <= 3; ttl++) {
		struct packet copy = tcp(world, true, TCP_ACK | TCP_PSH, 1001, 24u - ttl);
		copy.payload = (const uint8_t *)"SSH-";
		copy.payload_captured = copy.payload_length = 4;
		copy.ttl = ttl;
		assert_ptr_equal(track_packet(&world->track, &copy), exchange);
	}
	struct packet exceeded = icmp(world, 3, 0, 1001);
	exceeded.protocol = IP_ICMP6;
	exceeded.quote.has_flags = true;
	exceeded.quote.acknowledgement = 23;
	assert_ptr_equal(track_packet(&world->track, &exceeded), exchange);
	assert_int_equal(exchange->sent[1].reply, REPLY_EXCEEDED);
	assert_int_equal(exchange->sent[2].reply, REPLY_NONE);
	assert_int_equal(exchange->sent[3].reply, REPLY_NONE);
}

static void more_probes_than_room_are_counted(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_LINK, PURPOSE_SWEEP);
	for (uint32_t i = 0; i < EXCHANGE_SENT_MAX + 3; i++)
		send_syn(world, i, 1);
	assert_int_equal(exchange->sent_count, EXCHANGE_SENT_MAX);
	assert_int_equal(exchange->unrecorded, 3);
}

static struct exchange *open_nth(struct world *world, unsigned n)
{
	uint16_t port = (uint16_t)(1000 + n);
	struct packet syn = tcp(world, true, TCP_SYN, 1000, 0);
	struct packet syn_ack = tcp(world, false, TCP_SYN | TCP_ACK, 5000, 1001);
	track_event(&world->track, &(struct event){ .kind = EVENT_OPEN,
						    .way = WAY_KERNEL,
						    .purpose = PURPOSE_SSH,
						    .local_port = port,
						    .remote_port = 22 });
	syn.source_port = syn_ack.destination_port = port;
	(void)track_packet(&world->track, &syn);
	(void)track_packet(&world->track, &syn_ack);
	return track_find(&world->track, port);
}

/* What there is no room for has not been seen: no answer without the connection that it opens. */
static void more_connections_than_room_are_counted(void **state)
{
	struct world *world = *state;
	unsigned connections = 0;
	for (unsigned n = 0; n < 4000; n++) {
		const struct exchange *exchange = open_nth(world, n);
		if (exchange == NULL || exchange->sent_count == 0)
			continue;
		connections += exchange->connection != NULL;
		assert_true((exchange->sent[0].reply == REPLY_SYN_ACK) ==
			    (exchange->connection != NULL));
	}
	assert_in_range(connections, 10, TRACK_MOST / sizeof(struct connection));
	assert_true(world->track.kept.refused >= 4000 - connections);
}

/* -- packets that are not ours ------------------------------------------------------ */

/* Who sweeps our ports from an address of his own says nothing about the way. */
static void a_strangers_syn_is_not_sent_by_us(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	struct packet syn = tcp(world, true, TCP_SYN, 1000, 0);
	syn.source = address_parse("10.20.0.20");
	assert_null(track_packet(&world->track, &syn));
	syn.destination = world->client;
	syn.destination_port = 80;
	assert_null(track_packet(&world->track, &syn));
	assert_int_equal(exchange->sent_count, 0);
	send_syn(world, 1000, 64);
	assert_int_equal(exchange->sent_count, 1);
}

static void another_address_of_this_machine_is_ours(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	track_event(&world->track, &(struct event){ .kind = EVENT_LOCAL, .text = "10.20.0.11" });
	struct packet syn = tcp(world, true, TCP_SYN, 1000, 0);
	struct packet syn_ack = tcp(world, false, TCP_SYN | TCP_ACK, 5000, 1001);
	syn.source = syn_ack.destination = address_parse("10.20.0.11");
	assert_ptr_equal(track_packet(&world->track, &syn), exchange);
	assert_ptr_equal(track_packet(&world->track, &syn_ack), exchange);
}

/* A program that leads connect() to itself does so on loopback; on a wire nobody may. */
static void loopback_addresses_are_ours_on_loopback_alone(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	struct packet syn = tcp(world, true, TCP_SYN, 1000, 0);
	syn.source = syn.destination = address_parse("127.0.0.1");
	assert_null(track_packet(&world->track, &syn));
	syn.loopback = true;
	assert_ptr_equal(track_packet(&world->track, &syn), exchange);
}

static void icmp_to_another_host_is_not_for_us(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_LINK, PURPOSE_SWEEP);
	send_syn(world, 1000, 1);
	struct packet error = icmp(world, 11, 0, 1000);
	error.destination = address_parse("10.20.0.20");
	assert_null(track_packet(&world->track, &error));
	assert_int_equal(exchange->sent[0].reply, REPLY_NONE);
	error = icmp(world, 11, 0, 1000);
	assert_ptr_equal(track_packet(&world->track, &error), exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_reply_names_its_probe_by_sequence_number),
		TEST(what_ties_to_nothing_is_not_believed),
		TEST(the_first_reply_stays),
		TEST(a_reply_older_than_its_probe_is_none),
		TEST(a_syn_to_elsewhere_is_diverted),
		TEST(another_remote_is_known_by_its_opening),
		TEST(a_bare_ack_is_answered_by_its_acknowledgement),
		TEST(a_conversation_is_read_from_both_sides),
		TEST(only_a_wire_is_ended_locally),
		TEST(copies_without_an_id_differ_in_what_they_acknowledge),
		TEST(more_probes_than_room_are_counted),
		TEST(more_connections_than_room_are_counted),
		TEST(a_strangers_syn_is_not_sent_by_us),
		TEST(another_address_of_this_machine_is_ours),
		TEST(loopback_addresses_are_ours_on_loopback_alone),
		TEST(icmp_to_another_host_is_not_for_us),
	};
	return cmocka_run_group_tests_name("track", tests, NULL, NULL);
}
