/* person: whose ssh fails; found before privilege goes, used by all that act in that name. */
#ifndef PROBE_USER_PERSON_H
#define PROBE_USER_PERSON_H

#include <stdbool.h>
#include <sys/types.h>

/* The user whose rules, keys and agent matter: who called sudo, else who runs us. */
struct person {
	uid_t uid;
	gid_t gid;
	char name[64];
	char home[256];
	bool sudo;
};
void person_find(struct person *person);

#endif
