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

/* Only root's environment is sudo's: anybody else could write SUDO_UID himself. The
 * group is that of the user database: a SUDO_GID that differs is not believed. */
static bool called_sudo(struct person *person)
{
	uid_t uid;

	return getuid() == 0 && number_of(getenv("SUDO_UID"), &uid) && uid != 0 &&
	       look_up(uid, person);
}

void person_find(struct person *person)
{
	memset(person, 0, sizeof(*person));
	person->sudo = called_sudo(person);
	if (person->sudo || look_up(getuid(), person))
		return;
	person->uid = getuid();
	person->gid = getgid();
	snprintf(person->name, sizeof(person->name), "%u", (unsigned)person->uid);
}
