/* How far away the one is who answers SYNs to the SSH port. */
#include <stdio.h>

#include "observe/asked.h"
#include "observe/distance.h"
#include "observe/loss.h"
#include "observe/name.h"
#include "observe/path.h"
#include "observe/tally.h"

static bool others_are_undiminished(const struct paths *paths)
{
	for (size_t i = 0; i < paths->control_count; i++)
		if (ttl_is_undiminished(paths->control[i].reply_ttl))
			return true;
	return false;
}

/* An answer whose TTL no router has lessened, though routers are known on the way, was given by a
 * device beside this machine; unless a device there gives that TTL to all that it passes on. */
static bool judge_undiminished(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t ttl = paths->ssh.reply_ttl;
	if (!o->has_edge || o->target_inside || address_is_loopback(&o->run->address) ||
	    !ttl_is_undiminished(ttl) || others_are_undiminished(paths) ||
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

static void judge_answerer(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t ttl = paths->ssh.terminal;
	if ((paths->ssh.asked_to != 0 || !o->run->planned) && judge_undiminished(o))
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
		o, who_at(o, ttl, paths->ssh.reply_ttl),
		"the answer comes from hop %u: the smallest TTL that draws it; %s", ttl, compared);
	if (fact->answer == ANSWER_WHO_LAST && paths->edge != 0)
		fact_accident(fact, ANSWER_WHO_INSIDE,
			      nearer_but_lost(paths, (uint8_t)(paths->edge + 1), ttl));
	fact_packet(fact, paths->ssh.hop[ttl].sent_frame);
	path_packets(fact, &paths->ssh);
}

/* -- return, any ---------------------------------------------------------------- */

static void judge_return(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t ttl = paths->ssh.terminal;
	const struct path_hop *hop = &paths->ssh.hop[ttl];
	bool refused = hop->reply == REPLY_RESET || hop->reply == REPLY_UNREACHABLE;
	if (!o->run->planned || ttl < 2 || !paths->ssh.hop[ttl - 1].asked || !refused ||
	    hop->reply_ttl == 0)
		return;
	uint8_t back = hops_away(hop->reply_ttl);
	enum answer answer = back == ttl       ? ANSWER_RETURN_EQUAL
			     : back + 1 == ttl ? ANSWER_RETURN_ONE_LESS
			     : back < ttl      ? ANSWER_RETURN_SHORTER
					       : ANSWER_RETURN_LONGER;
	struct fact *fact = fact_set(o, answer,
				     "%s is drawn by TTL %u and arrives with TTL %u, as from %u "
				     "hop%s away",
				     hop->reply == REPLY_RESET ? "the reset" : "the refusal", ttl,
				     hop->reply_ttl, back, back == 1 ? "" : "s");
	fact_packet(fact, hop->sent_frame);
	fact_packet(fact, hop->reply_frame);
	if (answer == ANSWER_RETURN_ONE_LESS)
		fact_accident(fact, ANSWER_RETURN_EQUAL,
			      nearer_but_lost(paths, (uint8_t)(ttl - 1), ttl));
}

/* A SYN to CLOSED_PORT that drew such a reply; NULL: none did. */
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

static void judge_any(struct observation *o)
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

static void judge_reporter(struct observation *o)
{
	struct syn_tally tally = tally_syns(o);
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
			     who == ANSWER_WHO_INSIDE  ? "inside the client's organisation"
			     : who == ANSWER_WHO_VM    ? "the target's own address"
			     : who == ANSWER_WHO_CLOUD ? "a router of the cloud's"
						       : "a router beyond the organisation"),
		    sent->reply_frame);
}

void observe_who(struct observation *o)
{
	switch (fact_answer(o->facts, QUESTION_SYN)) {
	case ANSWER_SYN_SYN_ACK:
		judge_answerer(o);
		judge_any(o);
		break;
	case ANSWER_SYN_RESET:
		judge_answerer(o);
		judge_return(o);
		break;
	case ANSWER_SYN_TARGET_UNREACHABLE:
		judge_return(o);
		break;
	case ANSWER_SYN_ROUTER_PROHIBITED:
	case ANSWER_SYN_ROUTER_UNREACHABLE:
	case ANSWER_SYN_ROUTER_GAVE_UP:
	case ANSWER_SYN_CIRCLES:
		judge_reporter(o);
		break;
	default:
		break;
	}
}
