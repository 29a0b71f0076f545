/* What the network does with SYNs: the answer, who gives it, where silence begins. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "observe/observation.h"
#include "observe/path.h"

/* Silence is believed after this many SYNs over this long, each with time for an answer. */
#define SILENCE_SYNS   3
#define SILENCE_SPAN   MILLISECONDS(1500)
#define SILENCE_WAITED MILLISECONDS(600)

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
		if (o->now_ns - sent->time_ns >= SILENCE_WAITED) {
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

/* A router that knows no route says so at once; one that asks for the next hop's address
 * in vain holds the SYN back for seconds (RFC 4861 7.2.2; Linux does the same with ARP). */
#define GIVING_UP MILLISECONDS(800)

static bool gave_up(const struct observation *o)
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
	if (!says_forbidden(sent) && gave_up(o))
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
	if (reset != NULL && paths_accident(&o->facts->paths, PATH_TTL_MAX, tally->ripe) > ACCIDENT)
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
	struct fact *fact = fact_set(o, ANSWER_SYN_CIRCLES,
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

/* -- who ------------------------------------------------------------------------ */

static bool beyond_seen_before(const struct paths *paths, uint8_t ttl)
{
	return paths->beyond != 0 && paths->beyond < ttl;
}

/* A box that forges answers forges the same for every port; a host has open and
 * closed ones. */
static bool answers_at(const struct paths *paths, const struct path *path, enum reply reply)
{
	return path->terminal != 0 && path->terminal == paths->distance &&
	       path->hop[path->terminal].reply == reply;
}

static bool looks_like_a_host(const struct paths *paths)
{
	bool syn_ack = answers_at(paths, &paths->ssh, REPLY_SYN_ACK);
	bool reset = answers_at(paths, &paths->ssh, REPLY_RESET);
	for (size_t i = 0; i < paths->control_count; i++) {
		syn_ack |= answers_at(paths, &paths->control[i], REPLY_SYN_ACK);
		reset |= answers_at(paths, &paths->control[i], REPLY_RESET);
	}
	return syn_ack && reset;
}

/* Whether what happens at TTL `ttl` can be the doing of the organisation's last
 * device. One that forwards looks at the TTL first and filters after: it shows at
 * its own TTL or one later. */
static bool within_edge(const struct paths *paths, uint8_t ttl)
{
	return paths->edge != 0 && ttl <= paths->edge + 1;
}

static bool perhaps_within_edge(const struct paths *paths, uint8_t ttl)
{
	return paths->edge_far != 0 && ttl <= paths->edge_far + 1;
}

/* Whether an answer drawn by TTL `ttl` comes from nearer than the VM. */
enum nearness { NOT_NEARER, PERHAPS_NEARER, NEARER };

/* One hop of difference may be another way's: flows are spread over ways of unequal length. */
#define HOPS_ENOUGH 2

/* Against `path`, answered from farther away as far as is known. One lost SYN makes an
 * answer look a hop farther away; the TTLs of the answers themselves tell too, when they
 * agree: equal ones come from one place, however the SYNs arrived. */
static enum nearness nearer_than(const struct paths *paths, const struct path *path, uint8_t ttl,
				 uint8_t reply_ttl)
{
	unsigned silences = 0;
	if (path->terminal == 0 || path->hop[path->terminal].reply == REPLY_UNREACHABLE ||
	    (reply_ttl != 0 && reply_ttl == path->reply_ttl))
		return NOT_NEARER;
	bool replies_too = reply_ttl != 0 && path->reply_ttl != 0 &&
			   hops_away(reply_ttl) + HOPS_ENOUGH <= hops_away(path->reply_ttl);
	if (path->terminal <= ttl)
		return replies_too ? PERHAPS_NEARER : NOT_NEARER;
	for (uint8_t t = ttl; t < path->terminal; t++)
		silences += path->hop[t].silences;
	bool lost = silences == 0 || paths_accident(paths, ttl, silences) > ACCIDENT;
	/* With other initial TTLs, but over as many hops: that many SYNs were lost, rather. */
	bool equally_far = reply_ttl != 0 && path->reply_ttl != 0 &&
			   hops_away(reply_ttl) == hops_away(path->reply_ttl);
	if (path->terminal - ttl < HOPS_ENOUGH || (lost && !replies_too) || equally_far)
		return PERHAPS_NEARER;
	return NEARER;
}

static enum nearness nearness_of(const struct paths *paths, uint8_t ttl, uint8_t reply_ttl)
{
	enum nearness nearness = nearer_than(paths, &paths->ssh, ttl, reply_ttl);
	if (paths->farthest > ttl)
		return NEARER;
	if (paths->farthest == ttl && nearness == NOT_NEARER)
		nearness = PERHAPS_NEARER;
	for (size_t i = 0; i < paths->control_count; i++) {
		enum nearness n = nearer_than(paths, &paths->control[i], ttl, reply_ttl);
		nearness = n > nearness ? n : nearness;
	}
	return nearness;
}

static bool another_answers_at(const struct paths *paths, uint8_t ttl)
{
	for (size_t i = 0; i < paths->control_count; i++)
		if (paths->control[i].terminal == ttl)
			return true;
	return false;
}

/* A router outside answered for this very port before the answer came: who stands at the
 * edge has let it pass. */
static bool passes_the_edge(const struct paths *paths, uint8_t ttl)
{
	return paths->edge == 0 ||
	       (paths->ssh.last_router > paths->edge_far + 1 && paths->ssh.last_router < ttl);
}

/* The closed port among the controls answers like the others: nobody has all ports open. */
static bool every_port_is_open(const struct paths *paths, uint8_t ttl)
{
	unsigned open = 0;
	for (size_t i = 0; i < paths->control_count; i++)
		open += paths->control[i].terminal == ttl &&
			paths->control[i].hop[ttl].reply == REPLY_SYN_ACK;
	return open == paths->control_count && open >= 3;
}

enum answer place_of(const struct observation *o, uint8_t ttl, uint8_t reply_ttl)
{
	const struct paths *paths = &o->facts->paths;
	bool inside = within_edge(paths, ttl), perhaps_inside = perhaps_within_edge(paths, ttl);
	enum nearness nearness = nearness_of(paths, ttl, reply_ttl);
	if (paths->cloud != 0 && paths->cloud < ttl)
		return nearness == NOT_NEARER && looks_like_a_host(paths) ? ANSWER_WHO_VM
									  : ANSWER_WHO_CLOUD;
	if (nearness == NEARER)
		return perhaps_inside ? ANSWER_WHO_INSIDE : ANSWER_WHO_BETWEEN;
	if (nearness == PERHAPS_NEARER && inside && paths->farthest >= ttl)
		return ANSWER_WHO_INSIDE;
	if (nearness == PERHAPS_NEARER)
		return passes_the_edge(paths, ttl) ? ANSWER_WHO_BEYOND : ANSWER_WHO_UNCLEAR;
	if (looks_like_a_host(paths))
		return ANSWER_WHO_VM;
	if (beyond_seen_before(paths, ttl) || !perhaps_inside || o->target_inside)
		return ANSWER_WHO_LAST;
	/* No hop outside the organisation comes before the answer: a VM in a cloud is not so
	 * near, unless nothing else that answers is farther; or none of these routers with
	 * private addresses is known to be the organisation's. */
	bool last = another_answers_at(paths, ttl) && !every_port_is_open(paths, ttl);
	return last || !inside ? ANSWER_WHO_UNCLEAR : ANSWER_WHO_INSIDE;
}

static void path_packets(struct fact *fact, const struct path *path)
{
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX; ttl++)
		if (path->hop[ttl].reply != REPLY_NONE)
			fact_packet(fact, path->hop[ttl].reply_frame);
}

/* A TTL that no router has lessened. */
static bool undiminished(uint8_t ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

static bool others_are_undiminished(const struct paths *paths)
{
	for (size_t i = 0; i < paths->control_count; i++)
		if (undiminished(paths->control[i].reply_ttl))
			return true;
	return false;
}

/* Where an answer from outside comes with such a TTL over routers that are known, one beside
 * this machine gave it; unless that is what a device there makes of all that it passes on. */
static bool observe_undiminished(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t ttl = paths->ssh.reply_ttl;
	if (!o->has_edge || o->target_inside || address_is_loopback(&o->run->address) ||
	    !undiminished(ttl) || others_are_undiminished(paths) ||
	    (o->run->planned && paths->farthest < 2))
		return false;
	fact_set(o, ANSWER_WHO_INSIDE, "the answer arrives with TTL %u: no router has passed it on",
		 ttl);
	return true;
}

/* Whether SYNs that expired before `ttl` would have shown the answer to come from nearer, had
 * none been lost: the chance that all were. A router's word says that they came by there. */
static double nearer_but_lost(const struct paths *paths, uint8_t first, uint8_t ttl)
{
	unsigned silences = 0;
	for (uint8_t t = first; t < ttl; t++) {
		if (paths->ssh.hop[t].reply == REPLY_EXCEEDED)
			return 0;
		silences += paths->ssh.hop[t].silences;
	}
	return first < ttl && silences > 0 ? paths_accident(paths, first, silences) : 0;
}

static void observe_answerer(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t ttl = paths->ssh.terminal;
	if ((paths->ssh.asked_to != 0 || !o->run->planned) && observe_undiminished(o))
		return;
	/* The least TTL is known when the one before it was tried. */
	if (ttl == 0 || (ttl > 1 && paths->ssh.asked_to != 0 && !paths->ssh.hop[ttl - 1].asked))
		return;
	char compared[96] = "no other port answers";
	if (paths->distance > ttl)
		snprintf(compared, sizeof(compared), "other ports answer from hop %u",
			 paths->distance);
	else if (paths->farthest >= ttl)
		snprintf(compared, sizeof(compared), "routers answer up to hop %u on other ports",
			 paths->farthest);
	else if (paths->control_count > 0 && paths->distance == ttl)
		snprintf(compared, sizeof(compared), "nothing answers from farther away");
	struct fact *fact = fact_set(
		o, place_of(o, ttl, paths->ssh.reply_ttl),
		"the answer comes from hop %u: the smallest TTL that draws it; %s", ttl, compared);
	if (fact->answer == ANSWER_WHO_LAST && paths->edge != 0)
		fact_accident(fact, ANSWER_WHO_INSIDE,
			      nearer_but_lost(paths, (uint8_t)(paths->edge + 1), ttl));
	fact_packet(fact, paths->ssh.hop[ttl].sent_frame);
	path_packets(fact, &paths->ssh);
}

/* -- return, any ---------------------------------------------------------------- */

static void observe_return(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t ttl = paths->ssh.terminal;
	const struct path_hop *hop = &paths->ssh.hop[ttl];
	bool refused = hop->reply == REPLY_RESET || hop->reply == REPLY_UNREACHABLE;
	if (!o->run->planned || ttl < 2 || !paths->ssh.hop[ttl - 1].asked || !refused ||
	    hop->reply_ttl == 0)
		return;
	uint8_t back = hops_away(hop->reply_ttl);
	enum answer answer = back == ttl       ? ANSWER_RETURN_EQUAL :
			     back + 1 == ttl   ? ANSWER_RETURN_ONE_LESS :
			     back < ttl	       ? ANSWER_RETURN_SHORTER :
						 ANSWER_RETURN_LONGER;
	struct fact *fact = fact_set(o, answer,
				     "%s is drawn by TTL %u and arrives with TTL %u, as from %u "
				     "hop%s away",
				     hop->reply == REPLY_RESET ? "the reset" : "the refusal", ttl, hop->reply_ttl, back, back == 1 ? "" : "s");
	fact_packet(fact, hop->sent_frame);
	fact_packet(fact, hop->reply_frame);
	if (answer == ANSWER_RETURN_ONE_LESS)
		fact_accident(fact, ANSWER_RETURN_EQUAL,
			      nearer_but_lost(paths, (uint8_t)(ttl - 1), ttl));
}

/* A SYN to the port that is closed everywhere, which drew this; NULL none did. */
static const struct sent *closed_port_reply(const struct observation *o, enum reply reply)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_CONTROL, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++)
			if (exchange->remote_port == CLOSED_PORT &&
			    exchange->sent[n].reply == reply)
				return &exchange->sent[n];
	return NULL;
}

