/* Which routers and ends answered for each port, hop by hop, and where the organisation ends. */
#include "observe/path.h"

#include "observe/loss.h"
#include "observe/name.h"
#include "sshwhy/patience.h"

static bool is_neighbour(const struct run *run)
{
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].kind == EVENT_NEIGHBOUR && run->events[i].value != 0)
			return true;
	return false;
}

bool path_has_edge(const struct run *run)
{
	return run->vantage == VANTAGE_CLIENT && run->path == PATH_INTERNET && !is_neighbour(run);
}

bool path_inside(const struct run *run, const struct address *hop)
{
	if (run->vantage != VANTAGE_CLIENT || run->path != PATH_INTERNET)
		return false;
	static const struct address carrier = { .family = 4, .bytes = { 100, 64 } };
	if (address_same_prefix(hop, &carrier, 10)) /* RFC 6598: the provider's NAT */
		return false;
	/* IPv6 and public IPv4 sites: a site has a /48 (RFC 6177), an office LAN a /24. */
	unsigned site = hop->family == 6 ? 48 : 24;
	return (address_is_private(hop) || address_same_prefix(hop, &run->local_address, site)) &&
	       !hop_is_of_cloud(run, hop);
}

static void hop_add(struct path_hop *hop, const struct sent *sent)
{
	hop->asked = true;
	if (hop->sent_frame == 0)
		hop->sent_frame = sent->frame;
	if (sent->reply == REPLY_NONE) {
		hop->silences++;
		return;
	}
	/* A router's word weighs more than what a later try drew from behind it. */
	if (hop->reply != REPLY_NONE && sent->reply != REPLY_EXCEEDED)
		return;
	*hop = (struct path_hop){
		.asked = true,
		.silences = hop->silences,
		.reply = sent->reply,
		.address = sent->from,
		.rtt_ns = sent->reply_ns - sent->time_ns,
		.sent_frame = sent->frame,
		.reply_frame = sent->reply_frame,
		.reply_ttl = sent->reply_ttl,
		.icmp_type = sent->icmp_type,
		.icmp_code = sent->icmp_code,
	};
}

static void path_add(struct path *path, const struct exchange *exchange, bool data)
{
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->data != data || sent->diverted)
			continue;
		if (sent->ttl >= 1 && sent->ttl <= PATH_TTL_MAX)
			hop_add(&path->hop[sent->ttl], sent);
		if (data && sent->reset_frame != 0 && sent->ttl <= PATH_TTL_MAX)
			path->hop[sent->ttl].reset_frame = sent->reset_frame;
		bool tcp = sent->reply == REPLY_SYN_ACK || sent->reply == REPLY_RESET;
		if (tcp && path->reply_ttl == 0)
			path->reply_ttl = sent->reply_ttl;
	}
}

static uint8_t path_ttl_of(const struct path *path, const struct address *address)
{
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX; ttl++)
		if (path->hop[ttl].reply == REPLY_EXCEEDED &&
		    address_equal(&path->hop[ttl].address, address))
			return ttl;
	return 0;
}

/* A router that `path` meets at another TTL is not missing there: flows are spread over
 * ways of unequal length. */
static bool answered_after(const struct exchange *exchange, const struct sent *missed,
			   const struct path *path)
{
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->ttl == missed->ttl && !sent->data && sent->reply == REPLY_EXCEEDED &&
		    sent->time_ns > missed->time_ns &&
		    sent->time_ns - missed->time_ns <= COMPARED_WITHIN &&
		    path_ttl_of(path, &sent->from) == 0)
			return true;
	}
	return false;
}

/* Whether the last router before `ttl` that answered both is the same: behind a fork of
 * the ways, another flow's router tells nothing of this one's. */
