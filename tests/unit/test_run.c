/* A run saved and loaded is the same run, whatever bytes its strings hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/note.h"
#include "sshwhy/patience.h"

static const uint8_t frame_bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void make_run(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->planned = true;
	run->host = "vm.example";
	run->user = "o'ann";
	run->named = true;
	run->address = address_parse("2001:db8::4");
	run->local_address = address_parse("2001:db8:20::10");
	run->port = 2222;
	run->vantage = VANTAGE_VNET;
	run->deployment = DEPLOYMENT_CLASSIC;
	run->path = PATH_VPN;
	run->interface = "eth0";
	run->mtu = 1400;
	run->started_ns = INT64_C(1700000000123456789);
	run->stopped_ns = INT64_C(1700000002987654321);
	run->interrupted = true;
	run->interfaces[0] = (struct run_interface){ "eth0", LINK_ETHERNET };
	run->interfaces[1] = (struct run_interface){ "lo", LINK_NULL }; /* no frame comes there */
	run->interface_count = 2;
	run_event(run, &(struct event){ .kind = EVENT_CONNECT,
					.time_ns = run->started_ns + 5,
					.way = WAY_KERNEL,
					.purpose = PURPOSE_SSH,
					.local_port = 61000,
					.remote_port = 22,
					.error = 111,
					.value = -1,
					.ttl = 7,
					.text = "caf\xc3\xa9 \x1b[31m \xff\xfe",
					.detail = "" });
	run_event(run, &(struct event){ .kind = EVENT_LIMIT, .text = "\"quoted\"\n" });
	run_event(run, &(struct event){ .kind = EVENT_SSH, .word = WORD_SSH_RESET });
	run_event(run, &(struct event){ .kind = EVENT_MODE,
					.word = WORD_MODE_FATAL,
					.text = "/home/me/.ssh/config has mode 666" });
	run_event(run, &(struct event){ .kind = EVENT_HOST_KEY, .word = WORD_HOST_KEY_SAME });
	run_event(run, &(struct event){ .kind = EVENT_HOST_KEY,
					.word = WORD_HOST_KEY_CHANGED,
					.text = "ssh-ed25519 SHA256:x",
					.detail = "known: changed" });
	run_event(run, &(struct event){ .kind = EVENT_LISTENER,
					.value = 2222,
					.text = "\xff (pid 7, /sshd) listens on port 2222" });
	run_frame(run, &(struct frame){ .bytes = frame_bytes,
					.captured = 8,
					.on_wire = 60,
					.time_ns = run->started_ns + 1,
					.link = LINK_ETHERNET,
					.direction = DIRECTION_OUT });
}

static void compare_events(const struct run *a, const struct run *b)
{
	assert_int_equal(a->event_count, b->event_count);
	for (size_t i = 0; i < a->event_count; i++) {
		const struct event *x = &a->events[i], *y = &b->events[i];
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->time_ns, y->time_ns);
		assert_int_equal(x->way, y->way);
		assert_int_equal(x->purpose, y->purpose);
		assert_int_equal(x->local_port, y->local_port);
		assert_int_equal(x->remote_port, y->remote_port);
		assert_int_equal(x->ttl, y->ttl);
		assert_int_equal(x->error, y->error);
		assert_int_equal(x->value, y->value);
		assert_int_equal(x->word, y->word);
		assert_string_equal(x->text, y->text);
		assert_string_equal(x->detail, y->detail);
	}
}

