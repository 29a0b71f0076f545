/* The conductor: who is asked, in which order. Nothing else in the program calls an
 * observe_...(). */
#include <string.h>

#include "observe/asked.h"
#include "observe/path.h"
#include "sshwhy/patience.h"

static void (*const order[])(struct observation *o) = {
#define ASK(function) function,
#include "observe/order.def"
};

/* Where packets are lost that may have kept ssh from coming to the words which only it says: all
 * that it has said until then has passed as the library's. */
static bool is_kept_back_by_loss(const struct exchange *opinion, const struct paths *paths,
				 int64_t now_ns)
{
	const struct connection *c = opinion->connection;
	return c != NULL && c->dialog.side[SSH_CLIENT].milestone < SSH_KEX &&
	       paths->far_end.lost > 0 && now_ns - opinion->opened_ns >= SPEECH_PATIENCE;
}

static const struct exchange *choose_conversation(const struct track *track,
						  const struct paths *paths, int64_t now_ns)
{
	const struct exchange *judged = track_judged(track);
	bool kept_back = judged != NULL && judged->purpose == PURPOSE_OPINION &&
			 is_kept_back_by_loss(judged, paths, now_ns);
	return kept_back ? track_library(track) : judged;
}

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
		.has_edge = path_has_edge(run),
		.target_inside = path_inside(run, &run->address),
		/* somebody else's capture is of what it shows */
		.wire_is_loopback = !run->planned ||
				    (run->interface != NULL && strcmp(run->interface, "lo") == 0),
		.frames_lost = capture_lost_frames(run) || track->kept.refused > 0,
	};
	paths_build(track, now_ns, &facts->paths);
	observation.kernel = choose_conversation(track, &facts->paths, now_ns);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		order[i](&observation);
}
