/* keys: the agent, and the private keys that ssh tries by itself; found by the machine, offered by
 * the handshake.
 *
 * They are read while their owner's rights are held.
 * What is read is secret: it stays in memory until keys_close(), which wipes it.
 */
#ifndef PROBE_USER_KEYS_H
#define PROBE_USER_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#define KEYS_MAX 3 /* id_ed25519, id_ecdsa, id_rsa */

struct keys {
	char *text[KEYS_MAX]; /* each file as it is, terminated */
	size_t count;
	bool has_agent;
	int agent; /* a connection to it */
};

/* Those of ~/.ssh that can be read, and the agent of $SSH_AUTH_SOCK; with the owner's rights. */
void keys_read(const char *home, struct keys *keys);
void keys_close(struct keys *keys);

#endif