static bool same_way(const struct exchange *exchange, const struct path *path, uint8_t ttl)
{
	bool any = false;
	for (uint8_t t = (uint8_t)(ttl - 1); t > 0; t--) {
		if (path->hop[t].reply != REPLY_EXCEEDED)
			continue;
		any = true;
		for (unsigned i = 0; i < exchange->sent_count; i++) {
			const struct sent *sent = &exchange->sent[i];
			if (sent->ttl == t && !sent->data && sent->reply == REPLY_EXCEEDED)
				return address_equal(&sent->from, &path->hop[t].address);
		}
	}
	return !any;
}

/* Counts the packets of `exchange` that drew nothing while a probe of `purpose`, sent with the same
 * TTL right afterwards, drew a router's answer. */
static void count_missed(const struct track *track, struct path *path,
			 const struct exchange *exchange, bool data, enum purpose purpose)
{
	uint32_t seen = 0; /* bit per TTL: this flow is counted there */
	_Static_assert(PATH_TTL_MAX < 33, "a bit for every TTL");
	for (unsigned n = 0; n < exchange->sent_count; n++) {
		const struct sent *sent = &exchange->sent[n];
		if (sent->data != data || sent->reply != REPLY_NONE || sent->ttl > PATH_TTL_MAX)
			continue;
		const struct exchange *other;
		bool compared = false;
		for (size_t i = 0; !compared && (other = track_next(track, purpose, &i)) != NULL;)
			compared = answered_after(other, sent, path) &&
				   same_way(other, path, sent->ttl);
		if (!compared || sent->ttl == 0)
			continue;
		path->hop[sent->ttl].missed++;
		path->hop[sent->ttl].flows += (seen >> (sent->ttl - 1) & 1) == 0;
		seen |= UINT32_C(1) << (sent->ttl - 1);
	}
}

static void path_summarise(struct path *path)
{
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX; ttl++) {
		const struct path_hop *hop = &path->hop[ttl];
		if (hop->asked)
			path->asked_to = ttl;
		if (hop->reply == REPLY_EXCEEDED)
			path->last_router = ttl;
		if ((reply_is_terminal(hop->reply) || hop->reset_frame != 0) && path->terminal == 0)
			path->terminal = ttl;
	}
}

static struct path *control_path(struct paths *paths, uint16_t port)
{
	for (size_t i = 0; i < paths->control_count; i++)
		if (paths->control[i].port == port)
			return &paths->control[i];
	if (paths->control_count == PATHS_MAX)
		return NULL;
	struct path *path = &paths->control[paths->control_count++];
	path->port = port;
	return path;
}

static void collect_hops(const struct track *track, struct paths *paths)
{
	for (size_t i = 0; i < track->count; i++) {
		const struct exchange *exchange = track->exchanges[i];
		struct path *path = NULL;
		if (exchange->purpose == PURPOSE_SWEEP || exchange->purpose == PURPOSE_SSH)
			path = &paths->ssh;
		else if (exchange->purpose == PURPOSE_CONTROL)
			path = control_path(paths, exchange->remote_port);
		if (path != NULL)
			path_add(path, exchange, false);
		if (exchange->purpose == PURPOSE_SSH)
			path_add(&paths->session, exchange, true);
	}
}

/* Counts what the SSH port's probes miss beside those they are compared with: once all hops are
 * known. */
static void compare_sweeps(const struct track *track, struct paths *paths)
{
	for (size_t i = 0; i < track->count; i++) {
		const struct exchange *exchange = track->exchanges[i];
		if (exchange->purpose == PURPOSE_SWEEP)
			count_missed(track, &paths->ssh, exchange, false, PURPOSE_CONTROL);
		else if (exchange->purpose == PURPOSE_SSH)
			count_missed(track, &paths->session, exchange, true, PURPOSE_SWEEP);
	}
}

/* So many hops an organisation may well have. */
#define NEAR 4

/* Where the organisation ends: the hops inside it come first, without a hop outside
 * among them. */
