/* The tracker against who does not see the conversation and forges a part of it: what it takes of
 * the server, and what it counts. Packets are given as plain values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "track_world.h"

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

static uint64_t all_strays(const struct world *world)
{
	uint64_t sum = 0;
	for (int kind = 0; kind < STRAY_OTHER; kind++)
		sum += world->track.strays.count[kind];
	return sum;
}

static void refuse(struct world *world, struct exchange *exchange, struct packet packet)
{
	struct connection before = { 0 };
	struct sent sent = exchange->sent[0];
	if (exchange->connection != NULL)
		before = *exchange->connection;
	uint64_t strays = all_strays(world);
	assert_null(track_packet(&world->track, &packet));
	assert_int_equal(all_strays(world), strays + 1);
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

/* Whoever guesses the port does not know what was sent from it. */
static void an_error_must_quote_what_was_sent(void **state)
{
	struct world *world = *state;
	for (int stage = 0; stage < STAGES; stage++) {
		struct exchange *exchange = bring_to(world, (enum stage)stage);
		for (uint32_t n = 1; n < 0x100; n++)
			refuse(world, exchange, icmp(world, 3, 1, CLIENT_FIRST + (n << 24)));
		give(world, icmp(world, 3, 4, CLIENT_FIRST - 1)); /* the SYN */
		if (stage == STAGE_SPOKEN)
			give(world, icmp(world, 3, 4, CLIENT_FIRST + 7)); /* its words */
		track_start(&world->track, &world->run, &world->arena);
	}
}

/* The kernel resets what was forged, with the number that this acknowledged. */
static void our_resets_of_forged_segments_are_not_of_the_exchange(void **state)
{
	struct world *world = *state;
	for (int stage = 0; stage < STAGES; stage++) {
		struct exchange *exchange = bring_to(world, (enum stage)stage);
		struct packet reset = tcp(world, true, TCP_RST, CLIENT_FIRST + 0x20000000, 0);
		assert_null(track_packet(&world->track, &reset));
		assert_int_equal(world->track.strays.count[STRAY_OTHER], 1);
		if (exchange->connection != NULL)
			assert_int_equal(exchange->connection->client_reset_frame, 0);
		give(world, tcp(world, true, TCP_RST, CLIENT_FIRST, 0));
		track_start(&world->track, &world->run, &world->arena);
	}
}

/* A run holds examples; of the rest it tells how many there were. */
static void strays_that_are_not_held_are_told(void **state)
{
	struct world *world = *state;
	(void)bring_to(world, STAGE_SPOKEN);
	struct packet reset = tcp(world, false, TCP_RST, SERVER_FIRST + 0x10000000, 0);
	for (unsigned n = 0; n < 100; n++)
		assert_null(track_packet(&world->track, &reset));
	const struct strays *strays = &world->track.strays;
	struct event event = stray_event(strays, STRAY_RESET);
	assert_int_equal(strays->examples, STRAY_EXAMPLES);
	assert_int_equal(event.value, 100 - STRAY_EXAMPLES);
	track_event(&world->track, &event);
	assert_int_equal(strays->count[STRAY_RESET], 200 - STRAY_EXAMPLES);
	assert_int_equal(stray_event(strays, STRAY_SYN_ACK).value, 0);
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
		TEST(what_is_sent_blindly_is_taken_in_no_state),
		TEST(an_error_must_quote_what_was_sent),
		TEST(our_resets_of_forged_segments_are_not_of_the_exchange),
		TEST(strays_that_are_not_held_are_told),
		TEST(a_segment_must_be_in_the_window),
		TEST(the_window_is_scaled),
		TEST(late_segments_are_taken),
		TEST(a_reset_is_taken_where_the_client_stands),
		TEST(a_reset_behind_lost_words_acknowledges_ours),
		TEST(a_capture_tells_by_what_follows),
		TEST(a_frame_that_was_missed_leaves_the_rest),
	};
	return cmocka_run_group_tests_name("stray", tests, NULL, NULL);
}
