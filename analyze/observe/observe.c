/* The conductor: who is asked, in which order. Nothing else in the program calls an
 * observe_...(). */
#include <string.h>

#include "observe/asked.h"
#include "observe/path.h"

static void (*const order[])(struct observation *o) = {
#define ASK(function) function,
#include "observe/order.def"
};

void observe(const struct track *track, int64_t now_ns, struct arena *arena, struct facts *facts)
{
	const struct run *run = track->run;
	memset(facts->fact, 0, sizeof(facts->fact));
	struct observation observation = {
		.track = track,
		.run = run,
		.arena = arena,
		.facts = facts,
		.now_ns = now_ns,
		.kernel = kernel_exchange(track),
		.has_edge = path_has_edge(run),
		.target_inside = path_inside(run, &run->address),
		/* somebody else's capture is of what it shows */
		.wire_is_loopback = !run->planned ||
				    (run->interface != NULL && strcmp(run->interface, "lo") == 0),
		.frames_lost = capture_lost_frames(run) || track->kept.refused > 0,
	};
	paths_build(track, now_ns, &facts->paths);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		order[i](&observation);
}