static void find_edge(const struct run *run, struct paths *paths, const struct path *path)
{
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX; ttl++) {
		const struct path_hop *hop = &path->hop[ttl];
		if (hop->reply != REPLY_EXCEEDED)
			continue;
		/* A way of another length shows the same routers at greater TTLs. */
		uint8_t nearer = path_ttl_of(&paths->ssh, &hop->address);
		uint8_t least = nearer != 0 && nearer < ttl ? nearer : ttl;
		if (least > paths->farthest)
			paths->farthest = least;
		/* A router that redirects has its ICMP errors rewritten with the target's own
		 * address: that tells nothing of where it stands. */
		bool outside = !path_inside(run, &hop->address) &&
			       !address_equal(&hop->address, &run->address);
		if (outside && (paths->beyond == 0 || ttl < paths->beyond))
			paths->beyond = ttl;
	}
}

/* Bit (TTL - 1): a router with an address of the organisation's answered there, nearer than any
 * outside. */
static uint32_t inside_hops(const struct run *run, const struct paths *paths,
			    const struct path *path)
{
	uint32_t inside = 0;
	uint8_t end = paths->beyond != 0 ? paths->beyond : PATH_TTL_MAX + 1;
	for (uint8_t ttl = 1; ttl < end; ttl++) {
		const struct path_hop *hop = &path->hop[ttl];
		if (hop->reply == REPLY_EXCEEDED && path_inside(run, &hop->address))
			inside |= UINT32_C(1) << (ttl - 1);
	}
	return inside;
}

static void find_last_inside(const struct run *run, struct paths *paths)
{
	uint32_t inside = inside_hops(run, paths, &paths->ssh);
	for (size_t i = 0; i < paths->control_count; i++)
		inside |= inside_hops(run, paths, &paths->control[i]);
	/* Where no other address marks its end, some of many private ones are the cloud's. */
	uint8_t end = paths->beyond != 0 ? PATH_TTL_MAX : NEAR;
	for (uint8_t ttl = 2; ttl <= end; ttl++) {
		if ((inside >> (ttl - 1) & 1) == 0)
			continue;
		paths->edge_far = ttl;
		if (paths->edge == ttl - 1)
			paths->edge = ttl;
	}
}

/* SYNs to the SSH port have come as far as the cloud. */
static void find_cloud(const struct run *run, struct paths *paths)
{
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX && paths->cloud == 0; ttl++)
		if (paths->ssh.hop[ttl].reply == REPLY_EXCEEDED &&
		    hop_is_of_cloud(run, &paths->ssh.hop[ttl].address))
			paths->cloud = ttl;
}

/* The VM is as far away as the farthest answer: nearer ones were given by others in its name. */
static void find_distance(struct paths *paths, const struct path *path)
{
	enum reply reply = path->hop[path->terminal].reply;
	if (path->terminal > paths->distance && reply != REPLY_UNREACHABLE)
		paths->distance = path->terminal;
}

void paths_build(const struct track *track, int64_t now_ns, struct paths *paths)
{
	*paths = (struct paths){ .ssh.port = track->run->port, .session.port = track->run->port };
	collect_hops(track, paths);
	compare_sweeps(track, paths);
	loss_weigh(track, now_ns, paths);
	path_summarise(&paths->ssh);
	path_summarise(&paths->session);
	find_edge(track->run, paths, &paths->ssh);
	for (size_t i = 0; i < paths->control_count; i++) {
		path_summarise(&paths->control[i]);
		find_edge(track->run, paths, &paths->control[i]);
		find_distance(paths, &paths->control[i]);
	}
	find_distance(paths, &paths->ssh);
	find_cloud(track->run, paths);
	if (!path_has_edge(track->run))
		return;
	/* The first router is the organisation's own, whatever its address; which more are
	 * cannot be told by addresses when the target's is like theirs. */
	paths->edge = paths->edge_far = 1;
	if (!path_inside(track->run, &track->run->address))
		find_last_inside(track->run, paths);
}

bool paths_are_swept(const struct paths *paths)
{
	return paths->ssh.asked_to >= 2;
}
