/* ring: the files of `watch -w`: so many, each of a bounded size, the oldest overwritten; used by
 * watch.c.
 *
 * FILE.pcapng with three files becomes FILE-0.pcapng, FILE-1.pcapng and FILE-2.pcapng. All are
 * opened while there is privilege, and changed only when the watch begins. From then on each is a
 * capture by itself at any moment, which ends where a frame ends, whatever becomes of the process.
 */
#ifndef CLI_RING_H
#define CLI_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "sshwhy/error.h"
#include "sshwhy/frame.h"

#define RING_FILES_MAX 64

struct ring;

/* NULL after filling `error` (EXIT_CANNOT_WRITE): then nothing has changed. One file keeps its
 * name. A FIFO takes all that comes. */
struct ring *ring_open(const char *path, unsigned files, uint64_t bytes_each, const char *interface,
		       struct error *error);
/* Begins all of them anew. */
void ring_start(struct ring *ring, uint32_t link);
void ring_frame(struct ring *ring, const struct frame *frame);
/* False after filling `error` when a write failed. Frees; NULL is fine. */
bool ring_close(struct ring *ring, struct error *error);
/* Instead, before it has started: files that were made are removed. */
void ring_abandon(struct ring *ring);

#endif
