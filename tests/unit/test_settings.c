/* What was typed for ssh, what ssh says that means, and how it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/consult.h"

/* -- typed ---------------------------------------------------------------------------- */

static void destinations(void **state)
{
	(void)state;
	static const struct {
		const char *text, *user, *host; /* host NULL: refused */
		uint16_t port;
	} rows[] = {
		{ "vm", "", "vm", 0 },
		{ "vm:2222", "", "vm", 2222 },
		{ "ann@vm", "ann", "vm", 0 },
		{ "ann@vm:22", "ann", "vm", 22 },
		{ "ann@corp@vm", "ann@corp", "vm", 0 }, /* the last @ ends the user */
		{ "[2001:db8::1]:22", "", "2001:db8::1", 22 },
		{ "ann@2001:db8::1", "ann", "2001:db8::1", 0 },
		{ "fe80::1%eth0", "", "fe80::1%eth0", 0 },
		{ "[fe80::1%eth0]:22", "", "fe80::1%eth0", 22 },
		{ "ssh://vm", "", "vm", 0 },
		{ "SSH://ann@vm:22/", "ann", "vm", 22 },
		{ "ssh://ann%40corp;x=y@[2001:db8::1]:22", "ann@corp", "2001:db8::1", 22 },
		{ "ssh://vm/path", NULL, NULL, 0 },
		{ "ssh://", NULL, NULL, 0 },
		{ "ssh://a%zz@vm", NULL, NULL, 0 },
		{ "@vm", NULL, NULL, 0 },
		{ "$(id)@vm", NULL, NULL, 0 },
		{ "-l@vm", NULL, NULL, 0 },
		{ "vm:0", NULL, NULL, 0 },
		{ "vm:65536", NULL, NULL, 0 },
		{ "vm:", NULL, NULL, 0 },
		{ "-oProxyCommand=id", NULL, NULL, 0 },
		{ "", NULL, NULL, 0 },
		{ "[vm", NULL, NULL, 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct typed typed = { 0 };
		struct error error = { 0 };
		bool taken = typed_destination(&typed, rows[i].text, &error);
		if (taken != (rows[i].host != NULL))
			fail_msg("%s", rows[i].text);
		if (!taken)
			continue;
		assert_string_equal(typed.host, rows[i].host);
		assert_string_equal(typed.user, rows[i].user);
		assert_int_equal(typed.port, rows[i].port);
	}
}

static void type(struct typed *typed, int letter, const char *value)
{
	struct error error = { 0 };
	assert_true(typed_option(typed, letter, value, &error));
}

static void options(void **state)
{
	(void)state;
	struct typed typed = { 0 };
	struct error error = { 0 };
	char text[64];
	type(&typed, 'o', "Port 2222");
	type(&typed, 'p', "22");
	type(&typed, '6', NULL);
	type(&typed, 'F', "a");
	type(&typed, 'F', "b");
	type(&typed, 'o', "portknock=x");
	assert_string_equal(typed_first(&typed, 'p'), "22");
	assert_string_equal(typed_last(&typed, 'F'), "b");
	assert_null(typed_last(&typed, 'J'));
	assert_int_equal(typed_family(&typed), 6);
	assert_true(typed_setting(&typed, "port", text, sizeof(text)));
	assert_string_equal(text, "-o Port 2222");
	assert_true(typed_setting(&typed, "addressfamily", text, sizeof(text)));
	assert_string_equal(text, "-6");
	assert_false(typed_setting(&typed, "user", text, sizeof(text)));
	assert_false(typed_option(&typed, 'i', "key", &error));
	assert_false(typed_option(&typed, 'p', "0", &error));
	assert_false(typed_option(&typed, 'l', "$(id)", &error));
}

static void no_more_than_there_is_room_for(void **state)
{
	(void)state;
	struct typed typed = { .host = "vm", .user = "ann", .port = 22 };
	struct typed_command command;
	struct error error = { 0 };
	static const char *const before[] = { "ssh", "-G", "-T", NULL };
	while (typed_option(&typed, 'o', "a=b", &error))
		;
	assert_int_equal(typed.word_count, TYPED_WORDS_MAX);
	typed_command(&typed, before, &command);
	size_t count = 0;
	while (command.word[count] != NULL)
		count++;
	assert_int_equal(count, 3 + TYPED_WORDS_MAX + 6);
	assert_string_equal(command.word[count - 1], "vm");
	assert_string_equal(command.word[count - 2], "--");
	assert_string_equal(command.word[count - 3], "22");
}

/* -- settings -------------------------------------------------------------------------- */

static const struct person ann = { .uid = 1000, .name = "ann", .home = "/home/ann" };

static bool read_text(struct settings *settings, const char *text)
{
	struct typed typed = { .host = "myvm" };
	settings_assume(settings, &typed, &ann);
	bool read = settings_read(settings, text, strlen(text));
	assert_true(settings_sound(settings));
	return read;
}

static void values(void **state)
{
	(void)state;
	struct settings settings;
	assert_true(read_text(&settings,
			      "host myvm\nuser bob\nhostname vm.example\nport 2222\n"
			      "addressfamily inet6\nbindaddress 192.0.2.9\n"
			      "proxyjump ann@bastion:22,other\nproxycommand none\n"
			      "kexalgorithms a,b\ncompression yes\nidentitiesonly no\n"
			      "tcpkeepalive no\nipqos ef cs1\nrekeylimit 1073741824 3600\n"
			      "connecttimeout 7\nrequiredrsasize 2048\n"
			      "userknownhostsfile /a /b\nhostkeyalias other\n"
			      "identityfile ~/.ssh/a\nidentityfile /b c\n"
			      "identityfile none\nunheard-of x\n"));
	assert_string_equal(settings.host, "myvm");
	assert_string_equal(settings.hostname, "vm.example");
	assert_string_equal(settings.user, "bob");
	assert_int_equal(settings.port, 2222);
	assert_int_equal(settings.family, 6);
	assert_string_equal(settings.bind_address, "192.0.2.9");
	assert_string_equal(settings.proxy_jump, "ann@bastion:22,other");
	assert_string_equal(settings.proxy_command, "");
	assert_string_equal(settings.kex, "a,b");
	assert_true(settings.compression);
	assert_false(settings.identities_only);
	assert_false(settings.tcp_keep_alive);
	assert_string_equal(settings.ip_qos, "ef cs1");
	assert_string_equal(settings.rekey_limit, "1073741824 3600");
	assert_int_equal(settings.connect_timeout, 7);
	assert_int_equal(settings.required_rsa_bits, 2048);
	assert_string_equal(settings.user_known, "/a /b");
	assert_string_equal(settings.host_key_alias, "other");
	assert_int_equal(settings.identity_count, 2);
	assert_string_equal(settings.identity[1], "/b c");
}

static void what_is_no_dump(void **state)
{
	(void)state;
	static const char *const texts[] = { "",
					     "port 22\n",
					     "hostname vm\n",
					     "hostname vm\nport 0\n",
					     "hostname vm\nport 65536\n",
					     "hostname \nport 22\n",
					     "hostname\nport\n" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct settings settings;
		assert_false(read_text(&settings, texts[i]));
		assert_string_equal(settings.hostname, "myvm");
		assert_int_equal(settings.port, 22);
		assert_int_equal(settings.identity_count, 7);
	}
}

/* A text at its room: one less is taken, the room itself is not. */
static void rooms(void **state)
{
	(void)state;
	for (int over = -1; over <= 1; over++) {
		struct settings settings;
		char name[SETTINGS_LIST_MAX + 2], text[SETTINGS_LIST_MAX + 64];
		memset(name, 'a', sizeof(name));
		name[SETTINGS_LIST_MAX + over] = '\0';
		snprintf(text, sizeof(text), "hostname vm\nport 22\nkexalgorithms %s\n", name);
		assert_true(read_text(&settings, text));
		assert_int_equal(strlen(settings.kex), over < 0 ? SETTINGS_LIST_MAX - 1 : 0);
	}
	struct settings settings;
	char *text = malloc(SETTINGS_TEXT_MAX + 2);
	assert_non_null(text);
	memset(text, '\n', SETTINGS_TEXT_MAX + 1);
	memcpy(text, "hostname vm\nport 22\n", 20);
	text[SETTINGS_TEXT_MAX + 1] = '\0';
	assert_false(read_text(&settings, text));
	text[SETTINGS_TEXT_MAX] = '\0';
	assert_true(read_text(&settings, text));
	free(text);
}

static void what_another_process_sends(void **state)
{
	(void)state;
	struct settings settings;
	assert_true(read_text(&settings, "hostname vm\nport 22\n"));
	struct settings bad = settings;
	memset(bad.kex, 'a', sizeof(bad.kex));
	assert_false(settings_sound(&bad));
	bad = settings;
	bad.identity_count = SETTINGS_IDENTITIES_MAX + 1;
	assert_false(settings_sound(&bad));
	bad = settings;
	bad.family = 5;
	assert_false(settings_sound(&bad));
	bad = settings;
	memset(&bad.compression, 2, 1);
	assert_false(settings_sound(&bad));
}

static void expansion(void **state)
{
	(void)state;
	struct settings settings;
	char out[512];
	assert_true(read_text(&settings, "hostname vm\nport 22\nuser bob\n"));
	assert_true(settings_expand(&settings, &ann, "~/.ssh/%u", out, sizeof(out)));
	assert_string_equal(out, "/home/ann/.ssh/ann");
	assert_true(settings_expand(&settings, &ann, "%d/%h%%%n%r%p", out, sizeof(out)));
	assert_string_equal(out, "/home/ann/vm%myvmbob22");
	assert_false(settings_expand(&settings, &ann, "%C", out, sizeof(out)));
	assert_false(settings_expand(&settings, &ann, "%", out, sizeof(out)));
	assert_false(settings_expand(&settings, &ann, "${HOME}/x", out, sizeof(out)));
	assert_false(settings_expand(&settings, &ann, "~bob/x", out, sizeof(out)));
	assert_false(settings_expand(&settings, &ann, "/long", out, 5));
	assert_true(settings_expand(&settings, &ann, "/long", out, 6));
	assert_false(settings_expand(&settings, &ann, "~/x", out, 9));
}

/* -- consult: an ssh that is played, for what it does with its words and its time ------------ */

static int make_folder(void **state)
{
	char *folder = strdup("/tmp/ssh-XXXXXX");
	if (folder == NULL || mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
		return -1;
	*state = folder;
	return setenv("PATH", folder, 1);
}

static int remove_folder(void **state)
{
	char command[128];
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	free(*state);
	return system(command);
}

/* Only what the shell does by itself: for root it can start nothing. */
static void play(const char *folder, const char *script)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/ssh", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static void ask(int patience_ms, struct consulted *consulted)
{
	struct typed typed = { .host = "myvm", .port = 2222 };
	struct person person;
	struct error error = { 0 };
	type(&typed, 'o', "Ciphers=a b");
	person_find(&person);
	struct consultation *consultation = consult_start(&typed, &person, &error);
	assert_non_null(consultation);
	consult_end(consultation, &typed, &person, patience_ms, -1, consulted);
	assert_true(settings_sound(&consulted->settings));
}

static void answers(void **state)
{
	static struct consulted consulted;
	static const struct {
		const char *script;
		enum consult_outcome outcome;
		const char *words;
	} rows[] = {
		{ "echo hostname vm; echo port 22", CONSULT_TOLD, "" },
		{ "echo hostname vm; echo port 22; echo a warning >&2", CONSULT_TOLD, "a warning" },
		{ "printf 'wrong\\nmore\\n' >&2; exit 255", CONSULT_REFUSED, "wrong" },
		{ "exit 255", CONSULT_ABSENT, "" },
		{ "exec >&- 2>&-; while :; do :; done", CONSULT_ABSENT, "" },
		/* no end of it */
		{ "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
		  CONSULT_SILENT, NULL },
		{ "while :; do :; done", CONSULT_SILENT, NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool silent = rows[i].outcome == CONSULT_SILENT;
		play(*state, rows[i].script);
		ask(silent ? 200 : 10000, &consulted);
		if (consulted.outcome != rows[i].outcome)
			fail_msg("%s: %d", rows[i].script, consulted.outcome);
		if (rows[i].words != NULL)
			assert_string_equal(consulted.words, rows[i].words);
		bool told = consulted.outcome == CONSULT_TOLD;
		assert_string_equal(consulted.settings.hostname, told ? "vm" : "myvm");
		assert_int_equal(consulted.settings.port, told ? 22 : 2222);
	}
}

static void without_ssh(void **state)
{
	(void)state;
	static struct consulted consulted;
	ask(10000, &consulted);
	assert_int_equal(consulted.outcome, CONSULT_ABSENT);
	assert_int_equal(consulted.settings.port, 2222);
}

/* It is asked as it would be: with the words that were typed, and of this process's environment
 * nothing but what it needs. */
static void the_question(void **state)
{
	static struct consulted consulted;
	setenv("SECRET", "x", 1);
	play(*state, "echo \"hostname $# $1 $2 $3 $4 $5 $6 $7 $8\"; echo \"user $SECRET$LC_ALL\"; "
		     "echo port 22");
	ask(10000, &consulted);
	assert_int_equal(consulted.outcome, CONSULT_TOLD);
	assert_string_equal(consulted.settings.hostname, "8 -G -T -o Ciphers=a b -p 2222 -- myvm");
	assert_string_equal(consulted.settings.user, "C");
	assert_string_equal(consulted.quote[CONFIG_CIPHERS], "-o Ciphers=a b");
}

/* The first of the jump hosts is what this machine connects to, over whatever host it is itself
 * behind. */
static void jump_hosts(void **state)
{
	static struct consulted consulted;
	play(*state, "case \"$*\" in\n"
		     "*gate) echo hostname 192.0.2.1; echo port 22;;\n"
		     "*-p\\ 2200\\ --\\ bastion) echo hostname bastion.example; echo port 2200; "
		     "echo proxyjump gate; echo ciphers x;;\n"
		     "*) echo hostname vm.example; echo port 22; echo user bob; "
		     "echo proxyjump ann@bastion:2200,other; echo ciphers y;;\n"
		     "esac");
	ask(10000, &consulted);
	assert_int_equal(consulted.outcome, CONSULT_TOLD);
	assert_true(consulted.by_jump);
	assert_string_equal(consulted.target.hostname, "vm.example");
	assert_string_equal(consulted.target.proxy_jump, "ann@bastion:2200,other");
	assert_string_equal(consulted.settings.hostname, "192.0.2.1");
	assert_string_equal(consulted.settings.ciphers, "");
	/* one that jumps over itself is not followed for ever */
	play(*state, "echo hostname vm; echo port 22; echo proxyjump vm");
	ask(10000, &consulted);
	assert_int_equal(consulted.outcome, CONSULT_TOLD);
	/* one that ssh does not know is not followed */
	play(*state, "case \"$*\" in *bastion) echo no >&2;; *) echo hostname vm; echo port 22; "
		     "echo proxyjump bastion;; esac");
	ask(10000, &consulted);
	assert_int_equal(consulted.outcome, CONSULT_TOLD);
	assert_false(consulted.by_jump);
	assert_string_equal(consulted.settings.hostname, "vm");
}

/* Commands of root's own configuration are not run. */
static void root_starts_nothing(void **state)
{
	static struct consulted consulted;
	if (getuid() != 0)
		skip();
	play(*state, "(echo a child) && echo hostname child || echo hostname none; echo port 22");
	ask(10000, &consulted);
	if (consulted.outcome == CONSULT_TOLD)
		assert_string_not_equal(consulted.settings.hostname, "child");
	else
		assert_int_equal(consulted.outcome, CONSULT_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations),
		cmocka_unit_test(options),
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(values),
		cmocka_unit_test(what_is_no_dump),
		cmocka_unit_test(rooms),
		cmocka_unit_test(what_another_process_sends),
		cmocka_unit_test(expansion),
		cmocka_unit_test_setup_teardown(answers, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(without_ssh, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(the_question, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(jump_hosts, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(root_starts_nothing, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
