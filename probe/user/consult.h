/* consult: asks the person's own ssh what it makes of what was typed (`ssh -G`), and where that
 * stands; started and heard by the drive.
 *
 * A child does it, as the person: `Match exec` runs commands, and what comes of them is parsed. It
 * keeps what it starts on a leash (command.h), as it is on one itself (child.h), and sends values
 * of fixed size, which are checked and not believed. For root ssh runs as root without any
 * capability, and can start nothing: with a `Match exec` in root's configuration it refuses.
 */
#ifndef PROBE_USER_CONSULT_H
#define PROBE_USER_CONSULT_H

#include "sshwhy/error.h"
#include "user/person.h"
#include "user/settings.h"
#include "user/ssh_config.h"
#include "user/typed.h"

enum consult_outcome {
	CONSULT_TOLD,
	CONSULT_ABSENT,	 /* there is no ssh */
	CONSULT_REFUSED, /* it ends with an error; `words` says which */
	CONSULT_SILENT,	 /* it did not answer in time */
	CONSULT_FAILED,	 /* there was nobody who could ask it; `words` says why */
	CONSULT_STOPPED, /* waiting was broken off */
};

#define QUOTE_MAX 640

struct consulted {
	enum consult_outcome outcome;
	struct settings target; /* of what was typed; assumed, where ssh has not told */
	/* Of what this machine itself connects to: the first of the jump hosts, else the target. */
	struct settings settings;
	bool by_jump;	 /* they differ */
	char words[512]; /* not escaped */
	/* which option or line sets it: "/home/a/.ssh/config:3: Port 2222"; "": none that is found
	 */
	char quote[CONFIG_KEYWORD_COUNT][QUOTE_MAX];
	char unread[448]; /* a file that could not be read for want of something, and why */
};

struct consultation;

/* Forks. NULL: there is no process for it. Both must live as long as the consultation. */
struct consultation *consult_start(const struct typed *typed, const struct person *person,
				   struct error *error);

/* Waits for the answer, `patience_ms` at most, and until the descriptor `stop` (-1: none) becomes
 * readable; ends the consultation. NULL is fine: CONSULT_FAILED. */
void consult_end(struct consultation *consultation, const struct typed *typed,
		 const struct person *person, int patience_ms, int stop,
		 struct consulted *consulted);

#endif
