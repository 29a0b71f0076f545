#include "observe/distance.h"

#include "observe/loss.h"

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

enum answer who_at(const struct observation *o, uint8_t ttl, uint8_t reply_ttl)
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

/* Some routers quote the packet as it came, some with the TTL that they have lessened themselves:
 * one is taken off, so that the number is no greater than the true one either way. */
uint8_t quoted_distance(const struct sent *sent)
{
	bool known = sent->quoted.source.family != 0 && sent->quoted.ttl != 0;
	if (!known || sent->quoted.ttl >= sent->ttl)
		return 0;
	return (uint8_t)(sent->ttl - sent->quoted.ttl - 1);
}
