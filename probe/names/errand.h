/* errand: work without a deadline, in a thread that may be left; sent by resolve.c and names.c.
 *
 * An errand belongs to its sender and to its thread until both have let go: the sender with
 * errand_leave(), the thread when the work is done. So nobody has to wait for name servers that
 * are silent, and what the work still writes to stays there as long as it writes.
 */
#ifndef PROBE_NAMES_ERRAND_H
#define PROBE_NAMES_ERRAND_H

#include <stddef.h>

struct errand;

/* Runs `work` on a copy of the `size` bytes of `parcel`: question and answer in one. NULL: no
 * memory, descriptor or thread is left; nothing was begun. */
struct errand *errand_send(void (*work)(void *parcel), const void *parcel, size_t size);

/* Waits until the work is done: 0; ETIMEDOUT after `timeout_ms`; EINTR at once when the
 * descriptor `stop` (-1: none) becomes readable. */
int errand_wait(struct errand *errand, int timeout_ms, int stop);

/* The parcel, the work's result in it: the sender's until errand_leave(). Only after
 * errand_wait() gave 0. */
const void *errand_parcel(const struct errand *errand);

void errand_leave(struct errand *errand); /* NULL is fine */

#endif
