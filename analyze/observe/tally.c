#include "observe/tally.h"

#include "observe/proof.h"

static void tally_exchange(const struct observation *o, const struct exchange *exchange,
			   int64_t after_ns, struct syn_tally *tally)
{
	bool missed = syn_is_missed(o, exchange, 0);
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->data || sent->diverted || (sent->loopback && !o->wire_is_loopback) ||
		    sent->time_ns <= after_ns)
			continue;
		if (tally->sent++ == 0 || sent->time_ns < tally->first_ns)
			tally->first_ns = sent->time_ns;
		if (missed && o->now_ns - sent->time_ns >= ANSWER_PATIENCE) {
			tally->ripe++;
			if (sent->time_ns > tally->last_ripe_ns)
				tally->last_ripe_ns = sent->time_ns;
		}
		/* Where a connection followed nevertheless, the reset was another's, and the
		 * SYN-ACK behind it is the answer of whom the SYN was for. */
		bool forestalled = sent->reply == REPLY_RESET && exchange->connection != NULL;
		enum reply reply = forestalled ? REPLY_SYN_ACK : sent->reply;
		if (tally->example[reply] == NULL)
			tally->example[reply] = sent;
	}
}

static struct syn_tally tally_purpose(const struct observation *o, enum purpose purpose,
				      int64_t after_ns)
{
	struct syn_tally tally = { 0 };
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, purpose, &i)) != NULL;)
		tally_exchange(o, exchange, after_ns, &tally);
	return tally;
}

struct syn_tally tally_syns(const struct observation *o)
{
	return tally_purpose(o, PURPOSE_SSH, INT64_MIN);
}

struct syn_tally tally_syns_after(const struct observation *o, int64_t time_ns)
{
	return tally_purpose(o, PURPOSE_SSH, time_ns);
}

struct syn_tally tally_unmarked(const struct observation *o)
{
	return tally_purpose(o, PURPOSE_UNMARKED, INT64_MIN);
}

const struct sent *tally_answered(const struct syn_tally *unmarked, bool refuses)
{
	const struct sent *syn_ack = unmarked->example[REPLY_SYN_ACK];
	return syn_ack != NULL || refuses ? syn_ack : unmarked->example[REPLY_RESET];
}

bool tally_is_silent(const struct observation *o, const struct syn_tally *tally)
{
	return !o->frames_lost && tally->ripe >= SILENCE_SYNS &&
	       tally->last_ripe_ns - tally->first_ns >= SILENCE_SPAN;
}

void tally_packets(const struct observation *o, struct fact *fact, enum reply reply)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++)
			if (exchange->sent[n].reply == reply && !exchange->sent[n].data &&
			    !exchange->sent[n].diverted) {
				fact_packet(fact, exchange->sent[n].frame);
				fact_packet(fact, exchange->sent[n].reply_frame);
			}
}
