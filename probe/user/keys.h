/* keys: what ssh would offer without asking anybody anything; found by the machine, offered by the
 * handshake.
 *
 * In the order of OpenSSH's pubkey_prepare() (sshconnect2.c): the agent's keys, first those that
 * IdentityFile names, then, unless IdentitiesOnly, the others; then the files that no agent has.
 * They are read while their owner's rights are held. What is read is secret: it stays in memory
 * until keys_close(), which wipes it.
 */
#ifndef PROBE_USER_KEYS_H
#define PROBE_USER_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "process/child.h"
#include "user/person.h"
#include "user/settings.h"

#define KEYS_MAX 6 /* what sshd bears of one client (MaxAuthTries) */

/* A file that IdentityFile or CertificateFile names. */
struct keys_file {
	char path[SETTINGS_PATH_MAX];
	char *text, *half, *certificate; /* the private key, PATH.pub, PATH-cert.pub; may be NULL */
	const char *trouble;		 /* why the private key cannot be used; NULL: it can */
	bool certified_only;		 /* not to be offered without the certificate */
};

/* One key, as a file has it. */
struct keys_offer {
	const char *path;
	const char *text;	 /* the private key; NULL: it cannot be used, see `trouble` */
	const char *certificate; /* to be shown with it; NULL: none */
	const char *half;    /* else the public half; ssh asks whether the server would take it */
	const char *trouble; /* "needs its passphrase" */
};

#define KEYS_FILES_MAX (SETTINGS_IDENTITIES_MAX + SETTINGS_CERTIFICATES_MAX)

struct keys {
	struct keys_file file[KEYS_FILES_MAX];
	size_t file_count;
	struct keys_offer key[KEYS_MAX]; /* after the agent's */
	size_t count;
	size_t agent_keys; /* that the agent's go-between shows */
	int agent;	   /* leads to it, where it shows any */
	struct child go_between;
	size_t left_out; /* that ssh would offer after KEYS_MAX */
	char lacks[768]; /* why there is nothing that can be offered */
};

/* With the owner's rights; `settings` as ssh has told them. */
void keys_read(const struct settings *settings, const struct person *person, struct keys *keys);
void keys_close(struct keys *keys);

#endif
