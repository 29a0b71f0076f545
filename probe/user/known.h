/* known: what known_hosts files say of a host's key; read and asked by the machine and by analyze.
 *
 * sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
#ifndef PROBE_USER_KNOWN_H
#define PROBE_USER_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/run.h"

enum known_state {
	KNOWN_NEW,     /* no key is known for the host */
	KNOWN_SAME,    /* this key is */
	KNOWN_CHANGED, /* other keys are, this one is not */
	KNOWN_REVOKED, /* this key is marked as revoked */
};

#define KNOWN_KEYS_MAX 16

struct known_key {
	char type[64];	      /* "ssh-ed25519" */
	char fingerprint[64]; /* "SHA256:..." */
	char file[256];
	unsigned line;
	bool revoked;
};

/* The keys that the files hold for one host. */
struct known {
	struct known_key key[KNOWN_KEYS_MAX];
	size_t count;
	/* They are known under the host's name alone, and it is asked on another port: ssh takes
	 * one of them for the server's, but none for a reason to call another one changed. */
	bool of_other_port;
};

/* "host" for port 22, "[host]:port" for others, in lower case, as ssh looks it up. */
void known_name(const char *host, uint16_t port, char *name, size_t room);

/* Adds the keys of `line` (file and number are for quoting) if it is about `name`. */
void known_line(struct known *known, const char *line, const char *name, const char *file,
		unsigned number);

/* Adds the keys that `file` holds for `name`. A file that is not there holds none: false. */
bool known_read(struct known *known, const char *file, const char *name);

/* `which`: the entry that decides: the same key, the revoked one, else the first other
 * one, of the same type if there is one; NULL when there is none. */
enum known_state known_check(const struct known *known, const char *type, const char *fingerprint,
			     const struct known_key **which);

/* What they make of a key, as EVENT_HOST_KEY has it; `why`: "FILE:3 has ..." */
enum event_word known_judge(const struct known *known, const char *type, const char *fingerprint,
			    char *why, size_t room);

/* Where the deciding entry stands, or that there is none. */
void known_quote(const struct known_key *key, bool same, char *text, size_t room);

/* The host key algorithms that would show a known key, "a,b"; "" when none is known. */
void known_algorithms(const struct known *known, char *list, size_t room);

#endif
