/* Do SYNs pass that lack what ssh marks its own with, where those come to nothing?
 *
 * OpenSSH sets the DSCP (IPQoS) before it connects, and the kernel may offer ECN; networks are
 * known that drop or refuse what has either. */
#include <string.h>

#include "observe/asked.h"
#include "observe/loss.h"
#include "observe/tally.h"

#define DSCP(tos) ((tos) >> 2)

/* The line of ssh's configuration, or the option, that says so; "": none does. */
static const char *describe_setting(const struct observation *o)
{
	const struct event *event;
	for (size_t i = 0; (event = find_event(o->run, EVENT_SETTING, &i)) != NULL;)
		if (strcmp(event->detail, "ipqos") == 0)
			return arena_format(o->arena, " (%s)", event->text);
	return "";
}

/* "DSCP 4 by IPQoS lowdelay throughput and ECN", say. */
static const char *describe_marks(const struct observation *o, const struct sent *marked)
{
	size_t i = 0;
	const struct event *mark = find_event(o->run, EVENT_MARK, &i);
	const char *dscp = "";
	if (DSCP(marked->tos) != 0)
		dscp = arena_format(o->arena, "DSCP %u%s%s%s", DSCP(marked->tos),
				    mark != NULL ? " by IPQoS " : "",
				    mark != NULL ? mark->text : "", describe_setting(o));
	return arena_format(o->arena, "%s%s%s", dscp, *dscp && marked->ecn ? " and " : "",
			    marked->ecn ? "ECN" : "");
}

/* TTLs of routers that quote the DSCP: the farthest that has it as it was sent, the nearest that
 * has another; 0: none. */
struct quotes {
	uint8_t same, altered, now; /* now: what it is then */
};

static void read_quote(const struct sent *sent, struct quotes *quotes)
{
	if (sent->reply != REPLY_EXCEEDED || sent->quoted.source.family == 0 || sent->data)
		return;
	if (DSCP(sent->quoted.tos) == DSCP(sent->tos)) {
		if (sent->ttl > quotes->same)
			quotes->same = sent->ttl;
	} else if (quotes->altered == 0 || sent->ttl < quotes->altered) {
		quotes->altered = sent->ttl;
		quotes->now = DSCP(sent->quoted.tos);
	}
}

/* Where the mark is changed, or how far it is known to come: what takes offence at it stands
 * behind. */
static const char *describe_quotes(const struct observation *o, const struct sent *marked)
{
	struct quotes quotes = { 0 };
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SWEEP, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++)
			read_quote(&exchange->sent[n], &quotes);
	if (DSCP(marked->tos) == 0)
		return "";
	if (quotes.altered > quotes.same)
		return arena_format(o->arena, "; from hop %u on routers quote DSCP %u instead",
				    quotes.altered, quotes.now);
	if (quotes.same == 0)
		return "";
	return arena_format(o->arena, "; routers quote the DSCP as it was sent up to hop %u",
			    quotes.same);
}

static const struct sent *refused(const struct syn_tally *tally)
{
	const struct sent *reset = tally->example[REPLY_RESET];
	return reset != NULL ? reset : tally->example[REPLY_UNREACHABLE];
}

static void unmarked_packets(const struct observation *o, struct fact *fact)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_UNMARKED, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++) {
			fact_packet(fact, exchange->sent[n].frame);
			fact_packet(fact, exchange->sent[n].reply_frame);
		}
}

static void judge_passing(struct observation *o, const struct syn_tally *marked,
			  const struct sent *answered)
{
	const struct sent *refusal = refused(marked);
	const struct sent *example = refusal != NULL ? refusal : marked->example[REPLY_NONE];
	unmarked_packets(
		o,
		fact_set(o,
			 refusal != NULL ? ANSWER_UNMARKED_NOT_REFUSED : ANSWER_UNMARKED_NOT_SILENT,
			 "SYNs to port %u that are marked as ssh marks them (%s) %s; without that "
			 "they are answered with %s after %.1f ms%s",
			 o->run->port, describe_marks(o, example),
			 refusal != NULL ? "are refused" : "meet silence",
			 answered->reply == REPLY_RESET ? "a reset" : "SYN-ACK",
			 (double)(answered->reply_ns - answered->time_ns) / 1e6,
			 describe_quotes(o, example)));
}

static void judge_same(struct observation *o, const struct syn_tally *marked,
		       const struct syn_tally *unmarked)
{
	const struct sent *refusal = refused(marked);
	const struct sent *example = refusal != NULL ? refusal : marked->example[REPLY_NONE];
	bool silent = refused(unmarked) == NULL;
	struct fact *fact =
		fact_set(o, ANSWER_UNMARKED_SAME, "SYNs to port %u without ssh's marks (%s) %s",
			 o->run->port, describe_marks(o, example),
			 silent ? "draw nothing either" : "are refused as well");
	unmarked_packets(o, fact);
	if (silent)
		fact_accident(fact,
			      refusal != NULL ? ANSWER_UNMARKED_NOT_REFUSED
					      : ANSWER_UNMARKED_NOT_SILENT,
			      far_end_accident(&o->facts->paths, unmarked->ripe));
}

void observe_unmarked(struct observation *o)
{
	struct syn_tally marked = tally_syns(o), unmarked = tally_unmarked(o);
	enum answer syn = fact_answer(o->facts, QUESTION_SYN);
	bool refuses = refused(&marked) != NULL;
	const struct sent *answered = tally_answered(&unmarked, refuses);
	if (unmarked.sent == 0 || syn == ANSWER_NONE || syn == ANSWER_SYN_SYN_ACK ||
	    (!refuses && syn != ANSWER_SYN_SILENT))
		return;
	if (answered != NULL)
		judge_passing(o, &marked, answered);
	else if (refused(&unmarked) != NULL || (unmarked.ripe > 0 && !o->frames_lost))
		judge_same(o, &marked, &unmarked);
}
