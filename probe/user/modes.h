/* modes: modes of ~/.ssh's files and what ssh makes of them; looked at and told by the machine. */
#ifndef PROBE_USER_MODES_H
#define PROBE_USER_MODES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "user/settings.h"

enum mode_severity {
	MODE_DIFFERS, /* from what the guide asks for; ssh does not mind */
	MODE_UNUSED,  /* ssh would refuse this key, which it does not try by itself */
	MODE_REFUSED, /* ssh refuses it: a key that it would try, or its configuration */
};

struct mode_finding {
	enum mode_severity severity;
	char path[640];
	unsigned mode, wanted; /* permission bits */
	bool foreign;	       /* the owner is somebody else */
	bool unreadable;       /* to the person: ssh cannot even read it */
	bool key;	       /* a private key; its content goes nowhere */
};

#define MODES_MAX 16

struct modes {
	struct mode_finding finding[MODES_MAX]; /* most severe first */
	size_t count;
	unsigned usable_keys;  /* that ssh would try, and may */
	unsigned refused_keys; /* that ssh would try, and refuses */
	bool config_refused;   /* ssh ends over ~/.ssh/config */
};

/* Looks at ~/.ssh of that person, whose privileges the process has (or root's), and at the keys
 * that ssh would try. */
void modes_find(const struct settings *settings, const struct person *person, struct modes *modes);

/* "/home/a/.ssh/id_rsa has mode 644, not 600" */
void mode_describe(const struct mode_finding *finding, char *text, size_t room);

#endif