static void observe_any(struct observation *o)
{
	const struct sent *open = closed_port_reply(o, REPLY_SYN_ACK);
	const struct sent *sent = open != NULL ? open : closed_port_reply(o, REPLY_RESET);
	if (sent == NULL)
		return;
	struct fact *fact = open != NULL
				    ? fact_set(o, ANSWER_ANY_YES,
					       "port %u of the same address, which nobody serves, "
					       "accepts connections too",
					       CLOSED_PORT)
				    : fact_set(o, ANSWER_ANY_NO, "port %u is closed", CLOSED_PORT);
	fact_packet(fact, sent->frame);
	fact_packet(fact, sent->reply_frame);
}

static void observe_reporter(struct observation *o)
{
	struct tally tally = { 0 };
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		tally_exchange(o, exchange, &tally);
	const struct sent *sent = tally.example[REPLY_UNREACHABLE];
	char from[ADDRESS_TEXT];
	if (sent == NULL)
		sent = tally.example[REPLY_EXCEEDED];
	if (sent == NULL)
		return;
	enum answer who = ANSWER_WHO_BETWEEN;
	/* A private address behind a public one is another's: a cloud's, say. */
	uint8_t beyond = o->facts->paths.beyond;
	bool behind = beyond != 0 && quoted_distance(sent) >= beyond;
	if (path_inside(o->run, &sent->from) && !behind)
		who = ANSWER_WHO_INSIDE;
	else if (address_equal(&sent->from, &o->run->address))
		who = ANSWER_WHO_VM;
	else if (hop_is_of_cloud(o->run, &sent->from))
		who = ANSWER_WHO_CLOUD;
	fact_packet(fact_set(o, who, "the one who reports, %s, is %s",
			     address_text(&sent->from, from),
			     who == ANSWER_WHO_INSIDE ? "inside the client's organisation"
			     : who == ANSWER_WHO_VM   ? "the target's own address"
			     : who == ANSWER_WHO_CLOUD ? "a router of the cloud's"
						      : "a router beyond the organisation"),
		    sent->reply_frame);
}

