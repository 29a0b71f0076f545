/* A conversation that stalls, beside a second one with small segments; and a reset that comes
 * before the SYN-ACK. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"

#define MS(n)	   ((int64_t)(n)*1000000)
#define FIRST_PORT 61000
#define SMALL_PORT 61001

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange first, small, *exchanges[2];
	struct sent sent[2];
	struct connection connection[2];
	struct observation observation;
};

/* Both sides identify themselves, the client's words are acknowledged, then nothing comes. */
static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = true;
	scene->run.port = 22;
	scene->sent[0] = scene->sent[1] = (struct sent){ .frame = 1,
							 .time_ns = MS(1),
							 .reply = REPLY_SYN_ACK,
							 .reply_frame = 2,
							 .reply_ns = MS(2),
							 .ttl = 64 };
	scene->first = (struct exchange){ .purpose = PURPOSE_SSH,
					  .way = WAY_KERNEL,
					  .local_port = FIRST_PORT,
					  .sent = &scene->sent[0],
					  .sent_count = 1,
					  .connection = &scene->connection[0] };
	scene->small = (struct exchange){ .purpose = PURPOSE_SMALL,
					  .way = WAY_KERNEL,
					  .local_port = SMALL_PORT,
					  .opened_ns = MS(3000),
					  .sent = &scene->sent[1],
					  .sent_count = 1,
					  .connection = &scene->connection[1] };
	scene->connection[0] = (struct connection){ .established = true,
						    .client_data_frame = 3,
						    .client_data_ns = MS(3),
						    .client_acked_frame = 4,
						    .server_data_frame = 5,
						    .server_data_ns = MS(3),
						    .progress_ns = MS(4) };
	struct ssh_side *server = &scene->connection[0].dialog.side[SSH_SERVER];
	server->milestone = SSH_IDENTIFIED;
	strcpy(server->ident, "SSH-2.0-OpenSSH_9.2");
	scene->exchanges[0] = &scene->first;
	scene->exchanges[1] = &scene->small;
	scene->track =
		(struct track){ .run = &scene->run, .exchanges = scene->exchanges, .count = 2 };
	scene->facts.paths.far_end.answered = 20;
	scene->observation = (struct observation){ .track = &scene->track,
						   .run = &scene->run,
						   .arena = &scene->run.arena,
						   .facts = &scene->facts,
						   .now_ns = MS(6000),
						   .kernel = &scene->first };
}

/* connect() succeeded, and no packet of it is seen. */
static void nothing_is_seen(struct scene *scene)
{
	scene->run.address = address_parse("20.99.0.4");
	scene->first.sent_count = 0;
	scene->first.connection = NULL;
	scene->first.answered = true;
}

static void small_event(struct scene *scene, enum event_kind kind, enum event_word word,
			const char *text)
{
	run_event(&scene->run,
		  &(struct event){
			  .kind = kind, .word = word, .local_port = SMALL_PORT, .text = text });
}

static void small_comes_through(struct scene *scene)
{
	scene->connection[1].dialog.side[SSH_SERVER].milestone = SSH_NEWKEYS;
	small_event(scene, EVENT_AUTH, WORD_NONE, "publickey");
}

static enum answer answer_of(struct scene *scene, enum question question)
{
	observe_ssh(&scene->observation);
	observe_key(&scene->observation);
	enum answer answer = fact_answer(&scene->facts, question);
	run_free(&scene->run);
	return answer;
}

static void small_segments_show_that_it_is_the_size(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	small_comes_through(&scene);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_LARGE_LOST);
	begin(&scene);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_STALLED);
}

/* --auth: that the methods are listed is not all that was asked. */
static void how_authentication_ends_counts(void **state)
{
	(void)state;
	static const struct {
		enum event_word end;
		enum answer answer;
	} ends[] = { { WORD_SSH_AUTHENTICATION, ANSWER_SSH_AUTH },
		     { WORD_SSH_AUTHENTICATED, ANSWER_SSH_AUTH },
		     { WORD_SSH_NO_KEY, ANSWER_SSH_NO_KEY },
		     { WORD_SSH_AUTH_SILENT, ANSWER_SSH_AUTH_STALLED },
		     { WORD_SSH_AUTH_REFUSED, ANSWER_SSH_AUTH_REFUSED } };
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (int seen = 0; seen <= 1; seen++) {
			struct scene scene;
			begin(&scene);
			if (!seen)
				nothing_is_seen(&scene);
			run_event(&scene.run, &(struct event){ .kind = EVENT_AUTH,
							       .local_port = FIRST_PORT,
							       .text = "publickey" });
			run_event(&scene.run, &(struct event){ .kind = EVENT_SSH,
							       .local_port = FIRST_PORT,
							       .word = ends[i].end });
			assert_int_equal(answer_of(&scene, QUESTION_SSH), ends[i].answer);
		}
}

