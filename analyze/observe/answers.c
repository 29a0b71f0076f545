/* What becomes of SYNs to the SSH port, and to others of the VM. */
#include <stdio.h>
#include <string.h>

#include "observe/observation.h"
#include "observe/path.h"

/* -- syn ------------------------------------------------------------------------ */

/* SYNs with the full TTL to the SSH port that reached the wire: what became of them. */
struct tally {
	unsigned sent; /* of those, with time enough for an answer: */
	unsigned ripe;
	int64_t first_ns, last_ripe_ns;
	const struct sent *example[REPLIES];
};

static void tally_exchange(const struct observation *o, const struct exchange *exchange,
			   struct tally *tally)
{
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->data || sent->diverted || (sent->loopback && !o->wire_is_loopback))
			continue;
		if (tally->sent++ == 0 || sent->time_ns < tally->first_ns)
			tally->first_ns = sent->time_ns;
		if (o->now_ns - sent->time_ns >= ANSWER_PATIENCE) {
			tally->ripe++;
			if (sent->time_ns > tally->last_ripe_ns)
				tally->last_ripe_ns = sent->time_ns;
		}
		/* Behind a reset that came first, the SYN-ACK is who the SYN was for. */
		bool forestalled = sent->reply == REPLY_RESET && exchange->connection != NULL;
		enum reply reply = forestalled ? REPLY_SYN_ACK : sent->reply;
		if (tally->example[reply] == NULL)
			tally->example[reply] = sent;
	}
}

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

static void tally_packets(const struct observation *o, struct fact *fact, enum reply reply)
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

/* One that has asked for the next hop's address in vain, not one that knows no route. */
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

static void observe_silence(struct observation *o, const struct tally *tally)
{
	if (o->frames_lost || tally->ripe < SILENCE_SYNS ||
	    tally->last_ripe_ns - tally->first_ns < SILENCE_SPAN)
		return;
	if (at_the_vm(o->run)) {
		observe_arrived_silence(o, tally->sent,
					(double)(o->now_ns - tally->first_ns) / 1e9);
		return;
	}
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

static void observe_circle(struct observation *o, uint8_t ttl)
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

static void observe_syn(struct observation *o)
{
	struct tally tally = { 0 };
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		tally_exchange(o, exchange, &tally);
	if (tally.sent == 0)
		return;
	/* An answer that is lost behind this place says nothing of the way that it went. */
	if (fact_answer(o->facts, QUESTION_BACK) == ANSWER_BACK_LOST && !at_the_vm(o->run))
		return;
	/* One to this port with a small TTL is one to this port: the others were lost. */
	if (tally.example[REPLY_SYN_ACK] == NULL && tally.example[REPLY_RESET] == NULL)
		tally.example[REPLY_SYN_ACK] = swept_reply(o, REPLY_SYN_ACK);
	bool answered = tally.example[REPLY_SYN_ACK] || tally.example[REPLY_RESET] ||
			tally.example[REPLY_UNREACHABLE];
	if (at_the_vm(o->run) && answered) {
		observe_arrived(o);
		return;
	}
	const struct sent *sent = tally.example[REPLY_SYN_ACK];
	char from[ADDRESS_TEXT];
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
	} else if ((sent = tally.example[REPLY_RESET]) != NULL) {
		tally_packets(o,
			      fact_set(o, ANSWER_SYN_RESET,
				       "SYNs to port %u are answered with a reset after %.1f ms",
				       o->run->port,
				       (double)(sent->reply_ns - sent->time_ns) / 1e6),
			      REPLY_RESET);
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
		observe_circle(o, circle_of(&o->facts->paths.ssh));
	} else {
		observe_silence(o, &tally);
	}
}

const struct sent *syn_reply(const struct observation *o, enum reply reply)
{
	struct tally tally = { 0 };
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		tally_exchange(o, exchange, &tally);
	return tally.example[reply];
}

/* -- control, elsewhere --------------------------------------------------------- */

static bool control_answers(const struct observation *o, const struct path *path)
{
	if (path->terminal == 0 || path->hop[path->terminal].reply == REPLY_UNREACHABLE)
		return false;
	/* What the edge answers in the VM's place says nothing of the VM. */
	enum answer place = place_of(o, path->terminal, path->reply_ttl);
	return place == ANSWER_WHO_VM || place == ANSWER_WHO_LAST || place == ANSWER_WHO_BEYOND ||
	       place == ANSWER_WHO_CLOUD ||
	       (place == ANSWER_WHO_UNCLEAR && !within_edge(&o->facts->paths, path->terminal));
}

