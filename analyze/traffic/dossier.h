/* dossier: what is written down of one conversation, and all that its report needs; made by
 * settle.c, read by joint, which keeps it.
 *
 * It is made when the conversation settles; its recordings lie in a pool that somebody else
 * holds.
 */
#ifndef TRAFFIC_DOSSIER_H
#define TRAFFIC_DOSSIER_H

#include "sshwhy/traffic.h"
#include "traffic/place.h"
#include "traffic/table.h"

struct dossier {
	struct conversation conversation;
	struct attempt attempts[ATTEMPTS_KEPT]; /* newest first */
	unsigned attempt_count;
	const struct pool *pool; /* where their recordings are */
	enum event_word place;	 /* WORD_NONE: the vantage point was given */
	char place_text[PLACE_TEXT];
	enum vantage vantage;
	const char *interface;
	const struct traffic_keys *keys; /* NULL: nobody knows any */
	uint64_t lost, forgotten;	 /* of the whole capture, up to now */
	int64_t now_ns;
	bool hurried; /* it might have gone on */
};

/* Gives the report, or those in a row that are needed to tell something. `payload`: room for
 * KEPT_PAYLOAD_MAX bytes. */
void dossier_report(const struct dossier *dossier, const struct report_options *options,
		    uint8_t *payload, traffic_settled *settled, void *context);

/* The run that the rest of the analysis knows: the caller frees it. */
void dossier_run(const struct dossier *dossier, struct run *run);
/* What attempt `first`, and those before it that ended alike, consist of. Returns the number
 * of the first that did not. */
size_t dossier_track(const struct dossier *dossier, size_t first, uint8_t *payload,
		     struct track *track, struct run *run);

/* A side acknowledges what the capture has not shown, or goes on without an answer: then
 * packets are missing here, not on the wire. */
bool attempt_lacks_packets(const struct attempt *attempt);

#endif
