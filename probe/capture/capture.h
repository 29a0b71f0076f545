/* capture: live libpcap, the only file that knows it; used by the wire of drive/ and by `sshwhy
 * watch`.
 *
 * Non-blocking, immediate mode, snaplen large enough for a KEX packet after
 * segmentation offload. Open before privilege is dropped; read after.
 */
#ifndef PROBE_CAPTURE_H
#define PROBE_CAPTURE_H

#include <stddef.h>

#include "sshwhy/error.h"
#include "sshwhy/frame.h"

struct capture;

/* BPF filters for frames without and with a VLAN tag. The kernel takes the tag off what comes in,
 * and off most of what goes out, before it is captured: `tagged` is for what is left. */
struct capture_filter {
	const char *plain, *tagged;
};

/* For watching a busy interface: a ring of 8 MiB, and frames in batches, a tenth of a second
 * late at most. */
struct capture *capture_open_busy(const char *interface, const struct capture_filter *filter,
				  struct error *error);
void capture_close(struct capture *capture);

/* Opens several at once, each on `interface`. `index` becomes frame->interface. EXIT_UNAVAILABLE or
 * EXIT_NOT_PERMITTED on failure. Each waits some 15 ms for the kernel, together they wait once. */
struct capture_wish {
	const char *interface;
	uint32_t index;
	struct capture *capture; /* out: NULL when it failed, `error` says why */
	struct error error;
};
void capture_open_all(struct capture_wish *wishes, size_t count,
		      const struct capture_filter *filter);

int capture_fd(const struct capture *capture);	      /* becomes readable with frames */
uint32_t capture_link(const struct capture *capture); /* enum link_type */

#define CAPTURE_ROUNDS 3 /* so many calls read all that waits */

/* Calls `take` for every frame that waits now, if they are not many more than usual; returns how
 * many, -1 on error (interface gone: error EXIT_UNAVAILABLE). The frame's bytes are borrowed. */
int capture_read(struct capture *capture, void (*take)(void *context, const struct frame *frame),
		 void *context, struct error *error);

/* Another filter from now on, for good. Of a capture_open_busy(). */
bool capture_narrow(struct capture *capture, const struct capture_filter *filter,
		    struct error *error);

/* Frames the kernel dropped for want of buffer since capture_open(). */
uint64_t capture_dropped(struct capture *capture);

#endif