static void observe_who(struct observation *o)
{
	switch (fact_answer(o->facts, QUESTION_SYN)) {
	case ANSWER_SYN_SYN_ACK:
		observe_answerer(o);
		observe_any(o);
		break;
	case ANSWER_SYN_RESET:
		observe_answerer(o);
		observe_return(o);
		break;
	case ANSWER_SYN_TARGET_UNREACHABLE:
		observe_return(o);
		break;
	case ANSWER_SYN_ROUTER_PROHIBITED:
	case ANSWER_SYN_ROUTER_UNREACHABLE:
	case ANSWER_SYN_ROUTER_GAVE_UP:
	case ANSWER_SYN_CIRCLES:
		observe_reporter(o);
		break;
	default:
		break;
	}
}

/* -- where ---------------------------------------------------------------------- */

/* Where packets are lost at random, a few silences are no sign of a filter. */
static double missed_by_loss(const struct paths *paths, const struct path *path)
{
	unsigned silent = 0;
	for (uint8_t ttl = (uint8_t)(path->last_router + 1); ttl <= PATH_TTL_MAX; ttl++)
		silent += path->hop[ttl].missed;
	return paths_accident(paths, (uint8_t)(path->last_router + 1), silent);
}

/* The share of hops at which flows part, some to a router that never speaks: then half of them
 * go by there, and by chance all these and none of those that were answered. */
