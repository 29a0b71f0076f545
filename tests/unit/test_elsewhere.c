/* On the VM itself: is SSH on another port, by who listens there and what it says? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"
#include "sshwhy/verdict.h"

#define MS(n) ((int64_t)(n)*1000000)

/* A port that was asked for is closed; what became of the others, at `now_ms`. */
struct story {
	enum answer expected;
	int64_t told[3];   /* the ports of who listens; -1: no more is told */
	unsigned tried;	   /* of these, from the first on: a connection was begun at 1 ms */
	const char *ident; /* of the last that was tried; NULL: it says nothing */
	int64_t now_ms;
	bool open; /* the port that was asked for answers after all */
};

static const struct story stories[] = {
	{ ANSWER_INSTEAD_NO, { 0, -1 }, 0, NULL, 10, false },
	{ ANSWER_INSTEAD_YES, { 2222, -1 }, 1, "SSH-2.0-x", 10, false },
	{ ANSWER_INSTEAD_YES, { 2222, 8022, 9022 }, 2, "SSH-2.0-x", 10, false },
	{ ANSWER_INSTEAD_NO, { 2222, -1 }, 1, NULL, 701, false },
	{ ANSWER_INSTEAD_NO, { 2222, 8022, -1 }, 2, NULL, 701, false },
	/* not yet, and not of all */
	{ ANSWER_NONE, { 2222, -1 }, 1, NULL, 700, false },
	{ ANSWER_NONE, { 2222, -1 }, 0, NULL, 5000, false },
	{ ANSWER_NONE, { 2222, 8022, 9022 }, 2, NULL, 5000, false },
	/* an older run */
	{ ANSWER_NONE, { -1 }, 0, NULL, 5000, false },
	/* nobody asks */
	{ ANSWER_NONE, { 0, -1 }, 0, NULL, 10, true },
};

struct scene {
	struct run run;
	struct facts facts;
	struct track track;
	struct exchange exchange[4], *exchanges[4];
	struct sent sent[4];
	struct connection connection;
};

static void add_exchange(struct scene *scene, struct exchange exchange, enum reply reply)
{
	size_t at = scene->track.count++;
	scene->sent[at] = (struct sent){ .frame = 2 * at + 1,
					 .time_ns = exchange.opened_ns,
					 .ttl = 64,
					 .loopback = true,
					 .reply = reply,
					 .reply_frame = 2 * at + 2,
					 .reply_ns = exchange.opened_ns + 1 };
	exchange.way = WAY_KERNEL;
	exchange.sent = &scene->sent[at];
	exchange.sent_count = 1;
	scene->exchange[at] = exchange;
	scene->exchanges[at] = &scene->exchange[at];
}

static void add_listener(struct scene *scene, int64_t port)
{
	char text[64] = "";
	if (port != 0)
		snprintf(text, sizeof(text), "sshd (pid 7, /sshd) listens on port %d", (int)port);
	run_event(&scene->run,
		  &(struct event){ .kind = EVENT_LISTENER, .value = port, .text = text });
}

static enum answer tell(struct scene *scene, const struct story *story)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = true;
	scene->run.vantage = VANTAGE_VM;
	scene->run.port = 22;
	scene->run.address = address_parse("10.1.0.4");
	scene->run.interface = "lo";
	scene->track.exchanges = scene->exchanges;
	add_exchange(scene, (struct exchange){ .purpose = PURPOSE_SSH, .remote_port = 22 },
		     story->open ? REPLY_SYN_ACK : REPLY_RESET);
	for (size_t i = 0; i < 3 && story->told[i] >= 0; i++)
		add_listener(scene, story->told[i]);
	for (unsigned i = 0; i < story->tried; i++)
		add_exchange(scene,
			     (struct exchange){ .purpose = PURPOSE_ELSEWHERE,
						.remote_port = (uint16_t)story->told[i],
						.opened_ns = MS(1) },
			     REPLY_SYN_ACK);
	if (story->ident != NULL) {
		struct ssh_side *server = &scene->connection.dialog.side[SSH_SERVER];
		server->milestone = SSH_IDENTIFIED;
		strcpy(server->ident, story->ident);
		scene->exchange[story->tried].connection = &scene->connection;
	}
	struct observation o = { .track = &scene->track,
				 .run = &scene->run,
				 .arena = &scene->run.arena,
				 .facts = &scene->facts,
				 .wire_is_loopback = true,
				 .now_ns = MS(story->now_ms) };
	scene->track.run = &scene->run;
	observe_syn(&o);
	observe_elsewhere(&o);
	return fact_answer(&scene->facts, QUESTION_INSTEAD);
}

static void listeners_are_heard_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
		struct scene scene;
		enum answer answer = tell(&scene, &stories[i]);
		if (answer != stories[i].expected)
			fail_msg("story %zu: %d", i, answer);
		run_free(&scene.run);
	}
}

static void what_it_says(void **state)
{
	(void)state;
	static const struct {
		struct story story;
		const char *text;
	} rows[] = {
		{ { ANSWER_NONE, { 0, -1 }, 0, NULL, 10, false },
		  "no SSH server listens on another port of this machine" },
		{ { ANSWER_NONE, { 2222, 8022, -1 }, 2, NULL, 1000, false },
		  "no SSH server answers on another port of this machine, though sshd (pid 7, "
		  "/sshd) "
		  "listens on port 2222; sshd (pid 7, /sshd) listens on port 8022" },
		{ { ANSWER_NONE, { 2222, 8022, -1 }, 2, "SSH-2.0-x", 10, false },
		  "SSH answers on port 8022: SSH-2.0-x" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene scene;
		(void)tell(&scene, &rows[i].story);
		assert_string_equal(scene.facts.fact[QUESTION_INSTEAD].text, rows[i].text);
		run_free(&scene.run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_are_heard_out),
		cmocka_unit_test(what_it_says),
	};
	return cmocka_run_group_tests_name("elsewhere", tests, NULL, NULL);
}
