/* A TCP connection over the loopback interface, at whose end a test plays or starts an SSH server.
 */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "handshake/handshake.h"

#define MILLISECOND INT64_C(1000000)
/* A text without its end, and its length. */
#define BYTES(text) text, sizeof(text) - 1

struct link {
	int client, server;
};

struct link connect_link(void);

void reset_server(struct link *link);

/* Steps at the time `now_ns` until nothing happens for a while. */
void settle(struct handshake *handshake, struct link *link, int64_t now_ns);

/* The next descriptor that the process would get: none may be lost or closed twice. */
int next_descriptor(void);

#endif
