#include "user/person.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void copy_entry(struct person *person, const struct passwd *entry)
{
	person->uid = entry->pw_uid;
	person->gid = entry->pw_gid;
	snprintf(person->name, sizeof(person->name), "%s", entry->pw_name);
	snprintf(person->home, sizeof(person->home), "%s", entry->pw_dir);
	if (entry->pw_shell != NULL)
		snprintf(person->shell, sizeof(person->shell), "%s", entry->pw_shell);
}

static bool look_up(uid_t uid, struct person *person)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
		return false;
	copy_entry(person, found);
	return true;
}

static bool number_of(const char *text, uid_t *uid)
{
	char *end = NULL;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value >= UINT_MAX) /* (uid_t)-1 means "no change" */
		return false;
	*uid = (uid_t)value;
	return true;
}

/* -- who became root to call us --------------------------------------------------------- */

/* One whom the user database does not know has his number, and no group. The name is none that
 * somebody else could have. */
static void become_stranger(uid_t uid, struct person *person)
{
	person->uid = uid;
	person->gid = PERSON_NOBODY;
	snprintf(person->name, sizeof(person->name), "#%u", (unsigned)uid);
	snprintf(person->home, sizeof(person->home), "/nonexistent");
}

/* The group is that of the user database: a SUDO_GID that differs is not believed. */
static bool read_number(const char *text, struct person *person)
{
	uid_t uid;
	if (!number_of(text, &uid) || uid == 0)
		return false;
	if (!look_up(uid, person))
		become_stranger(uid, person);
	return true;
}

static bool read_name(const char *text, struct person *person)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;
	if (text == NULL)
		return false;
	if (getpwnam_r(text, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
		become_stranger(PERSON_NOBODY, person);
	else
		copy_entry(person, found);
	return person->uid != 0;
}

/* Each of the programs that make somebody root sets its own variable, and some can be told to
 * leave the others as the caller had them: where two name different people, one lies. */
static void hear(const struct person *named, struct person *person)
{
	if (person->sudo && named->uid != person->uid)
		become_stranger(PERSON_NOBODY, person);
	else
		*person = *named;
	person->sudo = true;
}

static void find_caller(struct person *person)
{
	static const struct {
		const char *variable;
		bool (*read)(const char *text, struct person *person); /* false: nobody, or root */
	} programs[] = {
		{ "SUDO_UID", read_number },   /* sudo, run0 */
		{ "PKEXEC_UID", read_number }, /* pkexec */
		{ "DOAS_USER", read_name },    /* doas */
	};
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		struct person named = { 0 };
		if (programs[i].read(getenv(programs[i].variable), &named))
			hear(&named, person);
	}
}

static struct nobody find_nobody(void)
{
	struct nobody nobody = { PERSON_NOBODY, PERSON_NOBODY };
	char buffer[4096];
	struct passwd entry, *found = NULL;
	if (getpwnam_r("nobody", &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL)
		nobody = (struct nobody){ found->pw_uid, found->pw_gid };
	return nobody;
}

/* As ssh finds it, which knows the environment alone: under sudo that is root's, and the user
 * database has what the person's own says as a rule. */
static void find_shell(struct person *person)
{
	const char *shell = getenv("SHELL");
	if (!person->sudo)
		snprintf(person->shell, sizeof(person->shell), "%s", shell != NULL ? shell : "");
	if (person->shell[0] == '\0')
		snprintf(person->shell, sizeof(person->shell), "/bin/sh");
}

/* Only root's environment is written by those programs: anybody else could write SUDO_UID
 * himself. */
void person_find(struct person *person)
{
	memset(person, 0, sizeof(*person));
	if (getuid() == 0)
		find_caller(person);
	person->nobody = find_nobody();
	if (!person->sudo && !look_up(getuid(), person)) {
		become_stranger(getuid(), person);
		person->gid = getgid();
	}
	find_shell(person);
}