static void observe_control(struct observation *o)
{
	enum answer syn = fact_answer(o->facts, QUESTION_SYN);
	const struct paths *paths = &o->facts->paths;
	if (paths->control_count == 0 ||
	    (syn != ANSWER_SYN_SILENT && syn != ANSWER_SYN_ROUTER_PROHIBITED &&
	     syn != ANSWER_SYN_ROUTER_UNREACHABLE && syn != ANSWER_SYN_ROUTER_GAVE_UP))
		return;
	if (fact_answer(o->facts, QUESTION_WHERE) == ANSWER_WHERE_EDGE_ALL)
		return; /* that says it: no other port answers */
	char ports[64] = "";
	unsigned unreachable = 0;
	for (size_t i = 0; i < paths->control_count; i++) {
		const struct path *path = &paths->control[i];
		const struct path_hop *hop = &path->hop[path->terminal];
		if (control_answers(o, path)) {
			fact_packet(fact_set(o, ANSWER_CONTROL_ANSWERS,
					     "port %u of the same address answers with %s",
					     path->port,
					     hop->reply == REPLY_SYN_ACK ? "SYN-ACK" : "a reset"),
				    hop->reply_frame);
			return;
		}
		unreachable += path->terminal != 0 && hop->reply == REPLY_UNREACHABLE;
		size_t used = strlen(ports);
		snprintf(ports + used, sizeof(ports) - used, "%s%u", i ? ", " : "", path->port);
	}
	if (unreachable == paths->control_count)
		fact_set(o, ANSWER_CONTROL_UNREACHABLE,
			 "other ports (%s) are reported unreachable as well", ports);
	else if (syn != ANSWER_SYN_SILENT || swept(paths))
		fact_set(o, ANSWER_CONTROL_SILENT, "other ports (%s) do not answer either", ports);
}

/* Whether a port was not asked, or not often enough where more depends on it or packets are
 * lost: what did not leave draws no answer. Of an open one it is not yet known what it says. */
static bool unsure_of(const struct observation *o, const struct exchange *exchange, bool twice)
{
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->reply == REPLY_SYN_ACK && exchange->way != WAY_KERNEL)
			return o->now_ns - sent->reply_ns < VERIFIED_WITHIN;
		if (sent->reply != REPLY_NONE)
			return false;
	}
	return exchange->sent_count < (twice && exchange->way != WAY_KERNEL ? 2 : 1);
}

static bool heard_out(const struct observation *o, uint16_t port)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_ELSEWHERE, &i)) != NULL;)
		if (exchange->way == WAY_KERNEL && exchange->remote_port == port)
			return o->now_ns - exchange->opened_ns >= HEARD_OUT;
	return false;
}

/* Who listens on the VM was read there, and each who may be an SSH server was heard out. */
static void observe_listeners(struct observation *o)
{
	const struct event *event;
	char texts[400] = "";
	bool told = false;
	for (size_t i = 0; (event = find_event(o->run, EVENT_LISTENER, &i)) != NULL; told = true) {
		size_t used = strlen(texts);
		if (event->value != 0 && !heard_out(o, (uint16_t)event->value))
			return;
		snprintf(texts + used, sizeof(texts) - used, "%s%s", used > 0 ? "; " : "",
			 event->text);
	}
	if (!told)
		return;
	if (texts[0] == '\0')
		fact_set(o, ANSWER_INSTEAD_NO,
			 "no SSH server listens on another port of this machine");
	else
		fact_set(o, ANSWER_INSTEAD_NO,
			 "no SSH server answers on another port of this machine, though %s", texts);
}

static void observe_elsewhere(struct observation *o)
{
	const struct exchange *exchange;
	const struct paths *paths = &o->facts->paths;
	unsigned asked = 0, unsure = 0;
	enum answer syn = fact_answer(o->facts, QUESTION_SYN);
	bool closed = syn == ANSWER_SYN_RESET;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_ELSEWHERE, &i)) != NULL;) {
		asked += exchange->way != WAY_KERNEL;
		unsure += unsure_of(o, exchange, closed || paths->far_end.lost > 0);
		if (exchange->connection == NULL)
			continue;
		const struct ssh_side *server = &exchange->connection->dialog.side[SSH_SERVER];
		if (server->milestone < SSH_IDENTIFIED)
			continue;
		fact_packet(fact_set(o, closed ? ANSWER_INSTEAD_YES : ANSWER_ELSEWHERE_YES,
				     "SSH answers on port %u: %s", exchange->remote_port,
				     server->ident),
			    exchange->connection->server_data_frame);
		return;
	}
	/* What we hand to the loopback interface comes to nobody. */
	if (asked > 0 && unsure == 0 && !o->wire_is_loopback &&
	    (closed || syn == ANSWER_SYN_SILENT))
		fact_set(o, closed ? ANSWER_INSTEAD_NO : ANSWER_ELSEWHERE_NO,
			 "SSH does not answer on %u other usual ports", asked);
	else if (closed)
		observe_listeners(o);
}

void observe_answers(struct observation *o)
{
	observe_syn(o);
	observe_who(o);
	observe_where(o);
	observe_control(o);
	observe_elsewhere(o);
}