#define FORKS 0.15

double missed_by_accident(const struct paths *paths, const struct path *path, uint8_t missing)
{
	return missed_by_loss(paths, path) + FORKS * pow(0.5, path->hop[missing].flows + paths->flows[missing]);
}

uint8_t first_missing_router(const struct paths *paths, const struct path *path)
{
	if (missed_by_loss(paths, path) > ACCIDENT)
		return 0;
	for (uint8_t ttl = (uint8_t)(path->last_router + 1); ttl <= PATH_TTL_MAX; ttl++)
		if (path->hop[ttl].missed >= MISSED_ENOUGH)
			return ttl;
	return 0;
}

/* A router outside the organisation that reports in the target's own name is what stands for the
 * target there, a load balancer say, and passes the port on: the error is translated like the
 * flow that it is about (RFC 5508 3). The TTL of the first on this way; 0: none. */
static uint8_t translates(const struct observation *o, const struct path *path)
{
	const struct paths *paths = &o->facts->paths;
	for (uint8_t ttl = 2; ttl <= PATH_TTL_MAX; ttl++)
		if (path->hop[ttl].reply == REPLY_EXCEEDED && paths->beyond != 0 &&
		    ttl > paths->beyond && ttl > paths->edge_far + 1 &&
		    address_equal(&path->hop[ttl].address, &o->run->address))
			return ttl;
	return 0;
}