static void saved_and_loaded_is_the_same(void **state)
{
	(void)state;
	struct run run, again;
	struct error error = { 0 };
	char path[] = "/tmp/sshwhy-test-run-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "wb");
	make_run(&run);
	assert_true(run_save(&run, NULL, file, &error));
	fclose(file);
	assert_true(run_load(&again, path, &error));
	unlink(path);
	assert_true(again.planned);
	assert_string_equal(again.host, run.host);
	assert_true(again.named);
	assert_true(again.interrupted);
	assert_true(address_equal(&again.address, &run.address));
	assert_true(address_equal(&again.local_address, &run.local_address));
	assert_int_equal(again.port, run.port);
	assert_int_equal(again.vantage, run.vantage);
	assert_int_equal(again.deployment, run.deployment);
	assert_int_equal(again.path, run.path);
	assert_int_equal(again.mtu, run.mtu);
	assert_string_equal(again.user, run.user);
	assert_int_equal(again.started_ns, run.started_ns);
	assert_int_equal(again.stopped_ns, run.stopped_ns);
	compare_events(&run, &again);
	assert_int_equal(again.interface_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(again.interfaces[i].name, run.interfaces[i].name);
		assert_int_equal(again.interfaces[i].link, run.interfaces[i].link);
	}
	assert_int_equal(again.frame_count, 1);
	assert_int_equal(again.frames[0].on_wire, 60);
	assert_int_equal(again.frames[0].time_ns, run.frames[0].time_ns);
	assert_memory_equal(again.frames[0].bytes, frame_bytes, 8);
	run_free(&run);
	run_free(&again);
}

/* What a process that is killed now would leave. */
static void assert_loads_as(const char *path, const struct run *run, int64_t last_ns)
{
	struct run again;
	struct error error = { 0 };
	assert_true(run_load(&again, path, &error));
	assert_true(again.planned && again.cut_short == (run->stopped_ns == SECONDS(7)));
	assert_string_equal(again.host, run->host);
	assert_true(address_equal(&again.address, &run->address));
	assert_int_equal(again.started_ns, run->started_ns);
	assert_int_equal(again.stopped_ns, last_ns);
	compare_events(run, &again);
	assert_int_equal(again.interface_count, run->interface_count);
	assert_int_equal(again.frame_count, run->frame_count);
	for (size_t i = 0; i < run->frame_count; i++)
		assert_int_equal(again.frames[i].time_ns, run->frames[i].time_ns);
	run_free(&again);
}

static void add_frame(struct run *run, int64_t time_ns)
{
	run_frame(run, &(struct frame){ .bytes = frame_bytes,
					.captured = 8,
					.on_wire = 8,
					.time_ns = time_ns,
					.link = LINK_ETHERNET });
}

static void add_limit(struct run *run, int64_t time_ns)
{
	run_event(run, &(struct event){ .kind = EVENT_LIMIT, .time_ns = time_ns, .text = "\xff" });
}

static void is_there_while_it_grows(void **state)
{
	(void)state;
	struct error error = { 0 };
	struct run run = { .planned = true, .host = "vm.example", .started_ns = SECONDS(7) };
	char path[] = "/tmp/sshwhy-test-run-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "wb");
	run.stopped_ns = SECONDS(7); /* so far */
	struct run_writer *writer = run_writer_new(&run, file);
	assert_loads_as(path, &run, SECONDS(7));
	run.address = address_parse("2001:db8::4");
	run.interfaces[run.interface_count++] = (struct run_interface){ "eth0", LINK_ETHERNET };
	run_writer_add(writer, &run);
	assert_loads_as(path, &run, SECONDS(7));
	for (int64_t second = 8; second < 20; second++) {
		add_limit(&run, SECONDS(second));
		if (second % 2 == 0)
			add_frame(&run, SECONDS(second) + 1);
		run_writer_add(writer, &run);
		assert_loads_as(path, &run, SECONDS(second) + (second % 2 == 0));
	}
	run.stopped_ns = SECONDS(30);	       /* it has ended */
	run_writer_finish(writer, &run, NULL); /* all of it, once */
	assert_loads_as(path, &run, SECONDS(30));
	assert_true(run_writer_close(writer, &error));
	fclose(file);
	unlink(path);
	run_free(&run);
}

/* Neither an editor nor a terminal must make anything of a note. */
static void notes_are_of_ascii(void **state)
{
	(void)state;
	struct arena arena = { 0 };
	struct run run = { 0 };
	const char *text = "\x1b[2J \x7f\x7f \xc2\x9b[2J \u202e \u2066 \\x1b caf\u00e9";
	const char *note = note_event(&(struct event){ .text = text, .detail = "" }, &arena);
	for (const char *at = note; *at != '\0'; at++)
		assert_in_range(*at, ' ', '~');
	run.planned = true;
	assert_true(note_read(&run, note));
	assert_string_equal(run.events[0].text, text);
	run_free(&run);
	arena_free(&arena);
}

