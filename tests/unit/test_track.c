/* The tracker: what counts as an answer to what. Packets are given as plain values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sshwhy/exchange.h"

#define CLIENT_PORT 61000
#define MS(n)	    ((int64_t)(n)*1000000)

struct world {
	struct run run;
	struct arena arena;
	struct track track;
	uint64_t frames;
};

static struct address client, server, router;

static int set_up(void **state)
{
	static struct world world;
	memset(&world, 0, sizeof(world));
	client = address_parse("10.20.0.10");
	server = address_parse("20.99.0.4");
	router = address_parse("10.20.0.1");
	world.run = (struct run){
		.planned = true, .port = 22, .address = server, .local_address = client
	};
	track_start(&world.track, &world.run, &world.arena);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	arena_free(&world->arena);
	return 0;
}

static struct exchange *open_port(struct world *world, enum way way, enum purpose purpose)
{
	track_event(&world->track, &(struct event){ .kind = EVENT_OPEN,
						    .way = way,
						    .purpose = purpose,
						    .local_port = CLIENT_PORT,
						    .remote_port = 22 });
	return track_find(&world->track, CLIENT_PORT);
}

static struct packet tcp(struct world *world, bool out, uint8_t flags, uint32_t sequence,
			 uint32_t acknowledgement)
{
	return (struct packet){
		.number = ++world->frames,
		.time_ns = MS(world->frames),
		.end = DECODE_COMPLETE,
		.protocol = IP_TCP,
		.source = out ? client : server,
		.destination = out ? server : client,
		.source_port = out ? CLIENT_PORT : 22,
		.destination_port = out ? 22 : CLIENT_PORT,
		.ttl = 64,
		.flags = flags,
		.sequence = sequence,
		.acknowledgement = acknowledgement,
	};
}

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

static void send_syn(struct world *world, uint32_t sequence, uint8_t ttl)
{
	struct packet syn = tcp(world, true, TCP_SYN, sequence, 0);
	syn.ttl = ttl;
	assert_non_null(track_packet(&world->track, &syn));
}

static struct packet icmp(struct world *world, uint8_t type, uint8_t code, uint32_t sequence)
{
	return (struct packet){
		.number = ++world->frames,
		.time_ns = MS(world->frames),
		.end = DECODE_COMPLETE,
		.protocol = IP_ICMP,
		.source = router,
		.destination = client,
		.icmp_type = type,
		.icmp_code = code,
		.quote = { .present = true,
			   .has_ports = true,
			   .has_sequence = true,
			   .source = client,
			   .destination = server,
			   .protocol = IP_TCP,
			   .source_port = CLIENT_PORT,
			   .destination_port = 22,
			   .sequence = sequence },
	};
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
	stranger.source = router; /* right number, wrong sender */
	assert_null(track_packet(&world->track, &forged));
	assert_null(track_packet(&world->track, &stale));
	assert_null(track_packet(&world->track, &stranger));
	assert_int_equal(exchange->sent[0].reply, REPLY_NONE);
	assert_int_equal(world->track.unsolicited, 3);
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

/* -- packets that are not ours ------------------------------------------------------ */

