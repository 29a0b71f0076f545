/* farewell: the words with which a server ends the conversation; told by farewell.c where they are
 * all that is known, and by kex.c where authentication is refused. */
#ifndef OBSERVE_FAREWELL_H
#define OBSERVE_FAREWELL_H

#include "observe/observation.h"

/* An SSH_MSG_DISCONNECT of the server's. */
struct farewell {
	const char *text; /* raw bytes; NULL: there was none */
	uint32_t reason;
	bool encrypted; /* it came when keys were in use */
};

/* "\"Too many authentication failures\" (reason 2, protocol error)"; NULL: it says nothing. */
const char *farewell_words(const struct observation *o);

/* Authentication is what it ends. */
bool takes_leave_of_user(const struct observation *o);

#endif
