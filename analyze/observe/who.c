/* How far away the one is who answers SYNs to the SSH port. */
#include <stdio.h>

#include "observe/observation.h"
#include "observe/path.h"

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
bool within_edge(const struct paths *paths, uint8_t ttl)
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

void path_packets(struct fact *fact, const struct path *path)
{
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX; ttl++)
		if (path->hop[ttl].reply != REPLY_NONE)
			fact_packet(fact, path->hop[ttl].reply_frame);
}

static bool others_are_undiminished(const struct paths *paths)
{
	for (size_t i = 0; i < paths->control_count; i++)
		if (ttl_is_undiminished(paths->control[i].reply_ttl))
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
	const struct sent *sent = syn_reply(o, REPLY_UNREACHABLE);
	char from[ADDRESS_TEXT];
	if (sent == NULL)
		sent = syn_reply(o, REPLY_EXCEEDED);
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
