/* agent: the person's SSH agent, asked what it holds, and a go-between that shows of it what is to
 * be offered; used by keys.c.
 *
 * ssh offers an agent's keys one by one, in an order of its own and some of them not at all
 * (IdentitiesOnly); libssh offers whatever the agent it is given lists. So it is given a
 * go-between: a process that lists what it was told to, hands requests for signatures on to the
 * agent, and does nothing else. It is on a leash (child.h).
 */
#ifndef PROBE_USER_AGENT_H
#define PROBE_USER_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/child.h"

#define AGENT_KEYS_MAX	  64 /* more are not looked at */
#define AGENT_MESSAGE_MAX ((size_t)256 * 1024)

struct agent_key {
	const uint8_t *blob; /* the public key */
	size_t length;
	char comment[128]; /* not escaped */
};

/* What an agent holds, in its order. The keys point into `answer`. */
struct agent_list {
	uint8_t *answer;
	struct agent_key key[AGENT_KEYS_MAX];
	size_t count;
};

/* Asks the agent at `path`, with the caller's rights; false when it does not answer within
 * seconds. agent_forget() frees what came. */
bool agent_ask(const char *path, struct agent_list *list);
void agent_forget(struct agent_list *list);

/* Starts the go-between, which shows `count` of the keys, in this order; `fd` leads to it, and is
 * the caller's. */
bool agent_show(const char *path, const struct agent_key *const *keys, size_t count,
		struct child *child, int *fd);

#endif