/* Source translation on this machine gives it another port. */
static void what_works_unseen_is_not_diverted(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	nothing_is_seen(&scene);
	observe_out(&scene.observation);
	assert_int_equal(answer_of(&scene, QUESTION_OUT), ANSWER_NONE);
	begin(&scene);
	nothing_is_seen(&scene);
	run_event(&scene.run, &(struct event){ .kind = EVENT_AUTH,
					       .local_port = FIRST_PORT,
					       .text = "publickey" });
	observe_out(&scene.observation);
	run_event(&scene.run, &(struct event){ .kind = EVENT_HOST_KEY,
					       .word = WORD_HOST_KEY_CHANGED,
					       .local_port = FIRST_PORT,
					       .text = "ssh-ed25519 SHA256:x" });
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_AUTH);
	assert_int_equal(fact_answer(&scene.facts, QUESTION_OUT), ANSWER_NONE);
	assert_int_equal(fact_answer(&scene.facts, QUESTION_KEY), ANSWER_KEY_CHANGED);
}

/* The socket knows that it was led elsewhere, or a rule says so. */
static void what_is_led_elsewhere_is_diverted(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	nothing_is_seen(&scene);
	scene.first.led_to = "127.0.0.1 port 1080";
	observe_out(&scene.observation);
	assert_int_equal(answer_of(&scene, QUESTION_OUT), ANSWER_OUT_DIVERTED);
	for (int word = WORD_RULE_DROPS; word <= WORD_RULE_TRANSLATES; word++) {
		begin(&scene);
		nothing_is_seen(&scene);
		run_event(&scene.run, &(struct event){ .kind = EVENT_RULE,
						       .value = RULE_CERTAIN,
						       .word = (enum event_word)word });
		observe_out(&scene.observation);
		assert_int_equal(answer_of(&scene, QUESTION_OUT),
				 word == WORD_RULE_DIVERTS ? ANSWER_OUT_DIVERTED : ANSWER_NONE);
	}
}

/* Nor does it vanish, unless another rule says why. */
static void what_is_translated_is_not_seen_to_leave(void **state)
{
	(void)state;
	for (int rules = 0; rules < 3; rules++) {
		struct scene scene;
		begin(&scene);
		nothing_is_seen(&scene);
		scene.first.answered = false;
		run_event(&scene.run, &(struct event){ .kind = EVENT_NEIGHBOUR });
		if (rules > 0)
			run_event(&scene.run, &(struct event){ .kind = EVENT_RULE,
							       .value = RULE_CERTAIN,
							       .word = WORD_RULE_TRANSLATES });
		if (rules > 1)
			run_event(&scene.run, &(struct event){ .kind = EVENT_RULE,
							       .value = RULE_CERTAIN,
							       .word = WORD_RULE_DROPS });
		observe_out(&scene.observation);
		assert_int_equal(answer_of(&scene, QUESTION_OUT),
				 rules == 1 ? ANSWER_NONE : ANSWER_OUT_VANISHES);
	}
}

static void what_goes_on_does_not_stall(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	scene.connection[0].progress_ns = MS(5000);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
}

/* A server that says it again, where packets are lost, may yet be heard. */
static void what_may_yet_come_is_not_lost(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	small_comes_through(&scene);
	scene.connection[0].progress_ns = MS(5000);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
}

static void silent(struct scene *scene)
{
	struct connection *c = &scene->connection[0];
	begin(scene);
	c->dialog = (struct ssh_dialog){ 0 };
	c->server_data_frame = 0;
	c->server_data_ns = 0;
	c->syn_ack_window = 65160;
}

static void slow_services_have_their_time(void **state)
{
	(void)state;
	struct scene scene;
	silent(&scene);
	scene.observation.now_ns = MS(3900);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
	silent(&scene);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_MUTE);
}

