/* store: the frames of the person's connection, in bounded memory; judged again and again by the
 * watcher, and saved. */
#ifndef PROBE_COMPANY_STORE_H
#define PROBE_COMPANY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sshwhy/frame.h"

#define STORE_FRAMES 2000
#define STORE_BYTES  ((size_t)2 << 20)
#define STORE_LAST   64 /* more, of those that end a connection */

struct store {
	struct frame *frames; /* number = index + 1 */
	uint32_t *flow;	      /* of each: the number of its connection */
	size_t count, bytes;
};

/* Copies the first `most` bytes of it at most; false: it is full. */
bool store_put(struct store *store, const struct frame *frame, uint32_t flow, size_t most,
	       bool last);
/* Drops the frames of a connection. */
void store_forget(struct store *store, uint32_t flow);
bool store_is_full(const struct store *store);
/* As a capture that any program reads. */
void store_save(const struct store *store, uint32_t link, FILE *out);
void store_free(struct store *store);

#endif
