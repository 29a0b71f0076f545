/* Who became root to call the program. Users and their numbers are played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/person.h"

static uid_t own; /* whose process this is */

static const struct passwd users[] = {
	{ .pw_name = "root", .pw_uid = 0, .pw_gid = 0, .pw_dir = "/root" },
	{ .pw_name = "ann", .pw_uid = 1000, .pw_gid = 100, .pw_dir = "/home/ann" },
	{ .pw_name = "bob", .pw_uid = 1001, .pw_gid = 100, .pw_dir = "/home/bob" },
};

uid_t __wrap_getuid(void);
int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size,
		      struct passwd **found);
int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
		      struct passwd **found);

uid_t __wrap_getuid(void)
{
	return own;
}

static int find(bool (*is)(const struct passwd *entry, const void *key), const void *key,
		struct passwd *entry, struct passwd **found)
{
	*found = NULL;
	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++)
		if (is(&users[i], key)) {
			*entry = users[i];
			*found = entry;
		}
	return 0;
}

static bool is_number(const struct passwd *entry, const void *uid)
{
	return entry->pw_uid == *(const uid_t *)uid;
}

static bool is_name(const struct passwd *entry, const void *name)
{
	return strcmp(entry->pw_name, name) == 0;
}

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size,
		      struct passwd **found)
{
	(void)buffer;
	(void)size;
	return find(is_number, &uid, entry, found);
}

int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
		      struct passwd **found)
{
	(void)buffer;
	(void)size;
	return find(is_name, name, entry, found);
}

static void set(const char *variable, const char *value)
{
	if (value != NULL)
		setenv(variable, value, 1);
	else
		unsetenv(variable);
}

/* NULL: not set */
struct row {
	const char *sudo, *pkexec, *doas;
	bool called;
	uid_t uid;
	gid_t gid;
	const char *name, *home;
};

static void assert_found(const struct row *row)
{
	struct person person;
	set("SUDO_UID", row->sudo);
	set("PKEXEC_UID", row->pkexec);
	set("DOAS_USER", row->doas);
	person_find(&person);
	assert_int_equal(person.sudo, row->called);
	assert_int_equal(person.uid, row->uid);
	assert_int_equal(person.gid, row->gid);
	assert_string_equal(person.name, row->name);
	assert_string_equal(person.home, row->home);
}

#define ROOT   false, 0, 0, "root", "/root"
#define ANN    true, 1000, 100, "ann", "/home/ann"
#define NOBODY true, 65534, 65534, "#65534", "/nonexistent"

static void root_was_called(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ NULL, NULL, NULL, ROOT },
		{ "1000", NULL, NULL, ANN },
		{ NULL, "1000", NULL, ANN },
		{ NULL, NULL, "ann", ANN },
		{ "1000", "1000", "ann", ANN },
		/* from one root to another */
		{ "0", NULL, NULL, ROOT },
		{ NULL, "0", NULL, ROOT },
		{ NULL, NULL, "root", ROOT },
		{ "0", NULL, "ann", ANN },
		{ "1000", "0", "root", ANN },
		/* no numbers */
		{ "", NULL, NULL, ROOT },
		{ "-1", NULL, NULL, ROOT },
		{ "4294967295", NULL, NULL, ROOT },
		{ "0x3e8", NULL, "ann", ANN },
		/* whom the user database does not know */
		{ "4242", NULL, NULL, true, 4242, 65534, "#4242", "/nonexistent" },
		{ NULL, "4242", NULL, true, 4242, 65534, "#4242", "/nonexistent" },
		{ NULL, NULL, "4242", NOBODY },
		{ NULL, NULL, "", NOBODY },
		/* one of them lies */
		{ "1001", NULL, "ann", NOBODY },
		{ "1001", "1000", NULL, NOBODY },
		{ "4242", NULL, "ann", NOBODY },
		{ "1000", "1001", "ann", NOBODY },
		{ NULL, "1000", "nobody-has-this-name", NOBODY },
	};
	own = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_found(&rows[i]);
}

/* With capabilities of the file's, say: whose environment it is, wrote it. */
static void another_was_called(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ NULL, NULL, NULL, false, 1001, 100, "bob", "/home/bob" },
		{ "1000", NULL, NULL, false, 1001, 100, "bob", "/home/bob" },
		{ NULL, "1000", NULL, false, 1001, 100, "bob", "/home/bob" },
		{ NULL, NULL, "ann", false, 1001, 100, "bob", "/home/bob" },
		{ "0", "0", "root", false, 1001, 100, "bob", "/home/bob" },
	};
	own = 1001;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_found(&rows[i]);
}

static void nobody_knows_who_calls(void **state)
{
	(void)state;
	own = 4242;
	assert_found(&(struct row){ "1000", NULL, NULL, false, 4242, getgid(), "#4242",
				    "/nonexistent" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_was_called),
		cmocka_unit_test(another_was_called),
		cmocka_unit_test(nobody_knows_who_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
