/* Who ends or swallows the conversation. */
#include "observe/asked.h"
#include "observe/distance.h"
#include "observe/missing.h"

/* WHO's answer in CUTTER's words. */
static enum answer cutter_of(enum answer who)
{
	switch (who) {
	case ANSWER_WHO_VM:
	case ANSWER_WHO_LAST:
	case ANSWER_WHO_CLOUD:
		return ANSWER_CUTTER_VM;
	case ANSWER_WHO_INSIDE:
		return ANSWER_CUTTER_INSIDE;
	case ANSWER_WHO_BETWEEN:
		return ANSWER_CUTTER_BETWEEN;
	default:
		return ANSWER_CUTTER_UNCLEAR;
	}
}

/* Who sent an end whose TTL is not the SYN-ACK's. TTLs alone are a guess (tiered load
 * balancers), so without a path only the very first hop is named by them. */
static enum answer ender_by_ttl(const struct observation *o, uint8_t hops, uint8_t ttl)
{
	const struct paths *paths = &o->facts->paths;
	if (paths->farthest == 0)
		return hops == 1 && o->has_edge ? ANSWER_CUTTER_INSIDE : ANSWER_CUTTER_UNCLEAR;
	enum answer cutter = cutter_of(who_at(o, hops, ttl));
	return cutter == ANSWER_CUTTER_VM ? ANSWER_CUTTER_UNCLEAR : cutter;
}

static void judge_ender(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct path *session = &o->facts->paths.session;
	uint8_t end_ttl =
		c->server_end_ttl != 0 ? c->server_end_ttl : opening(o->kernel)->reply_ttl;
	struct fact *fact = NULL;
	const struct path_hop *hop = &session->hop[session->terminal];
	enum answer copies = ANSWER_NONE;
	if (session->terminal != 0 && hop->reset_frame != 0)
		copies = cutter_of(who_at(o, session->terminal,
					  hop->reply == REPLY_RESET ? hop->reply_ttl : 0));
	/* The VM resets copies that come after the end, whoever ended the connection: that copies
	 * are reset at the VM names it only where the end came from as far away. */
	if (copies == ANSWER_CUTTER_VM && end_ttl != c->syn_ack_ttl)
		copies = ANSWER_NONE;
	if (copies != ANSWER_NONE) {
		fact = fact_set(
			o, copies,
			"a copy of the client's identification that lives %u hop%s only is reset "
			"too%s",
			session->terminal, session->terminal == 1 ? "" : "s",
			hop->reply == REPLY_EXCEEDED
				? ", though it travels on: who resets reads along beside the path"
				: "");
		fact_packet(fact, hop->reply_frame);
		fact_packet(fact, hop->reset_frame);
	} else if (c->syn_ack_ttl == 0) {
		return; /* the capture begins after it */
	} else if (end_ttl == c->syn_ack_ttl) {
		fact = fact_set(o, ANSWER_CUTTER_VM,
				"the packet that ends it has the TTL of the SYN-ACK (%u)",
				c->syn_ack_ttl);
	} else {
		uint8_t hops = hops_away(end_ttl);
		fact = fact_set(o, ender_by_ttl(o, hops, end_ttl),
				"the packet that ends it has TTL %u, the SYN-ACK had %u: its "
				"sender is about %u hop%s away",
				end_ttl, c->syn_ack_ttl, hops, hops == 1 ? "" : "s");
	}
	if (c->server_data_after_end)
		fact->text = arena_format(o->arena,
					  "%s; the server, which knows of no end, goes on sending",
					  fact->text);
	fact_packet(fact, c->syn_ack_frame);
	fact_packet(fact, c->server_reset_frame);
	fact_packet(fact, c->server_fin_frame);
}

/* Who swallows copies between the last router that answers for them and `missing`. */
static enum answer swallower_at(const struct observation *o, uint8_t missing)
{
	const struct paths *paths = &o->facts->paths;
	bool into_cloud = paths->cloud != 0 && paths->session.last_router >= paths->cloud;
	enum answer place = who_at(o, missing, 0);
	/* SYNs come into the cloud, and these may not have come so far. */
	if (place == ANSWER_WHO_CLOUD && !into_cloud)
		return ANSWER_CUTTER_UNCLEAR;
	return cutter_of(place);
}

/* Who swallows copies that come past the last router there is to ask. */
static enum answer swallower_past(const struct observation *o, uint8_t last)
{
	const struct paths *paths = &o->facts->paths;
	bool into_cloud = paths->cloud != 0 && last >= paths->cloud;
	if (into_cloud || (paths->distance != 0 && last + 1 >= paths->distance))
		return ANSWER_CUTTER_VM;
	/* the edge filters what it passes on: a router behind it must tell */
	return o->has_edge && last <= paths->edge_far ? ANSWER_CUTTER_UNCLEAR
						      : ANSWER_CUTTER_BEYOND;
}

/* The client's identification gets no answer: how far do copies of it come, against
 * SYNs of the same connection's port? */
static void judge_swallower(struct observation *o)
{
	const struct paths *paths = &o->facts->paths;
	const struct path *session = &paths->session;
	if (at_the_vm(o->run)) {
		fact_packet(fact_set(o, ANSWER_CUTTER_VM,
				     "the client's bytes have come to the VM, which does not "
				     "acknowledge them"),
			    o->kernel->connection->client_data_frame);
		return;
	}
	if (session->asked_to == 0 || paths->ssh.last_router == 0)
		return;
	uint8_t missing = first_missing_router(paths, session);
	struct fact *fact;
	if (missing != 0)
		fact = fact_set(o, swallower_at(o, missing),
				"copies of the client's identification stop between hop %u and hop "
				"%u; SYNs pass",
				session->last_router, missing);
	else if (session->last_router == paths->ssh.last_router)
		fact = fact_set(o, swallower_past(o, session->last_router),
				"copies of the client's identification come as far as SYNs: past "
				"hop %u, the last router that answers",
				session->last_router);
	else
		return;
	if (missing != 0 && fact->answer != ANSWER_CUTTER_VM)
		fact_accident(fact, ANSWER_CUTTER_VM, missed_by_accident(paths, session, missing));
	for (uint8_t ttl = 1; ttl <= PATH_TTL_MAX; ttl++)
		fact_packet(fact, session->hop[ttl].reply_frame);
}

void observe_cutter(struct observation *o)
{
	switch (fact_answer(o->facts, QUESTION_SSH)) {
	case ANSWER_SSH_SURVIVED:
	case ANSWER_SSH_CLOSED:
	case ANSWER_SSH_CUT:
	case ANSWER_SSH_HUNG_UP:
	case ANSWER_SSH_KEX_CUT:
		judge_ender(o);
		break;
	case ANSWER_SSH_GONE: /* the VM's kernel says that it is over, whoever ended it */
		if (o->kernel->connection->server_end_ttl != o->kernel->connection->syn_ack_ttl)
			judge_ender(o);
		break;
	case ANSWER_SSH_SWALLOWED:
	case ANSWER_SSH_DEAF:
		judge_swallower(o);
		break;
	default:
		break;
	}
}
