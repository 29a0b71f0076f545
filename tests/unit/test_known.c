/* known_hosts: names plain, with wildcards, hashed; markers; what a key is to a host. */
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

#include "user/known.h"
#include "user/known_file.h"
#include "user/lines.h"
#include "user/pattern.h"

/* Made with ssh-keygen; fingerprints by ssh-keygen -l, hashes by ssh-keygen -H. */
#define ED25519_BUT_ONE                                                                            \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFQihDBWzoxcEh9dmR8Rte4cEFVvHHEr5EpXoUhLy2N"
#define ED25519	      ED25519_BUT_ONE "L"
#define ED25519_PRINT "SHA256:uZAf9Ze+rwLFqkWtpxp8WZ+5A63dnuV+cIwnv7CZB2g"
#define ECDSA                                                                                      \
	"ecdsa-sha2-nistp256 "                                                                     \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBME+u011ak+"                          \
	"F89EjFl0JSNhGwhWq2Mvi7WnCfKXw2wVvUYlWoOwjmbajrPe37uZkyIZPYlBwGCrxbv8A23adwoY="
#define ECDSA_PRINT "SHA256:QaZQNawdyvUbkVudDD8CnrMoqxBaIo43EWFIsSDcsWI"
#define HASHED	    "|1|eOCHl0+t8XFWKCiaRCLzdNYnQFQ=|LuZ8BY074BWnJwEDyAjIo8/8gRY= " /* vm.example */
#define HASHED_2222 "|1|hfQjSjCY9URes9odSnuC7wK8Vr0=|M2CK0M0GA7dRbZFVfz35DEe3hrY= "
#define OTHER_PRINT "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void names(void **state)
{
	(void)state;
	static const struct {
		const char *line, *name;
		bool holds;
	} rows[] = {
		{ "vm.example " ED25519, "vm.example", true },
		{ "  vm.example\t" ED25519 " a comment", "vm.example", true },
		{ "VM.example " ED25519, "vm.example", true },
		{ "other,vm.example,10.0.0.1 " ED25519, "vm.example", true },
		{ "*.example " ED25519, "vm.example", true },
		{ "*.example,!vm.example " ED25519, "vm.example", false },
		{ "!vm.example,*.example " ED25519, "vm.example", false },
		{ "vm?example " ED25519, "vm.example", true },
		{ "vm.exampl " ED25519, "vm.example", false },
		{ "vm.example " ED25519, "[vm.example]:2222", false },
		{ "[vm.example]:2222 " ED25519, "[vm.example]:2222", true },
		{ "[2001:db8::1]:2222 " ED25519, "[2001:db8::1]:2222", true },
		{ HASHED ED25519, "vm.example", true },
		{ HASHED ED25519, "vm.exampl", false },
		{ HASHED_2222 ED25519, "[vm.example]:2222", true },
		{ HASHED_2222 ED25519, "vm.example", false },
		{ "|1|eOCHl0+t8XFWKCiaRCLzdNYnQFQ= " ED25519, "vm.example", false },
		{ "|1||LuZ8BY074BWnJwEDyAjIo8/8gRY= " ED25519, "vm.example", false },
		{ "|1|eOCHl0+t8XFWKCiaRCLzdNYnQFQ=| " ED25519, "vm.example", false },
		{ "|1| " ED25519, "vm.example", false },
		{ "|2|eOCHl0+t8XFWKCiaRCLzdNYnQFQ=|LuZ8BY074BWnJwEDyAjIo8/8gRY= " ED25519,
		  "vm.example", false },
		{ "# vm.example " ED25519, "vm.example", false },
		{ "@revoked vm.example " ED25519, "vm.example", true },
		{ "@cert-authority vm.example " ED25519, "vm.example", false },
		{ "@of-tomorrow vm.example " ED25519, "vm.example", false },
		{ "vm.example ssh-ed25519", "vm.example", false },
		{ "vm.example ssh-ed25519 !!!!", "vm.example", false },
		{ "vm.example ssh-ed25519 AAAA", "vm.example", false },
		{ "vm.example " ED25519_BUT_ONE, "vm.example", false },
		{ "vm.example " ED25519_BUT_ONE "-", "vm.example", false },
		{ "vm.example " ED25519 "====", "vm.example", false },
		{ "vm.example " ED25519 "----", "vm.example", false },
		{ "vm.example " ED25519 "\r\r\r\r", "vm.example", false },
		{ "vm.example ssh-ed25519 "
		  "AAAAC3NzaC1lZDI1NTE5AAAAIFQihDBWzo=cEh9dmR8Rte4cEFVvHHEr5EpX"
		  "oUhLy2NL",
		  "vm.example", false },
		{ "vm.example", "vm.example", false },
		{ "@revoked", "vm.example", false },
		{ "", "vm.example", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct known known = { 0 };
		known_line(&known, rows[i].line, rows[i].name, "f", 7);
		if (known.count != rows[i].holds)
			fail_msg("row %zu: %s", i, rows[i].line);
		if (!rows[i].holds)
			continue;
		assert_string_equal(known.key[0].type, "ssh-ed25519");
		assert_string_equal(known.key[0].fingerprint, ED25519_PRINT);
		assert_int_equal(known.key[0].line, 7);
	}
}

static void name_forms(void **state)
{
	(void)state;
	char name[64];
	known_name("VM.Example", 22, name, sizeof(name));
	assert_string_equal(name, "vm.example");
	known_name("VM.Example", 2222, name, sizeof(name));
	assert_string_equal(name, "[vm.example]:2222");
}

static void checks(void **state)
{
	(void)state;
	static const struct {
		const char *lines[3];
		enum known_state expected;
		unsigned line;
		const char *algorithms;
	} rows[] = {
		{ { NULL }, KNOWN_NEW, 0, "" },
		{ { "h " ED25519 }, KNOWN_SAME, 1, "ssh-ed25519" },
		{ { "h " ECDSA }, KNOWN_CHANGED, 1, "ecdsa-sha2-nistp256" },
		{ { "h " ECDSA, "h " ED25519 }, KNOWN_SAME, 2, "ssh-ed25519,ecdsa-sha2-nistp256" },
		{ { "x " ED25519, "h " ECDSA }, KNOWN_CHANGED, 2, "ecdsa-sha2-nistp256" },
		{ { "@revoked h " ED25519, "h " ED25519 }, KNOWN_REVOKED, 1, "ssh-ed25519" },
		{ { "@revoked h " ECDSA }, KNOWN_NEW, 0, "" },
		{ { "@cert-authority h " ECDSA }, KNOWN_NEW, 0, "" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct known known = { 0 };
		const struct known_key *which = NULL;
		char algorithms[256];
		for (unsigned l = 0; l < 3 && rows[i].lines[l] != NULL; l++)
			known_line(&known, rows[i].lines[l], "h", "f", l + 1);
		assert_int_equal(known_check(&known, "ssh-ed25519", ED25519_PRINT, &which),
				 rows[i].expected);
		assert_int_equal(which != NULL ? which->line : 0, rows[i].line);
		known_algorithms(&known, algorithms, sizeof(algorithms));
		assert_string_equal(algorithms, rows[i].algorithms);
	}
}

/* Of several other keys, the one of the shown key's type is quoted. */
static void quotes_the_same_type(void **state)
{
	(void)state;
	struct known known = { 0 };
	const struct known_key *which = NULL;
	known_line(&known, "h " ECDSA, "h", "f", 1);
	known_line(&known, "h " ED25519, "h", "f", 2);
	assert_int_equal(known_check(&known, "ssh-ed25519", OTHER_PRINT, &which), KNOWN_CHANGED);
	assert_int_equal(which->line, 2);
	assert_int_equal(known_check(&known, "ssh-rsa", OTHER_PRINT, &which), KNOWN_CHANGED);
	assert_int_equal(which->line, 1);
}

/* Under the name alone, where another port is asked. */
static void of_another_port(void **state)
{
	(void)state;
	struct known known = { .of_other_port = true };
	const struct known_key *which = NULL;
	known_line(&known, "h " ED25519, "h", "f", 1);
	assert_int_equal(known_check(&known, "ssh-ed25519", ED25519_PRINT, &which), KNOWN_SAME);
	assert_int_equal(which->line, 1);
	assert_int_equal(known_check(&known, "ssh-ed25519", OTHER_PRINT, &which), KNOWN_NEW);
	assert_null(which);
}

static void cut_lines(void **state)
{
	(void)state;
	static const char *const lines[] = { HASHED ED25519, "@revoked *.example,!x " ECDSA };
	for (size_t i = 0; i < 2; i++)
		for (size_t length = 0; length <= strlen(lines[i]); length++) {
			struct known known = { 0 };
			char *part = strndup(lines[i], length);
			known_line(&known, part, "vm.example", "f", 1);
			free(part);
		}
}

static void more_keys_than_room(void **state)
{
	(void)state;
	struct known known = { 0 };
	for (unsigned i = 0; i < KNOWN_KEYS_MAX + 3; i++)
		known_line(&known, "h " ED25519, "h", "f", i);
	assert_int_equal(known.count, KNOWN_KEYS_MAX);
}

static void files(void **state)
{
	(void)state;
	char path[] = "/tmp/known-XXXXXX", fifo[64];
	struct known known = { 0 };
	FILE *file = fdopen(mkstemp(path), "w");
	assert_non_null(file);
	for (int i = 0; i < LINE_LENGTH_MAX + 5; i++) /* too long a line: skipped and counted */
		fputc('x', file);
	fputc('\n', file);
	fwrite("a\0b\n", 1, 4, file);
	fputs("h " ED25519 "\r\nh " ECDSA, file);
	fclose(file);
	assert_true(known_read(&known, path, "h"));
	assert_int_equal(known.count, 2);
	assert_int_equal(known.key[0].line, 3);
	assert_int_equal(known.key[1].line, 4);
	assert_string_equal(known.key[1].fingerprint, ECDSA_PRINT);
	unlink(path);
	/* nothing that could make us wait, or go on for ever */
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_false(known_read(&known, fifo, "h"));
	unlink(fifo);
	assert_false(known_read(&known, "/dev/zero", "h"));
	assert_false(known_read(&known, "/tmp", "h"));
	assert_false(known_read(&known, "/nowhere/at/all", "h"));
}

/* More hosts than are remembered, asked twice, of a file that is gone by then: each has its own
 * key, in its own line. */
static void many_hosts_of_one_file(void **state)
{
	(void)state;
	char path[] = "/tmp/test_known.XXXXXX", name[320];
	int fd = mkstemp(path);
	FILE *out = fdopen(fd, "w");
	assert_non_null(out);
	fputs("# a comment\n\none word\n", out);
	for (int i = 0; i < 600; i++)
		fprintf(out, "host%d %s\n", i, i % 2 ? ED25519 : ECDSA);
	fclose(out);
	struct known_file *file = known_file_open(path);
	unlink(path);
	assert_non_null(file);
	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof(name), "host%d", i % 600);
		const struct known *known = known_file_ask(file, name);
		assert_int_equal(known->count, 1);
		assert_int_equal(known->key[0].line, 4 + i % 600);
		assert_string_equal(known->key[0].fingerprint, i % 2 ? ED25519_PRINT : ECDSA_PRINT);
	}
	assert_int_equal(known_file_ask(file, "host600")->count, 0);
	known_file_close(file);
	assert_null(known_file_open("/nowhere/at/all"));
}

static void patterns(void **state)
{
	(void)state;
	static const struct {
		const char *text, *list;
		int expected;
	} rows[] = {
		{ "a", "a", 1 },	  { "a", "b", 0 },	  { "a", "*", 1 },
		{ "", "*", 1 },		  { "", "?", 0 },	  { "abc", "a*c", 1 },
		{ "abc", "a*b", 0 },	  { "abc", "*b*", 1 },	  { "aXbXc", "a*x?", 1 },
		{ "abc", "abc,!a*", -1 }, { "abc", "!x,abc", 1 }, { "abc", "!x", 0 },
		{ "abc", "", 0 },	  { "abc", ",,abc", 1 },  { "aaaaaaaab", "*a*a*a*b", 1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			pattern_list(rows[i].text, rows[i].list, strlen(rows[i].list), ","),
			rows[i].expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(name_forms),
		cmocka_unit_test(checks),
		cmocka_unit_test(quotes_the_same_type),
		cmocka_unit_test(of_another_port),
		cmocka_unit_test(cut_lines),
		cmocka_unit_test(more_keys_than_room),
		cmocka_unit_test(files),
		cmocka_unit_test(patterns),
		cmocka_unit_test(many_hosts_of_one_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