/* One without a name would be lost, two with one would be taken for each other. */
static void are_names(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_non_null(names[i]);
		for (size_t n = 0; n < i; n++)
			assert_string_not_equal(names[i], names[n]);
	}
}

static void all_have_names(void **state)
{
	(void)state;
	are_names(vantage_names, VANTAGES);
	are_names(deployment_names, DEPLOYMENTS);
	are_names(path_kind_names, PATH_KINDS);
	are_names(way_names, WAYS);
	are_names(purpose_names, PURPOSES);
	for (int i = 0; i < EVENTS; i++) {
		enum event_kind kind;
		assert_true(event_by_name(event_name((enum event_kind)i), &kind));
		assert_int_equal(kind, i);
	}
}

/* A word has its own kind's note, and none other. */
static void words_are_told_apart(void **state)
{
	(void)state;
	for (int word = WORD_NONE + 1; word < EVENT_WORDS; word++) {
		const char *name = event_word_name((enum event_word)word);
		unsigned kinds = 0;
		for (int kind = 0; kind < EVENTS; kind++)
			kinds += event_word_by_name((enum event_kind)kind, name, strlen(name)) ==
				 (enum event_word)word;
		if (kinds != 1 || strstr(name, ": ") != NULL)
			fail_msg("%s", name);
	}
	assert_int_equal(event_word_by_name(EVENT_MODE, "drops", 5), WORD_NONE);
	assert_int_equal(event_word_by_name(EVENT_RULE, "drop", 4), WORD_NONE);
}

/* The format of saved runs: where each kind's note has its word. */
static void notes_hold_words(void **state)
{
	(void)state;
	static const struct {
		const char *note;
		enum event_word word;
		const char *text, *detail;
	} rows[] = {
		{ "{\"event\":\"ssh\",\"text\":\"closed\",\"detail\":\"why\"}", WORD_SSH_CLOSED, "",
		  "why" },
		{ "{\"event\":\"rule\",\"text\":\"t\",\"detail\":\"drops\"}", WORD_RULE_DROPS, "t",
		  "" },
		{ "{\"event\":\"host-key\",\"text\":\"t\",\"detail\":\"changed: f:1\"}",
		  WORD_HOST_KEY_CHANGED, "t", "f:1" },
		{ "{\"event\":\"host-key\",\"text\":\"t\",\"detail\":\"changed\"}",
		  WORD_HOST_KEY_CHANGED, "t", "" },
		{ "{\"event\":\"name\",\"text\":\"t\",\"detail\":\"drops\"}", WORD_NONE, "t",
		  "drops" },
		/* of a newer version: kept as it is */
		{ "{\"event\":\"ssh\",\"text\":\"of tomorrow\"}", WORD_NONE, "of tomorrow", "" },
		{ "{\"event\":\"host-key\",\"text\":\"t\",\"detail\":\"new: f:1\"}", WORD_NONE, "t",
		  "new: f:1" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = { .planned = true };
		size_t count;
		assert_true(note_read(&run, rows[i].note));
		assert_int_equal(run.events[0].word, rows[i].word);
		assert_string_equal(run.events[0].text, rows[i].text);
		assert_string_equal(run.events[0].detail, rows[i].detail);
		assert_string_equal(notes_write(&run, &run.arena, &count)[1], rows[i].note);
		run_free(&run);
	}
}

static void notes_of_others_are_no_notes(void **state)
{
	(void)state;
	static const char *const strange[] = {
		"",
		"hello",
		"{",
		"[]",
		"{}",
		"null",
		"{\"event\":\"connect\"}",
		"{\"sshwhy\":\"run/9\"}",
		"{\"sshwhy\":1}",
	};
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		struct run run = { 0 };
		assert_false(note_read(&run, strange[i]));
		assert_false(run.planned);
		run_free(&run);
	}
}

