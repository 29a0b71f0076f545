/* ring: the files of `watch -w`: so many, each of a bounded size, the oldest overwritten; used by
 * watch.c.
 *
 * All are opened while there is privilege. FILE.pcapng with three files becomes
 * FILE-0.pcapng, FILE-1.pcapng and FILE-2.pcapng; each is whole by itself.
 */
#ifndef CLI_RING_H
#define CLI_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "sshwhy/error.h"
#include "sshwhy/frame.h"

#define RING_FILES_MAX 64

struct ring;

/* NULL after filling `error` (EXIT_CANNOT_WRITE). One file keeps its name. */
struct ring *ring_open(const char *path, unsigned files, uint64_t bytes_each, const char *interface,
		       struct error *error);
/* Starts the first file: once the link type is known. */
void ring_start(struct ring *ring, uint32_t link);
void ring_frame(struct ring *ring, const struct frame *frame);
/* False after filling `error` when a write failed. Frees; NULL is fine. */
bool ring_close(struct ring *ring, struct error *error);

#endif
