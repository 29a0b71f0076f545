/* tally: the SYNs to the SSH port that were sent to arrive, and what became of them; counted
 * whenever asked for, by syn.c, who.c, unmarked.c and passive.c.
 */
#ifndef OBSERVE_TALLY_H
#define OBSERVE_TALLY_H

#include "observe/observation.h"

struct syn_tally {
	unsigned sent;
	unsigned ripe; /* of those: had time enough for an answer */
	int64_t first_ns, last_ripe_ns;
	const struct sent *example[REPLIES]; /* the first that drew such a reply; NULL: none did */
};

struct syn_tally tally_syns(const struct observation *o);
/* Of these only those that left later. */
struct syn_tally tally_syns_after(const struct observation *o, int64_t time_ns);

/* The same of SYNs that lack ssh's marks; and one of them that was answered where marked ones are
 * silent or, where `refuses`, refused. NULL: none was. */
struct syn_tally tally_unmarked(const struct observation *o);
const struct sent *tally_answered(const struct syn_tally *unmarked, bool refuses);

/* Whether enough SYNs, over a long enough time, had their time for an answer: then no answer is
 * silence (SILENCE_SYNS, SILENCE_SPAN). */
bool tally_is_silent(const struct observation *o, const struct syn_tally *tally);

/* The frames of all that drew such a reply. */
void tally_packets(const struct observation *o, struct fact *fact, enum reply reply);

#endif
