/* What becomes of SYNs to the SSH port. */
#include "observe/asked.h"
#include "observe/loss.h"
#include "observe/tally.h"

/* A SYN of the sweep that drew such an answer; NULL none. */
static const struct sent *swept_reply(const struct observation *o, enum reply reply)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SWEEP, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++)
			if (exchange->sent[n].reply == reply && !exchange->sent[n].diverted)
				return &exchange->sent[n];
	return NULL;
}

/* Of two SYNs of one sweep that are reset one right after the other, neither found another waiting:
 * the port is closed. (An open one answers the first with SYN-ACK, resets the second, and takes the
 * third for a first again.) The first of them; NULL: there are none. */
static const struct sent *swept_resets(const struct observation *o)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SWEEP, &i)) != NULL;)
		for (unsigned n = 1; n < exchange->sent_count; n++) {
			const struct sent *sent = &exchange->sent[n - 1];
			if (sent[0].reply == REPLY_RESET && sent[1].reply == REPLY_RESET &&
			    sent[1].ttl == sent[0].ttl + 1 && !sent[0].diverted)
				return sent;
		}
	return NULL;
}

/* Destination unreachable: does the code say "forbidden", or "cannot be reached"?
 * RFC 792, RFC 1812 5.2.7.1 and RFC 4443 3.1. A port or protocol unreachable for TCP
 * is a filter's word: a closed TCP port answers with a reset. */
static bool says_forbidden(const struct sent *sent)
{
	if (sent->from.family == 6)
		return sent->icmp_code == 1 || sent->icmp_code >= 4;
	return sent->icmp_code == 2 || sent->icmp_code == 3 || sent->icmp_code == 9 ||
	       sent->icmp_code == 10 || sent->icmp_code == 13;
}

/* The router that reports has asked for the next hop's address in vain, which takes time; one that
 * knows no route says so at once. */
static bool router_gave_up(const struct observation *o)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++) {
			const struct sent *sent = &exchange->sent[n];
			bool no_address = sent->icmp_code == (sent->from.family == 6 ? 3 : 1);
			if (sent->reply == REPLY_UNREACHABLE && no_address &&
			    sent->reply_ns - sent->time_ns >= GIVING_UP)
				return true;
		}
	return false;
}

static enum answer unreachable_answer(const struct observation *o, const struct sent *sent)
{
	if (!says_forbidden(sent) && router_gave_up(o))
		return ANSWER_SYN_ROUTER_GAVE_UP;
	/* A host that names itself unreachable forbids. */
	if (address_equal(&sent->from, &o->run->address))
		return ANSWER_SYN_TARGET_UNREACHABLE;
	return says_forbidden(sent) ? ANSWER_SYN_ROUTER_PROHIBITED : ANSWER_SYN_ROUTER_UNREACHABLE;
}

#define AS_LIMITED "as under a limit of new connections (ufw limit: the sixth within 30 s)"

#define SPAN_TEXT 32

static const char *span_text(int64_t span_ns, char text[SPAN_TEXT])
{
	if (span_ns < SECONDS(2))
		snprintf(text, SPAN_TEXT, "%.0f ms", (double)span_ns / 1e6);
	else
		snprintf(text, SPAN_TEXT, "%.1f s", (double)span_ns / 1e9);
	return text;
}

/* Of this run's SYNs, the target has refused a later one than it has answered. */
static bool answered_and_then_refused(const struct observation *o, const struct syn_tally *tally)
{
	const struct sent *answered = tally->example[REPLY_SYN_ACK];
	const struct sent *refused = tally->example[REPLY_UNREACHABLE];
	return answered != NULL && refused != NULL && answered->frame != 0 &&
	       refused->time_ns > answered->reply_ns &&
	       address_equal(&refused->from, &o->run->address);
}

static bool draws_nothing(const struct observation *o, const struct syn_tally *tally)
{
	for (int reply = 0; reply < REPLIES; reply++)
		if (reply != REPLY_NONE && tally->example[reply] != NULL)
			return false;
	return tally_is_silent(o, tally) && swept_reply(o, REPLY_SYN_ACK) == NULL &&
	       swept_reply(o, REPLY_RESET) == NULL;
}

/* Of the words that the client sends meanwhile none is heard either, where packets are counted. */
static unsigned words_unheard(const struct observation *o)
{
	const struct connection *c = o->kernel != NULL ? o->kernel->connection : NULL;
	return c != NULL ? c->awaited.sent : 0;
}

/* Of this run's SYNs, one was answered, and those that came later draw nothing, by no accident. */
static bool answered_and_then_silent(const struct observation *o, const struct syn_tally *tally)
{
	const struct sent *answered = tally->example[REPLY_SYN_ACK];
	if (!o->run->planned || at_the_vm(o->run) || answered == NULL || answered->frame == 0)
		return false;
	struct syn_tally after = tally_syns_after(o, answered->reply_ns);
	return draws_nothing(o, &after) &&
	       far_end_accident(&o->facts->paths, after.ripe + words_unheard(o)) <= ACCIDENT;
}

