/* person: whose ssh fails; found before privilege goes, used by all that act in that name. */
#ifndef PROBE_USER_PERSON_H
#define PROBE_USER_PERSON_H

#include <stdbool.h>
#include <sys/types.h>

/* Who is nobody, where the user database does not say. */
#define PERSON_NOBODY 65534

struct nobody {
	uid_t uid;
	gid_t gid;
};

/* The user whose rules, keys and agent matter: who became root by sudo, run0, pkexec or doas,
 * else who runs us. One whom the user database does not know is his number alone. When two of
 * those programs say different things, it is nobody, who may write nothing. */
struct person {
	uid_t uid;
	gid_t gid;
	char name[64];
	char home[256];
	char shell[256];      /* in which ssh runs commands */
	bool sudo;	      /* or one of the others: root's rights are not this person's */
	struct nobody nobody; /* whom root becomes */
};
void person_find(struct person *person);

#endif
