/* Where SYNs to the SSH port stop, when nobody answers. */
#include "observe/asked.h"
#include "observe/missing.h"
#include "observe/path.h"

/* A router outside the organisation that reports in the target's own name is what stands for the
 * target there, a load balancer say, and passes the port on: the error is translated like the
 * flow that it is about (RFC 5508 3). The TTL of the first on this way; 0: none. */
static uint8_t translator_ttl(const struct observation *o, const struct path *path)
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
		if (translator_ttl(o, &paths->control[i]) == missing)
			return true;
	return false;
}

static void judge_stop(struct observation *o, uint8_t missing)
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
	enum answer where = paths->cloud != 0				  ? ANSWER_WHERE_CLOUD
			    : paths->edge != 0 && last <= paths->edge_far ? ANSWER_WHERE_EDGE
									  : ANSWER_WHERE_TRANSIT;
	struct fact *fact = fact_set(
		o, where,
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

static void judge_equal(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	uint8_t last = paths->ssh.last_router;
	struct fact *fact = NULL;
	/* The first hop behind the edge is no cloud's, unless something beyond answers. */
	bool nothing_beyond = paths->distance == 0 && last == paths->edge_far + 1;
	if (translator_ttl(o, &paths->ssh) != 0)
		fact = fact_set(o, ANSWER_WHERE_BEHIND,
				"SYNs to port %u are passed on at hop %u, which stands for the "
				"target, and come past hop %u",
				o->run->port, translator_ttl(o, &paths->ssh), last);
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

void observe_where(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	bool no_way = o->run->vantage == VANTAGE_VNET && paths->farthest == 0;
	if (fact_answer(o->facts, QUESTION_SYN) != ANSWER_SYN_SILENT || !paths_are_swept(paths) ||
	    no_way)
		return;
	uint8_t missing = first_missing_router(paths, &paths->ssh);
	if (missing != 0)
		judge_stop(o, missing);
	else
		judge_equal(o);
}