/* Nothing of the client's was acknowledged, since nothing was sent. */
static void a_closed_window_is_no_silence(void **state)
{
	(void)state;
	struct scene scene;
	silent(&scene);
	scene.connection[0].syn_ack_window = 0;
	scene.connection[0].client_data_frame = 0;
	scene.connection[0].client_acked_frame = 0;
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_HELD);
}

static void who_resets_tells_what_was_there(void **state)
{
	(void)state;
	static const struct {
		bool bare;
		enum answer answer;
	} rows[] = { { false, ANSWER_SSH_HUNG_UP }, { true, ANSWER_SSH_GONE } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		silent(&scene);
		scene.connection[0].server_reset_frame = 6;
		scene.connection[0].server_end_ns = MS(4);
		scene.connection[0].server_reset_bare = rows[i].bare;
		assert_int_equal(answer_of(&scene, QUESTION_SSH), rows[i].answer);
	}
}

static void what_came_before_refutes_the_size(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	small_comes_through(&scene);
	scene.connection[0].longest_received = 1100;
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_AUTH);
	begin(&scene);
	small_comes_through(&scene);
	small_event(&scene, EVENT_SSH, WORD_SSH_AUTH_REFUSED, "");
	scene.connection[0].longest_received = 1100;
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_AUTH_REFUSED);
}

static void chance_says_nothing(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	small_comes_through(&scene);
	scene.facts.paths.far_end.lost = 20;
	scene.observation.now_ns = MS(60000);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
}

static void the_second_key_counts(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	small_comes_through(&scene);
	scene.connection[0].longest_received = 1100;
	small_event(&scene, EVENT_HOST_KEY, WORD_HOST_KEY_CHANGED, "ssh-ed25519 SHA256:x");
	assert_int_equal(answer_of(&scene, QUESTION_KEY), ANSWER_KEY_CHANGED);
}

/* Copies of old words: an answer to each shows that the way is open, none to any that nothing
 * of this conversation comes through. */
static void echoes(struct scene *scene, unsigned answered)
{
	struct connection *c = &scene->connection[0];
	begin(scene);
	c->awaited = (struct awaited){ .sent = 1, .length = 1448, .first_ns = MS(4), .frame = 8 };
	c->acked_again = answered;
	for (c->again_sent = 0; c->again_sent < 8; c->again_sent++)
		c->again_ns[c->again_sent] = MS(1000 + 170 * c->again_sent);
}

static void nothing_comes_through(void **state)
{
	(void)state;
	struct scene scene;
	echoes(&scene, 0);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_SWALLOWED);
	assert_true(scene.facts.fact[QUESTION_SSH].accident < 0.001);
	echoes(&scene, 8);
	assert_int_not_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_SWALLOWED);
	echoes(&scene, 0);
	scene.observation.now_ns = MS(1500); /* their answers may yet come */
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
}

/* The first conversation is answered so, and its text holds `words`. */
static void ends_with_words(struct scene *scene, enum answer answer, const char *words)
{
	observe_ssh(&scene->observation);
	assert_int_equal(fact_answer(&scene->facts, QUESTION_SSH), answer);
	assert_non_null(strstr(scene->facts.fact[QUESTION_SSH].text, words));
	run_free(&scene->run);
}