/* The SYNs come as far as others, and no farther than to what passes those on to the VM. */
static bool stops_at_endpoint(const struct observation *o, uint8_t missing)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t last = paths->ssh.last_router;
	if (last <= paths->edge_far || last + 1 != missing)
		return false;
	for (size_t i = 0; i < paths->control_count; i++)
		if (translates(o, &paths->control[i]) == missing)
			return true;
	return false;
}

static void where_stops(struct observation *o, uint8_t missing)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t last = paths->ssh.last_router;
	if (stops_at_endpoint(o, missing)) {
		path_packets(fact_set(o, ANSWER_WHERE_ENDPOINT,
				      "SYNs to port %u stop past hop %u; those to other ports come "
				      "to hop %u, which stands for the target and passes them on",
				      o->run->port, last, missing),
			     &paths->control[0]);
		return;
	}
	/* The device that drops is the last that answered, or the one after it. */
	enum answer where = paths->cloud != 0			       ? ANSWER_WHERE_CLOUD :
			    paths->edge != 0 && last <= paths->edge_far ? ANSWER_WHERE_EDGE :
									  ANSWER_WHERE_TRANSIT;
	struct fact *fact =
		fact_set(o, where,
			 "SYNs to port %u stop between hop %u and hop %u%s; other ports reach hop %u",
			 o->run->port, last, missing,
			 where == ANSWER_WHERE_CLOUD ? ", inside the cloud" : "", paths->farthest);
	if (where != ANSWER_WHERE_CLOUD)
		fact_accident(fact, ANSWER_WHERE_CLOUD,
			      missed_by_accident(paths, &paths->ssh, missing));
	path_packets(fact, &paths->ssh);
	for (size_t i = 0; i < paths->control_count; i++)
		fact_packet(fact, paths->control[i].hop[missing].reply_frame);
}

static void where_equal(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t last = paths->ssh.last_router;
	struct fact *fact = NULL;
	/* The first hop behind the edge is no cloud's, unless something beyond answers. */
	bool nothing_beyond = paths->distance == 0 && last == paths->edge_far + 1;
	if (translates(o, &paths->ssh) != 0)
		fact = fact_set(o, ANSWER_WHERE_BEHIND,
				"SYNs to port %u are passed on at hop %u, which stands for the "
				"target, and come past hop %u",
				o->run->port, translates(o, &paths->ssh), last);
	else if (last > paths->edge_far && (last < paths->farthest || nothing_beyond))
		fact = fact_set(
			o, ANSWER_WHERE_BEYOND,
			"SYNs to port %u come past hop %u, beyond the organisation; those to "
			"other ports %spast hop %u%s",
			o->run->port, last, nothing_beyond ? "no farther, " : "", paths->farthest,
			nothing_beyond ? "" : ", which need not mean more");
	else if (last > paths->edge_far)
		fact = fact_set(o, ANSWER_WHERE_CLOUD,
				"SYNs to port %u come as far as those to other ports: past hop %u, "
				"the last router that answers",
				o->run->port, last);
	else if (last != 0 && last <= paths->edge && paths->distance == 0)
		fact = fact_set(o, ANSWER_WHERE_EDGE_ALL,
				"on every port the last router that answers is hop %u, inside the "
				"organisation",
				last);
	else
		fact = fact_set(o, ANSWER_WHERE_UNCLEAR,
				"no router tells how far SYNs to port %u come%s", o->run->port,
				last != 0 ? " beyond the organisation" : "");
	path_packets(fact, &paths->ssh);
}

/* SYNs with small TTLs were sent: silence can be placed, where there are routers to place it by. */
static bool swept(const struct paths *paths)
{
	return paths->ssh.asked_to >= 2;
}

static void observe_where(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	bool no_way = o->run->vantage == VANTAGE_VNET && paths->farthest == 0;
	if (fact_answer(o->facts, QUESTION_SYN) != ANSWER_SYN_SILENT || !swept(paths) || no_way)
		return;
	uint8_t missing = first_missing_router(paths, &paths->ssh);
	if (missing != 0)
		where_stops(o, missing);
	else
		where_equal(o);
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

/* A port that is open is soon connected to, and listened to for so long. */
#define VERIFIED_WITHIN MILLISECONDS(2500)

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

/* A server that is connected to says at once who it is. */
#define HEARD_OUT MILLISECONDS(700)

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
		unsure += unsure_of(o, exchange, closed || paths->lost[PATH_TTL_MAX] > 0);
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