/* Who sweeps our ports from an address of his own says nothing about the way. */
static void a_strangers_syn_is_not_sent_by_us(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	struct packet syn = tcp(world, true, TCP_SYN, 1000, 0);
	syn.source = address_parse("10.20.0.20");
	assert_null(track_packet(&world->track, &syn));
	syn.destination = client;
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
	run_event(&world->run, &(struct event){ .kind = EVENT_LOCAL, .text = "10.20.0.11" });
	struct packet syn = tcp(world, true, TCP_SYN, 1000, 0);
	struct packet syn_ack = tcp(world, false, TCP_SYN | TCP_ACK, 5000, 1001);
	syn.source = syn_ack.destination = address_parse("10.20.0.11");
	assert_ptr_equal(track_packet(&world->track, &syn), exchange);
	assert_ptr_equal(track_packet(&world->track, &syn_ack), exchange);
	run_free(&world->run);
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

/* -- forged by who does not see the conversation ------------------------------------- */

enum stage { STAGE_SYN_SENT, STAGE_ESTABLISHED, STAGE_SPOKEN, STAGES };

#define CLIENT_FIRST UINT32_C(0xfffffff0) /* sequence numbers wrap */
#define SERVER_FIRST UINT32_C(0x7ffffff0)

static const char hello[] = "SSH-2.0-hello\r\n"; /* 15 bytes */

static void give(struct world *world, struct packet packet)
{
	assert_non_null(track_packet(&world->track, &packet));
}

static struct packet saying(struct packet packet, const char *text)
{
	packet.payload = (const uint8_t *)text;
	packet.payload_captured = packet.payload_length = (uint32_t)strlen(text);
	return packet;
}

static struct exchange *bring_to(struct world *world, enum stage stage)
{
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	uint32_t c = CLIENT_FIRST, s = SERVER_FIRST;
	give(world, tcp(world, true, TCP_SYN, c - 1, 0));
	if (stage == STAGE_SYN_SENT)
		return exchange;
	give(world, tcp(world, false, TCP_SYN | TCP_ACK, s - 1, c));
	give(world, tcp(world, true, TCP_ACK, c, s));
	if (stage == STAGE_ESTABLISHED)
		return exchange;
	give(world, saying(tcp(world, false, TCP_ACK, s, c), hello));
	give(world, saying(tcp(world, true, TCP_ACK, c, s + 15), hello));
	give(world, tcp(world, false, TCP_ACK, s + 15, c + 15));
	return exchange;
}

static void refuse(struct world *world, struct exchange *exchange, struct packet packet)
{
	struct connection before = { 0 };
	struct sent sent = exchange->sent[0];
	if (exchange->connection != NULL)
		before = *exchange->connection;
	unsigned untaken = exchange->untaken;
	assert_null(track_packet(&world->track, &packet));
	assert_int_equal(exchange->untaken, untaken + 1);
	assert_memory_equal(&exchange->sent[0], &sent, sizeof(sent));
	if (exchange->connection != NULL)
		assert_memory_equal(exchange->connection, &before, sizeof(before));
}

/* A sweep through the sequence space in steps of a window meets the window, but the
 * acknowledgement must fit too; a reset has none, but must meet one number. */
static void what_is_sent_blindly_is_taken_in_no_state(void **state)
{
	struct world *world = *state;
	static const uint8_t kinds[] = { TCP_RST,	    TCP_RST | TCP_ACK,
					 TCP_FIN,	    TCP_FIN | TCP_ACK,
					 TCP_ACK,	    TCP_ACK | TCP_PSH,
					 TCP_SYN | TCP_ACK, TCP_PSH };
	for (int stage = 0; stage < STAGES; stage++) {
		struct exchange *exchange = bring_to(world, (enum stage)stage);
		for (size_t kind = 0; kind < sizeof(kinds); kind++)
			for (uint32_t n = 0; n < 0x10000; n += 0x40) {
				uint32_t sequence = SERVER_FIRST + 100 + (n << 16);
				uint32_t acknowledgement = CLIENT_FIRST + 0x20000000;
				struct packet packet =
					tcp(world, false, kinds[kind], sequence, acknowledgement);
				if (kinds[kind] & TCP_PSH)
					packet = saying(packet, "HTTP/1.1 400\r\n");
				refuse(world, exchange, packet);
			}
		track_start(&world->track, &world->run, &world->arena);
	}
}

static void a_segment_must_be_in_the_window(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = bring_to(world, STAGE_SPOKEN);
	uint32_t c = CLIENT_FIRST + 15, s = SERVER_FIRST + 15;
	refuse(world, exchange, tcp(world, false, TCP_FIN | TCP_ACK, s + 0x100000, c));
	refuse(world, exchange, tcp(world, false, TCP_FIN | TCP_ACK, s - 0x100000, c));
	refuse(world, exchange, tcp(world, false, TCP_FIN, s, 0)); /* without ACK: RFC 9293 */
	give(world, tcp(world, false, TCP_FIN | TCP_ACK, s, c));
	assert_int_not_equal(exchange->connection->server_fin_frame, 0);
}

/* RFC 7323 2: the window that the client offers is scaled when both said so. */
static void the_window_is_scaled(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = open_port(world, WAY_KERNEL, PURPOSE_SSH);
	struct packet syn = tcp(world, true, TCP_SYN, 999, 0);
	syn.wscale = 7;
	give(world, syn);
	give(world, tcp(world, false, TCP_SYN | TCP_ACK, 4999, 1000));
	struct packet ack = tcp(world, true, TCP_ACK, 1000, 5000);
	ack.window = 8000;
	give(world, ack);
	give(world, saying(tcp(world, false, TCP_ACK, 5000 + 1000000, 1000), hello));
	refuse(world, exchange, saying(tcp(world, false, TCP_ACK, 5000 + 2000000, 1000), hello));
}

/* Words said again, with what was acknowledged then; a keep-alive stands a byte before. */
static void late_segments_are_taken(void **state)
{
	struct world *world = *state;
	(void)bring_to(world, STAGE_SPOKEN);
	give(world, saying(tcp(world, false, TCP_ACK, SERVER_FIRST, CLIENT_FIRST), hello));
	give(world, tcp(world, false, TCP_ACK, SERVER_FIRST + 14, CLIENT_FIRST + 15));
}

static void a_reset_is_taken_where_the_client_stands(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = bring_to(world, STAGE_SPOKEN);
	refuse(world, exchange, tcp(world, false, TCP_RST, SERVER_FIRST + 16, 0));
	refuse(world, exchange, tcp(world, false, TCP_RST, SERVER_FIRST + 14, 0));
	struct packet reset = tcp(world, false, TCP_RST, SERVER_FIRST + 15, 0);
	give(world, reset);
	assert_int_equal(exchange->connection->server_reset_frame, reset.number);
	assert_true(exchange->connection->server_reset_bare);
}

/* Behind a FIN that was lost; the kernel asks again (RFC 5961 3.2), and it is the server's. */
static void a_reset_behind_lost_words_acknowledges_ours(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = bring_to(world, STAGE_SPOKEN);
	give(world, tcp(world, false, TCP_RST | TCP_ACK, SERVER_FIRST + 16, CLIENT_FIRST + 15));
	assert_int_not_equal(exchange->connection->server_reset_frame, 0);
}

/* In somebody else's capture words may be missing before a reset; when the client goes on with
 * what the server says after it, none was. */
static void a_capture_tells_by_what_follows(void **state)
{
	struct world *world = *state;
	for (int goes_on = 0; goes_on < 2; goes_on++) {
		world->run.planned = true;
		struct exchange *exchange = bring_to(world, STAGE_SPOKEN);
		const struct connection *c = exchange->connection;
		world->run.planned = false;
		give(world, tcp(world, false, TCP_RST, SERVER_FIRST + 5000, 0));
		assert_int_not_equal(c->server_reset_frame, 0);
		struct packet more =
			tcp(world, false, TCP_ACK, SERVER_FIRST + 15, CLIENT_FIRST + 15);
		struct packet heard =
			tcp(world, true, TCP_ACK, CLIENT_FIRST + 15, SERVER_FIRST + 30);
		if (goes_on) {
			give(world, saying(more, hello));
			give(world, heard);
		}
		assert_int_equal(c->server_reset_frame != 0, !goes_on);
		assert_int_equal(c->server_end_ns != 0, !goes_on);
		track_start(&world->track, &world->run, &world->arena);
	}
}

/* The ring may overflow: what the client's TCP took is then not all in the capture. */
static void a_frame_that_was_missed_leaves_the_rest(void **state)
{
	struct world *world = *state;
	struct exchange *exchange = bring_to(world, STAGE_ESTABLISHED);
	give(world, tcp(world, false, TCP_FIN | TCP_ACK, SERVER_FIRST + 15, CLIENT_FIRST + 15));
	assert_int_not_equal(exchange->connection->server_fin_frame, 0);
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
		TEST(a_strangers_syn_is_not_sent_by_us),
		TEST(another_address_of_this_machine_is_ours),
		TEST(loopback_addresses_are_ours_on_loopback_alone),
		TEST(icmp_to_another_host_is_not_for_us),
		TEST(what_is_sent_blindly_is_taken_in_no_state),
		TEST(a_segment_must_be_in_the_window),
		TEST(the_window_is_scaled),
		TEST(late_segments_are_taken),
		TEST(a_reset_is_taken_where_the_client_stands),
		TEST(a_reset_behind_lost_words_acknowledges_ours),
		TEST(a_capture_tells_by_what_follows),
		TEST(a_frame_that_was_missed_leaves_the_rest),
	};
	return cmocka_run_group_tests_name("track", tests, NULL, NULL);
}
