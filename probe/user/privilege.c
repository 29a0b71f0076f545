#include "user/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool holds_capability(unsigned capability)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, capability) != 0;
}

/* Root in a container may lack them. Ordinary users stay who they are. */
static bool may_become_another(struct error *error)
{
	static const struct {
		unsigned capability;
		const char *name;
	} needed[] = { { CAP_SETGID, "CAP_SETGID" }, { CAP_SETUID, "CAP_SETUID" } };

	for (size_t i = 0; getuid() == 0 && i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!holds_capability(needed[i].capability))
			return error_set(error, EXIT_NOT_PERMITTED,
					 "%s is missing: without it root stays root while it reads "
					 "what the network says",
					 needed[i].name);
	return true;
}

bool privilege_check(struct error *error)
{
	if (holds_capability(CAP_NET_RAW))
		return may_become_another(error);
	return error_set(error, EXIT_NOT_PERMITTED,
			 "CAP_NET_RAW is missing: run it with sudo, or once "
			 "\"sudo setcap cap_net_raw,cap_net_admin+ep sshwhy\"");
}

bool privilege_net_admin(void)
{
	return holds_capability(CAP_NET_ADMIN);
}

/* Whom to become: the user who called sudo; root becomes nobody; others stay. */
static struct person successor(const struct person *person)
{
	struct person next = *person;

	if (person->sudo || getuid() != 0)
		return next;
	return (struct person){ .uid = person->nobody.uid, .gid = person->nobody.gid };
}

/* Supplementary groups first: it takes the capability that the next steps give up. */
static bool change_groups(const struct person *next)
{
	if (!holds_capability(CAP_SETGID))
		return getuid() != 0; /* an ordinary user's groups are his own */
	if (next->name[0] != '\0' ? initgroups(next->name, next->gid) != 0
				  : setgroups(0, NULL) != 0)
		return false;
	return setresgid(next->gid, next->gid, next->gid) == 0;
}

static bool change_user(const struct person *next)
{
	return setresuid(next->uid, next->uid, next->uid) == 0;
}

/* The bounding set can only shrink, and only while CAP_SETPCAP is held. */
static bool empty_bounding_set(void)
{
	if (!holds_capability(CAP_SETPCAP))
		return true;
	capng_clear(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_BOUNDS) == 0;
}

static bool empty_capabilities(void)
{
	if (capng_get_caps_process() != 0)
		return false;
	capng_clear(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0;
}

static bool nothing_left(const struct person *next)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) != 0 || real != next->uid ||
	    effective != next->uid || saved != next->uid)
		return false;
	if (capng_get_caps_process() != 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return false;
	/* the proof is in the trying */
	return setresuid(0, 0, 0) != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

/* Only what is held can be kept. */
static void select_capabilities(const unsigned *capabilities, size_t count)
{
	bool held[CAP_LAST_CAP + 1] = { false };

	for (size_t i = 0; i < count; i++)
		held[capabilities[i]] = holds_capability(capabilities[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (held[i])
			(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
					   (unsigned)i);
}

bool privilege_keep(const struct nobody *nobody, const unsigned *capabilities, size_t count)
{
	bool changes = getuid() == 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !empty_bounding_set())
		return false;
	select_capabilities(capabilities, count);
	if (changes)
		return capng_change_id((int)nobody->uid, (int)nobody->gid, CAPNG_DROP_SUPP_GRP) ==
		       0;
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0;
}

bool privilege_shed(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && empty_bounding_set() &&
	       empty_capabilities() && capng_get_caps_process() == 0 &&
	       capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE;
}

bool privilege_shed_but(unsigned capability)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !empty_bounding_set())
		return false;
	select_capabilities(&capability, 1);
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0;
}

bool privilege_drop(const struct person *person, struct error *error)
{
	struct person next = successor(person);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(error, EXIT_NOT_PERMITTED, "no_new_privs: %s", strerror(errno));
	if (!empty_bounding_set())
		return error_set(error, EXIT_NOT_PERMITTED, "cannot empty the bounding set");
	if (!change_groups(&next) || !change_user(&next))
		return error_set(error, EXIT_NOT_PERMITTED, "cannot become uid %u: %s",
				 (unsigned)next.uid, strerror(errno));
	if (!empty_capabilities() || !nothing_left(&next))
		return error_set(error, EXIT_NOT_PERMITTED, "privilege could be had back");
	return true;
}