static void numbers_out_of_range_become_nothing(void **state)
{
	(void)state;
	struct run run = { 0 };
	assert_true(note_read(&run,
			      "{\"sshwhy\":\"run/1\",\"host\":\"vm\",\"port\":70000,\"mtu\":-4,"
			      "\"vantage\":\"moon\",\"address\":\"nonsense\"}"));
	assert_int_equal(run.port, 0);
	assert_int_equal(run.mtu, 0);
	assert_int_equal(run.vantage, VANTAGE_CLIENT);
	assert_int_equal(run.address.family, 0);
	assert_true(
		note_read(&run, "{\"event\":\"connect\",\"local_port\":-1,\"error\":99999999999}"));
	assert_int_equal(run.events[0].local_port, 0);
	assert_int_equal(run.events[0].error, 0);
	assert_true(note_read(&run, "{\"event\":\"from-the-future\"}")); /* skipped */
	assert_int_equal(run.event_count, 1);
	run_free(&run);
}

/* -- bounds ----------------------------------------------------------------------- */

static void save_and_load(const struct run *run, struct run *again)
{
	struct error error = { 0 };
	char path[] = "/tmp/sshwhy-test-run-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "wb");
	assert_true(run_save(run, NULL, file, &error));
	fclose(file);
	assert_true(run_load(again, path, &error));
	unlink(path);
}

static unsigned fill_with_events(struct run *run, const char *text)
{
	unsigned told = 0;
	for (; run->events_kept.refused == 0; told++)
		run_event(run, &(struct event){ .kind = EVENT_RULE, .text = text, .detail = text });
	return told - 1;
}

/* As full as a run can be, it is read back whole: of few long texts or of many short ones, whatever
 * their bytes need to be written. */
static void a_full_run_is_saved_whole(void **state)
{
	(void)state;
	static const char fillings[] = { '\xff', '\x01', 'x' };
	char longest[EVENT_TEXT_MAX + 2] = "";
	for (size_t f = 0; f < 2 * sizeof(fillings); f++) {
		struct run run, again;
		memset(longest, fillings[f / 2], f % 2 == 0 ? sizeof(longest) - 1 : 3);
		longest[f % 2 == 0 ? sizeof(longest) - 1 : 3] = '\0';
		make_run(&run);
		unsigned told = fill_with_events(&run, longest);
		assert_true(told > 50);
		while (run_frame(&run, &(struct frame){ .bytes = (const uint8_t *)longest,
							.captured = 3000,
							.on_wire = 3000,
							.link = LINK_ETHERNET }))
			continue;
		run_tell_refused(&run);
		save_and_load(&run, &again);
		compare_events(&run, &again);
		assert_int_equal(again.frame_count, run.frame_count);
		assert_int_equal(again.frames_kept.refused, 0);
		run_free(&run);
		run_free(&again);
	}
}

/* What there was no room for is told as what a capture loses is. */
static void a_run_says_what_it_had_no_room_for(void **state)
{
	(void)state;
	struct run run = { 0 };
	static const uint8_t bytes[1000];
	struct frame frame = { .bytes = bytes, .captured = 1000, .on_wire = 1000 };
	run_tell_refused(&run);
	assert_int_equal(run.event_count, 0);
	while (run_frame(&run, &frame))
		continue;
	assert_in_range(run.frame_count, RUN_FRAMES_MOST / 1500, RUN_FRAMES_MOST / 1000);
	size_t kept = run.frame_count;
	for (unsigned i = 0; i < 6; i++)
		assert_false(run_frame(&run, &frame));
	assert_int_equal(run.frame_count, kept);
	run_tell_refused(&run);
	assert_int_equal(run.event_count, 2);
	assert_int_equal(run.events[0].kind, EVENT_LIMIT);
	assert_non_null(strstr(run.events[0].text, "; 7 more)"));
	assert_int_equal(run.events[1].kind, EVENT_CAPTURE);
	assert_int_equal(run.events[1].value, 7);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saved_and_loaded_is_the_same),
		cmocka_unit_test(is_there_while_it_grows),
		cmocka_unit_test(notes_are_of_ascii),
		cmocka_unit_test(all_have_names),
		cmocka_unit_test(words_are_told_apart),
		cmocka_unit_test(notes_hold_words),
		cmocka_unit_test(notes_of_others_are_no_notes),
		cmocka_unit_test(numbers_out_of_range_become_nothing),
		cmocka_unit_test(a_full_run_is_saved_whole),
		cmocka_unit_test(a_run_says_what_it_had_no_room_for),
	};
	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
