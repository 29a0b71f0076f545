/* What routers quote against what was sent: which fields differ, and where first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"
#include "observe/distance.h"

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange exchange, *exchanges[1];
	struct sent sent[EXCHANGE_SENT_MAX];
	struct observation observation;
};

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.address = address_parse("20.99.0.4");
	scene->run.local_address = address_parse("10.20.0.10");
	scene->exchange.purpose = PURPOSE_SWEEP;
	scene->exchange.sent = scene->sent;
	scene->exchanges[0] = &scene->exchange;
	scene->track =
		(struct track){ .run = &scene->run, .exchanges = scene->exchanges, .count = 1 };
	scene->observation = (struct observation){ .track = &scene->track,
						   .run = &scene->run,
						   .arena = &scene->run.arena,
						   .facts = &scene->facts };
}

/* A SYN that expired at `ttl`, quoted as it was sent. */
static struct sent *add(struct scene *scene, uint8_t ttl)
{
	struct sent *sent = &scene->exchange.sent[scene->exchange.sent_count++];
	*sent = (struct sent){ .frame = ttl,
			       .reply_frame = 100u + ttl,
			       .ttl = ttl,
			       .mss = 1460,
			       .reply = REPLY_EXCEEDED,
			       .destination = scene->run.address,
			       .destination_port = 22,
			       .quoted = { .source = scene->run.local_address,
					   .destination = scene->run.address,
					   .destination_port = 22,
					   .mss = 1460 } };
	return sent;
}

static const char *told(struct scene *scene)
{
	observe_quotes(&scene->observation);
	const struct fact *fact = &scene->facts.fact[QUESTION_QUOTE];
	const char *colon = fact->answer == ANSWER_NONE ? NULL : strstr(fact->text, ": ");
	return colon != NULL ? colon + 2 : "";
}

/* Each field of the SYN that hop 3 quotes is altered in turn, hops 1 and 2 quote it as sent. */
static void each_field_is_compared(void **state)
{
	(void)state;
	static const char *const expected[] = {
		"source address 10.20.0.10 is 198.51.100.2 (translated), between hop 2 and hop 3",
		"destination 20.99.0.4 is 10.1.0.4 (redirected), between hop 2 and hop 3",
		"port 22 is 2222 (redirected), between hop 2 and hop 3",
		"MSS 1460 is 1300, between hop 2 and hop 3",
		"DSCP 0 is 8, between hop 2 and hop 3",
		"", /* ECN is the routers' to set */
		"", /* a quote of 8 bytes holds no MSS */
		"",
	};
	struct scene *scene = test_malloc(sizeof(*scene));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		begin(scene);
		add(scene, 1);
		add(scene, 2);
		struct quoted *quoted = &add(scene, 3)->quoted;
		if (i == 0)
			quoted->source = address_parse("198.51.100.2");
		else if (i == 1)
			quoted->destination = address_parse("10.1.0.4");
		else if (i == 2)
			quoted->destination_port = 2222;
		else if (i == 3)
			quoted->mss = 1300;
		else if (i == 4 || i == 5)
			quoted->tos = i == 4 ? 8 << 2 : 3;
		else if (i == 6)
			quoted->mss = 0;
		assert_string_equal(told(scene), expected[i]);
		run_free(&scene->run);
	}
	test_free(scene);
}

static void the_nearest_change_counts(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	begin(scene);
	add(scene, 5)->quoted.mss = 1300; /* order does not matter */
	add(scene, 3)->quoted.mss = 1400;
	add(scene, 1);
	assert_string_equal(told(scene), "MSS 1460 is 1400, between hop 1 and hop 3");
	const struct fact *fact = &scene->facts.fact[QUESTION_QUOTE];
	assert_int_equal(fact->packet_count, 2);
	assert_int_equal(fact->packets[0], 3);
	assert_int_equal(fact->packets[1], 103);
	run_free(&scene->run);
	begin(scene);
	add(scene, 2)->quoted.mss = 1300;
	assert_string_equal(told(scene), "MSS 1460 is 1300, at hop 2 or before");
	run_free(&scene->run);
	test_free(scene);
}

/* TTL 64 sent, so much of it left in the quote. */
static void the_ttl_left_is_a_distance(void **state)
{
	(void)state;
	static const struct {
		uint8_t left, distance;
	} rows[] = { { 64, 0 }, { 63, 0 }, { 62, 1 }, { 57, 6 }, { 1, 62 }, { 0, 0 }, { 65, 0 } };
	struct sent sent = { .ttl = 64, .quoted = { .source = address_parse("10.20.0.10") } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sent.quoted.ttl = rows[i].left;
		assert_int_equal(quoted_distance(&sent), rows[i].distance);
	}
	sent.quoted = (struct quoted){ .ttl = 57 }; /* not an ICMP error */
	assert_int_equal(quoted_distance(&sent), 0);
}

/* What was sent on purpose to elsewhere, or reset, or never quoted, is not compared. */
static void only_expired_syns_are_compared(void **state)
{
	(void)state;
	struct scene *scene = test_malloc(sizeof(*scene));
	begin(scene);
	for (uint8_t i = 0; i < 4; i++) {
		struct sent *sent = add(scene, i == 3 ? 64 : 2);
		sent->quoted.mss = 1300;
		sent->diverted = i == 0;
		sent->data = i == 1;
		if (i == 2)
			sent->reply = REPLY_UNREACHABLE;
	}
	assert_string_equal(told(scene), "");
	run_free(&scene->run);
	test_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_is_compared),
		cmocka_unit_test(the_nearest_change_counts),
		cmocka_unit_test(the_ttl_left_is_a_distance),
		cmocka_unit_test(only_expired_syns_are_compared),
	};
	return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
