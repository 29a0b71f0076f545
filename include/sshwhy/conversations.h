/* conversations: who tried to speak SSH with whom, in somebody else's capture. */
#ifndef SSHWHY_CONVERSATIONS_H
#define SSHWHY_CONVERSATIONS_H

#include "sshwhy/run.h"

struct conversation {
	struct address client, server;
	uint16_t port;
	unsigned attempts; /* connections tried: client ports seen with a SYN or data */
};

/* Finds every (client, server, port) with a SYN to one of `ports` or to port 22, or
 * with a stream that starts with "SSH-". In order of appearance, in `arena`. */
const struct conversation *conversations_find(const struct run *run, const uint16_t *ports,
					      size_t port_count, struct arena *arena,
					      size_t *count);

/* The part of `run` that is about `conversation`. Borrows run's frames: it is not to be
 * freed, and not to be added to. */
struct run conversation_run(const struct run *run, const struct conversation *conversation,
			    struct arena *arena);

#endif