static void the_server_says_why_it_ends(void **state)
{
	(void)state;
	static const struct {
		enum ssh_milestone stage;
		uint32_t reason;
		enum answer answer;
		const char *words;
	} rows[] = {
		{ SSH_IDENTIFIED, 11, ANSWER_SSH_LIMITED, "\"go\" (reason 11, by application)" },
		{ SSH_KEXINIT, 12, ANSWER_SSH_LIMITED, "12, too many connections)" },
		{ SSH_KEXINIT, 3, ANSWER_SSH_NO_COMMON, "(reason 3, key exchange failed)" },
		{ SSH_KEXINIT, 4, ANSWER_SSH_LIMITED, "(reason 4, no known reason)" },
		{ SSH_KEXINIT, 4000000000, ANSWER_SSH_LIMITED, "4000000000, no known" },
		/* nobody has tried to authenticate */
		{ SSH_KEXINIT, 14, ANSWER_SSH_LIMITED, "no more authentication methods" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		begin(&scene);
		struct ssh_side *server = &scene.connection[0].dialog.side[SSH_SERVER];
		server->milestone = rows[i].stage;
		server->disconnected = true;
		server->disconnect_reason = rows[i].reason;
		strcpy(server->disconnect_text, "go");
		scene.connection[0].server_end_ns = MS(4);
		scene.connection[0].server_fin_frame = 6;
		ends_with_words(&scene, rows[i].answer, rows[i].words);
	}
}

/* ... when all is encrypted: the handshake heard it. */
static void the_server_says_why_in_secret(void **state)
{
	(void)state;
	static const struct {
		enum event_word end;
		int64_t reason;
		const char *said;
		enum answer answer;
		const char *words;
	} rows[] = {
		{ WORD_SSH_DISCONNECTED, 11, "bye", ANSWER_SSH_LIMITED, "\"bye\" (reason 11" },
		{ WORD_SSH_DISCONNECTED, 14, "", ANSWER_SSH_AUTH_REFUSED,
		  "\"\" (reason 14, no more" },
		{ WORD_SSH_DISCONNECTED, 2, "Too many authentication failures",
		  ANSWER_SSH_AUTH_REFUSED, "\"Too many authentication failures\" (reason 2" },
		{ WORD_SSH_AUTH_REFUSED, 2, "Too many authentication failures",
		  ANSWER_SSH_AUTH_REFUSED, "\"Too many authentication failures\" (reason 2" },
		{ WORD_SSH_AUTH_REFUSED, 0, "", ANSWER_SSH_AUTH_REFUSED,
		  "authentication; methods" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		begin(&scene);
		scene.connection[0].dialog.side[SSH_SERVER].milestone = SSH_NEWKEYS;
		scene.connection[0].server_end_ns = MS(4);
		scene.connection[0].server_fin_frame = 6;
		run_event(&scene.run, &(struct event){ .kind = EVENT_SSH,
						       .word = rows[i].end,
						       .local_port = FIRST_PORT,
						       .value = rows[i].reason,
						       .detail = rows[i].said });
		ends_with_words(&scene, rows[i].answer, rows[i].words);
	}
}

/* The capture cuts what the server says, and so does whoever looks at its first bytes only. */
static void what_the_handshake_heard_is_known(void **state)
{
	(void)state;
	static const struct {
		enum ssh_milestone stage;
		enum event_word end;
		enum answer answer;
		const char *words;
	} rows[] = {
		{ SSH_TALKING, WORD_SSH_NOT_SSH, ANSWER_SSH_OTHER, "does not speak SSH" },
		{ SSH_TALKING, WORD_SSH_DRIP, ANSWER_SSH_DRIP, "never its identification" },
		{ SSH_IDENTIFIED, WORD_SSH_ENDLESS, ANSWER_SSH_DRIP, "without end" },
		{ SSH_NEWKEYS, WORD_SSH_ENDLESS, ANSWER_SSH_DRIP, "without end" },
		{ SSH_IDENTIFIED, WORD_SSH_NO_COMMON, ANSWER_SSH_NO_COMMON, "detail" },
		{ SSH_IDENTIFIED, WORD_SSH_UNFOLLOWED, ANSWER_SSH_UNFOLLOWED, "detail" },
		{ SSH_KEXINIT, WORD_SSH_DISCONNECTED, ANSWER_SSH_LIMITED, "\"detail\"" },
		{ SSH_IDENTIFIED, WORD_SSH_KEX_FAILED, ANSWER_SSH_OTHER, "no SSH: detail" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		begin(&scene);
		scene.connection[0].dialog.side[SSH_SERVER].milestone = rows[i].stage;
		scene.connection[0].dialog.side[SSH_SERVER].cut = true;
		run_event(&scene.run, &(struct event){ .kind = EVENT_SSH,
						       .word = rows[i].end,
						       .local_port = FIRST_PORT,
						       .detail = "detail" });
		ends_with_words(&scene, rows[i].answer, rows[i].words);
	}
}

/* In somebody else's capture only packets tell. */
static void who_floods_comes_no_further(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct scene scene;
		begin(&scene);
		struct connection *c = &scene.connection[0];
		scene.run.planned = false;
		c->dialog.side[SSH_SERVER].milestone = SSH_IDENTIFIED;
		c->dialog.side[SSH_SERVER].cut = true;
		c->stream[SSH_SERVER].length = SSH_STREAM_MAX - (i == 1); /* cut by the capture */
		c->server_next = c->server_first + SPEECH_BYTES - (i == 2);
		if (i == 0)
			ends_with_words(&scene, ANSWER_SSH_DRIP, "262144 bytes so far");
		else
			assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
	}
}

/* What leaves in another's name, where a SYN in this machine's own is answered after `reply_ns`. */
static enum answer answer_of_readdressed(int64_t reply_ns, int64_t now_ns)
{
	struct scene scene;
	begin(&scene);
	nothing_is_seen(&scene);
	scene.first.answered = false;
	scene.observation.now_ns = now_ns;
	scene.small.purpose = PURPOSE_SSH;
	scene.small.way = WAY_LINK;
	scene.sent[1].reply = reply_ns != 0 ? REPLY_SYN_ACK : REPLY_NONE;
	scene.sent[1].reply_ns = scene.sent[1].time_ns + reply_ns;
	run_event(&scene.run, &(struct event){ .kind = EVENT_RULE,
					       .value = RULE_CERTAIN,
					       .word = WORD_RULE_READDRESSES });
	observe_out(&scene.observation);
	return answer_of(&scene, QUESTION_OUT);
}

static void nobody_answers_what_leaves_in_another_s_name(void **state)
{
	(void)state;
	assert_int_equal(answer_of_readdressed(MS(5), MS(1000)), ANSWER_OUT_VANISHES);
	assert_int_equal(answer_of_readdressed(MS(5), MS(500)), ANSWER_NONE);	 /* not yet */
	assert_int_equal(answer_of_readdressed(MS(700), MS(1000)), ANSWER_NONE); /* so far away */
	assert_int_equal(answer_of_readdressed(0, MS(6000)), ANSWER_NONE); /* nor anything else */
}

static void a_reset_before_the_syn_ack_is_another_s(void **state)
{
	(void)state;
	struct scene scene;
	begin(&scene);
	scene.sent[0].reply = REPLY_RESET;
	scene.first.connect_error = 111;
	scene.first.answered_ns = MS(3);
	scene.connection[0].client_reset_frame = 6; /* the kernel's answer to the SYN-ACK */
	scene.connection[0].client_end_ns = MS(2);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_CUT);
}

/* The server resets a connection on which nobody has said a word. */
static void begin_closed(struct scene *scene, int connect_error)
{
	begin(scene);
	scene->connection[0] = (struct connection){ .established = true,
						    .server_reset_frame = 7,
						    .server_end_ns = MS(1000) };
	scene->first.answered = true;
	scene->first.connect_error = connect_error;
}

static void where_the_client_is_missing_the_server_is_not_judged(void **state)
{
	(void)state;
	struct scene scene;
	begin_closed(&scene, 0);
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_SSH_CLOSED);
	begin_closed(&scene, EIO); /* whether it is connected, the kernel did not say */
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
	begin_closed(&scene, 0);
	run_event(&scene.run,
		  &(struct event){ .kind = EVENT_SSH, .local_port = FIRST_PORT, .error = ENOMEM });
	assert_int_equal(answer_of(&scene, QUESTION_SSH), ANSWER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_the_client_is_missing_the_server_is_not_judged),
		cmocka_unit_test(small_segments_show_that_it_is_the_size),
		cmocka_unit_test(what_came_before_refutes_the_size),
		cmocka_unit_test(how_authentication_ends_counts),
		cmocka_unit_test(what_works_unseen_is_not_diverted),
		cmocka_unit_test(what_is_led_elsewhere_is_diverted),
		cmocka_unit_test(what_is_translated_is_not_seen_to_leave),
		cmocka_unit_test(nobody_answers_what_leaves_in_another_s_name),
		cmocka_unit_test(what_goes_on_does_not_stall),
		cmocka_unit_test(what_may_yet_come_is_not_lost),
		cmocka_unit_test(slow_services_have_their_time),
		cmocka_unit_test(a_closed_window_is_no_silence),
		cmocka_unit_test(who_resets_tells_what_was_there),
		cmocka_unit_test(chance_says_nothing),
		cmocka_unit_test(the_second_key_counts),
		cmocka_unit_test(a_reset_before_the_syn_ack_is_another_s),
		cmocka_unit_test(nothing_comes_through),
		cmocka_unit_test(the_server_says_why_it_ends),
		cmocka_unit_test(the_server_says_why_in_secret),
		cmocka_unit_test(what_the_handshake_heard_is_known),
		cmocka_unit_test(who_floods_comes_no_further),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