static void cite_answered(struct fact *fact, const struct sent *answered)
{
	fact_packet(fact, answered->frame);
	fact_packet(fact, answered->reply_frame);
}

static void tell_refused_later(struct observation *o, const struct syn_tally *tally)
{
	const struct sent *answered = tally->example[REPLY_SYN_ACK];
	char later[SPAN_TEXT];
	cite_answered(
		fact_set(o, ANSWER_LATER_REJECTED,
			 "a SYN to port %u is answered, and one that comes %s later is "
			 "rejected, " AS_LIMITED,
			 o->run->port,
			 span_text(tally->example[REPLY_UNREACHABLE]->time_ns - answered->time_ns,
				   later)),
		answered);
}

static void tell_silent_later(struct observation *o, const struct syn_tally *tally)
{
	const struct sent *answered = tally->example[REPLY_SYN_ACK];
	struct syn_tally after = tally_syns_after(o, answered->reply_ns);
	char later[SPAN_TEXT];
	struct fact *fact = fact_set(
		o, ANSWER_LATER_SILENT,
		"a SYN to port %u is answered, and from %s later on %u draw nothing, " AS_LIMITED,
		o->run->port, span_text(after.first_ns - answered->time_ns, later), after.sent);
	cite_answered(fact, answered);
	tally_packets(o, fact, REPLY_NONE);
}

/* In a capture what was answered is another report's. */
static void tell_earlier(struct observation *o, const struct event *earlier)
{
	bool silent = fact_answer(o->facts, QUESTION_SYN) == ANSWER_SYN_SILENT;
	char later[SPAN_TEXT];
	fact_set(o, silent ? ANSWER_LATER_SILENT : ANSWER_LATER_REJECTED,
		 "%s to port %u stood, and %s later none does, " AS_LIMITED, earlier->text,
		 o->run->port, span_text(MILLISECONDS(earlier->value), later));
}

static void judge_limit(struct observation *o, const struct syn_tally *tally)
{
	size_t i = 0;
	const struct event *earlier = find_event(o->run, EVENT_EARLIER, &i);
	enum answer syn = fact_answer(o->facts, QUESTION_SYN);
	if (answered_and_then_refused(o, tally))
		tell_refused_later(o, tally);
	else if (earlier != NULL &&
		 (syn == ANSWER_SYN_SILENT || syn == ANSWER_SYN_TARGET_UNREACHABLE))
		tell_earlier(o, earlier);
}

static void judge_silence(struct observation *o, const struct syn_tally *tally)
{
	if (!tally_is_silent(o, tally) || at_the_vm(o->run))
		return;
	/* Of one sweep the first SYN to arrive opens a connection; the next, with another number,
	 * resets it (RFC 9293 3.10.7.4). Where SYNs that come alone draw nothing, that shows
	 * that they are answered, and what does not come back. A closed port resets them all. */
	const struct sent *reset = swept_reply(o, REPLY_RESET);
	if (reset != NULL && far_end_accident(&o->facts->paths, tally->ripe) > ACCIDENT)
		return;
	if (reset != NULL) {
		struct fact *fact =
			fact_set(o, ANSWER_SYN_UNRETURNED,
				 "%u SYNs to port %u draw no SYN-ACK, but a second one "
				 "on the same ports is reset: the first has come to the "
				 "VM, and its answer does not come back",
				 tally->sent, o->run->port);
		fact_packet(fact, reset->frame);
		fact_packet(fact, reset->reply_frame);
		return;
	}
	/* Where others without ssh's marks are answered, the marks are at fault, unless these were
	 * lost. */
	struct syn_tally unmarked = tally_unmarked(o);
	if (tally_answered(&unmarked, false) != NULL &&
	    far_end_accident(&o->facts->paths, tally->ripe) > ACCIDENT)
		return;
	tally_packets(o,
		      fact_set(o, ANSWER_SYN_SILENT, "%u SYNs to port %u in %.1f s, no answer",
			       tally->sent, o->run->port,
			       (double)(o->now_ns - tally->first_ns) / 1e9),
		      REPLY_NONE);
}

static bool same_router(const struct path *path, uint8_t one, uint8_t other)
{
	return path->hop[one].reply == REPLY_EXCEEDED && path->hop[other].reply == REPLY_EXCEEDED &&
	       address_equal(&path->hop[one].address, &path->hop[other].address);
}

