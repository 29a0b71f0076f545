/* What each frame of a run is, for those who open it in Wireshark. */
#include <stdio.h>

#include "sshwhy/exchange.h"
#include "sshwhy/saved.h"

static void append(struct arena *arena, const char **comment, const char *text)
{
	*comment = *comment == NULL ? text : arena_format(arena, "%s; %s", *comment, text);
}

static const char *describe_probe(struct arena *arena, const struct exchange *exchange,
				  const struct sent *sent)
{
	return arena_format(arena, "probe: %s, %s, to port %u, TTL %u",
			    purpose_names[exchange->purpose], way_names[exchange->way],
			    sent->destination_port, sent->ttl);
}

static const char *describe_reply(struct arena *arena, const struct sent *sent)
{
	return arena_format(arena, "answers the probe in frame %llu (TTL %u)",
			    (unsigned long long)sent->frame, sent->ttl);
}

static void comment_probes(const struct track *track, const char **comments, struct arena *arena)
{
	for (size_t i = 0; i < track->count; i++) {
		const struct exchange *exchange = track->exchanges[i];
		for (unsigned n = 0; n < exchange->sent_count; n++) {
			const struct sent *sent = &exchange->sent[n];
			append(arena, &comments[sent->frame - 1],
			       describe_probe(arena, exchange, sent));
			if (sent->reply_frame != 0)
				append(arena, &comments[sent->reply_frame - 1],
				       describe_reply(arena, sent));
		}
	}
}

const char *const *run_comments(const struct run *run, const struct report *report,
				struct arena *arena)
{
	const char **comments = arena_alloc(arena, (run->frame_count + 1) * sizeof(*comments));
	struct track track;
	track_start(&track, run, arena);
	track_run(&track);
	comment_probes(&track, comments, arena);
	for (size_t i = 0; i < report->evidence_count; i++) {
		const struct report_evidence *row = &report->evidence[i];
		for (size_t n = 0; n < row->packet_count; n++)
			if (row->packets[n] >= 1 && row->packets[n] <= run->frame_count)
				append(arena, &comments[row->packets[n] - 1],
				       arena_format(arena, "evidence: %s", row->fact));
	}
	return comments;
}
