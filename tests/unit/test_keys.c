/* What ssh would offer without asking: files, their order, and what cannot be used. */
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

#include "user/keys.h"

#define OPEN   "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ=="
#define LOCKED "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAA="
#define PRIVATE(words)                                                                             \
	"-----BEGIN OPENSSH PRIVATE KEY-----\n" words "\n-----END OPENSSH PRIVATE KEY-----\n"

struct home {
	struct settings settings;
	struct person person;
	struct keys keys;
};

static void begin(struct home *home)
{
	*home = (struct home){ .settings = { .pubkey_authentication = "true",
					     .identity_agent = "none" },
			       .person = { .uid = geteuid(), .gid = getegid() } };
	snprintf(home->person.home, sizeof(home->person.home), "/tmp/test_keys.XXXXXX");
	assert_non_null(mkdtemp(home->person.home));
}

static void put(struct home *home, const char *name, mode_t mode, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", home->person.home, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void named(struct home *home, const char *name)
{
	snprintf(home->settings.identity[home->settings.identity_count++], SETTINGS_PATH_MAX,
		 "~/%s", name);
}

static void end(struct home *home)
{
	char command[512];
	keys_close(&home->keys);
	snprintf(command, sizeof(command), "rm -r %s", home->person.home);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static void files_in_their_order(void **state)
{
	(void)state;
	struct home home;
	begin(&home);
	put(&home, "b", 0600, PRIVATE(OPEN));
	put(&home, "a", 0600, PRIVATE(OPEN));
	put(&home, "a-cert.pub", 0644, "ssh-ed25519-cert-v01@openssh.com AAAA c");
	named(&home, "b"), named(&home, "none"), named(&home, "a");
	keys_read(&home.settings, &home.person, &home.keys);
	assert_int_equal(home.keys.count, 3);
	assert_string_equal(strrchr(home.keys.key[0].path, '/'), "/b");
	assert_null(home.keys.key[1].certificate);
	assert_non_null(home.keys.key[2].certificate);
	assert_int_equal(home.keys.left_out, 0);
	end(&home);
}

static void what_cannot_be_used_is_said(void **state)
{
	(void)state;
	struct home home;
	begin(&home);
	put(&home, "locked", 0600, PRIVATE(LOCKED));
	put(&home, "locked.pub", 0644, "ssh-ed25519 AAAA c");
	put(&home, "wide", 0644, PRIVATE(OPEN));
	named(&home, "locked"), named(&home, "wide");
	keys_read(&home.settings, &home.person, &home.keys);
	assert_int_equal(home.keys.count, 1);
	assert_null(home.keys.key[0].text);
	assert_string_equal(home.keys.key[0].trouble, "needs its passphrase");
	assert_non_null(strstr(home.keys.lacks, "/locked needs its passphrase"));
	assert_non_null(strstr(home.keys.lacks, "/wide has modes that ssh refuses"));
	end(&home);
}

static void no_more_than_sshd_bears(void **state)
{
	(void)state;
	struct home home;
	char name[] = "0";
	begin(&home);
	for (; name[0] < '8'; name[0]++) {
		put(&home, name, 0600, PRIVATE(OPEN));
		named(&home, name);
	}
	keys_read(&home.settings, &home.person, &home.keys);
	assert_int_equal(home.keys.count, KEYS_MAX);
	assert_int_equal(home.keys.left_out, 8 - KEYS_MAX);
	end(&home);
}

static void nothing_when_keys_are_off(void **state)
{
	(void)state;
	struct home home;
	begin(&home);
	put(&home, "a", 0600, PRIVATE(OPEN));
	named(&home, "a");
	snprintf(home.settings.pubkey_authentication, sizeof(home.settings.pubkey_authentication),
		 "no");
	keys_read(&home.settings, &home.person, &home.keys);
	assert_int_equal(home.keys.count, 0);
	assert_string_equal(home.keys.lacks, "PubkeyAuthentication is off");
	end(&home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_in_their_order),
		cmocka_unit_test(what_cannot_be_used_is_said),
		cmocka_unit_test(no_more_than_sshd_bears),
		cmocka_unit_test(nothing_when_keys_are_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