/* The TTL at which two routers begin to pass SYNs to each other, to and fro; 0: none. */
static uint8_t circle_of(const struct path *path)
{
	for (uint8_t ttl = 1; ttl + 3 <= PATH_TTL_MAX; ttl++)
		if (same_router(path, ttl, (uint8_t)(ttl + 2)) &&
		    same_router(path, (uint8_t)(ttl + 1), (uint8_t)(ttl + 3)) &&
		    !same_router(path, ttl, (uint8_t)(ttl + 1)))
			return ttl;
	return 0;
}

static void judge_circle(struct observation *o, uint8_t ttl)
{
	const struct path *path = &o->facts->paths.ssh;
	char one[ADDRESS_TEXT], other[ADDRESS_TEXT];
	struct fact *fact =
		fact_set(o, ANSWER_SYN_CIRCLES,
			 "SYNs to port %u go to and fro between %s and %s, from hop %u on",
			 o->run->port, address_text(&path->hop[ttl].address, one),
			 address_text(&path->hop[ttl + 1].address, other), ttl);
	for (uint8_t t = ttl; t < ttl + 4; t++)
		fact_packet(fact, path->hop[t].reply_frame);
}

void observe_syn(struct observation *o)
{
	struct syn_tally tally = tally_syns(o);
	if (tally.sent == 0)
		return;
	/* A SYN-ACK that is lost between this capture and the client says nothing of the way
	 * between the VM and the capture, which is what this question is about. */
	if (fact_answer(o->facts, QUESTION_BACK) == ANSWER_BACK_LOST && !at_the_vm(o->run))
		return;
	/* The sweep's SYNs go to the same port: where one of them is answered with SYN-ACK, those
	 * with the full TTL were lost. */
	if (tally.example[REPLY_SYN_ACK] == NULL && tally.example[REPLY_RESET] == NULL)
		tally.example[REPLY_SYN_ACK] = swept_reply(o, REPLY_SYN_ACK);
	if (tally.example[REPLY_SYN_ACK] == NULL && tally.example[REPLY_RESET] == NULL)
		tally.example[REPLY_RESET] = swept_resets(o);
	bool answered = tally.example[REPLY_SYN_ACK] || tally.example[REPLY_RESET] ||
			tally.example[REPLY_UNREACHABLE];
	if (at_the_vm(o->run) && answered) /* that is what has ARRIVED there meets */
		return;
	/* It is neither answered nor silent: `later` alone tells what it is. */
	if (answered_and_then_silent(o, &tally)) {
		tell_silent_later(o, &tally);
		return;
	}
	const struct sent *sent = tally.example[REPLY_SYN_ACK];
	char from[ADDRESS_TEXT];
	if (answered_and_then_refused(o, &tally))
		sent = NULL;
	if (sent != NULL && sent->frame == 0) {
		fact_set(o, ANSWER_SYN_SYN_ACK,
			 "the connection to port %u stands when the capture begins", o->run->port);
	} else if (sent != NULL) {
		tally_packets(o,
			      fact_set(o, ANSWER_SYN_SYN_ACK,
				       "SYNs to port %u are answered with SYN-ACK after %.1f ms",
				       o->run->port,
				       (double)(sent->reply_ns - sent->time_ns) / 1e6),
			      REPLY_SYN_ACK);
	} else if ((sent = tally.example[REPLY_RESET]) != NULL &&
		   !answered_and_then_refused(o, &tally)) {
		struct fact *fact =
			fact_set(o, ANSWER_SYN_RESET,
				 "SYNs to port %u are answered with a reset after %.1f ms",
				 o->run->port, (double)(sent->reply_ns - sent->time_ns) / 1e6);
		tally_packets(o, fact, REPLY_RESET);
		fact_packet(fact, sent->frame);
		fact_packet(fact, sent->reply_frame);
	} else if ((sent = tally.example[REPLY_UNREACHABLE]) != NULL) {
		tally_packets(o,
			      fact_set(o, unreachable_answer(o, sent),
				       "%s answers SYNs to port %u with ICMP unreachable (type %u "
				       "code %u)",
				       address_text(&sent->from, from), o->run->port,
				       sent->icmp_type, sent->icmp_code),
			      REPLY_UNREACHABLE);
	} else if ((sent = tally.example[REPLY_EXCEEDED]) != NULL) {
		tally_packets(o,
			      fact_set(o, ANSWER_SYN_CIRCLES,
				       "%s reports that SYNs to port %u with TTL %u expire there: "
				       "they go round in circles",
				       address_text(&sent->from, from), o->run->port, sent->ttl),
			      REPLY_EXCEEDED);
	} else if (circle_of(&o->facts->paths.ssh) != 0) {
		judge_circle(o, circle_of(&o->facts->paths.ssh));
	} else {
		judge_silence(o, &tally);
	}
	judge_limit(o, &tally);
}
