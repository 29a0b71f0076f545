#include "plan/flows.h"

#include "plan/actions.h"

/* -- what is known of the port ----------------------------------------------------------- */

/* The run's SYNs to the SSH port, one after another. */
struct cursor_of_syns {
	size_t exchange;
	unsigned sent;
};

static bool is_to_ssh_port(const struct plan *plan, const struct exchange *exchange)
{
	return exchange->purpose != PURPOSE_REFERENCE && exchange->purpose != PURPOSE_ACK &&
	       exchange->remote_port == plan->run->port;
}

static bool is_refusal(const struct plan *plan, const struct sent *sent)
{
	return sent->reply == REPLY_RESET || (sent->reply == REPLY_UNREACHABLE &&
					      address_equal(&sent->from, &plan->run->address));
}

/* The next SYN that went to the SSH port over the wire; NULL: there is none. */
static const struct sent *next_syn(const struct plan *plan, struct cursor_of_syns *at)
{
	for (; at->exchange < plan->track.count; at->exchange++, at->sent = 0) {
		const struct exchange *exchange = plan->track.exchanges[at->exchange];
		while (is_to_ssh_port(plan, exchange) && at->sent < exchange->sent_count) {
			const struct sent *sent = &exchange->sent[at->sent++];
			if (!sent->data && !sent->diverted)
				return sent;
		}
	}
	return NULL;
}

struct port_answers {
	bool accepts, refuses;
	bool settled;	       /* one that was sent to arrive has been answered */
	int64_t first_ns;      /* when the first SYN left; 0: none has */
	int64_t round_trip_ns; /* of the first answer */
	uint8_t nearest; /* no SYN with a smaller TTL arrives, as far as is known; 0: nothing is */
};

/* Ways there and back need not be equally long. */
#define LONGER_BACK 1

static void learn_answer(struct port_answers *answers, const struct plan *plan,
			 const struct sent *sent)
{
	bool tcp = sent->reply == REPLY_SYN_ACK || sent->reply == REPLY_RESET;
	uint8_t away = tcp ? hops_away(sent->reply_ttl) : sent->ttl;
	uint8_t nearest = away > LONGER_BACK ? (uint8_t)(away - LONGER_BACK) : 1;
	answers->accepts |= sent->reply == REPLY_SYN_ACK;
	answers->refuses |= is_refusal(plan, sent);
	answers->settled |= sent->ttl >= plan->config.full_ttl;
	if (answers->round_trip_ns == 0)
		answers->round_trip_ns = sent->reply_ns - sent->time_ns;
	if (sent->ttl < nearest)
		nearest = sent->ttl;
	if (answers->nearest == 0 || nearest < answers->nearest)
		answers->nearest = nearest;
}

static struct port_answers learn_answers(const struct plan *plan)
{
	struct port_answers answers = { 0 };
	struct cursor_of_syns at = { 0 };
	for (const struct sent *sent; (sent = next_syn(plan, &at)) != NULL;) {
		if (answers.first_ns == 0 || sent->time_ns < answers.first_ns)
			answers.first_ns = sent->time_ns;
		if (sent->reply == REPLY_SYN_ACK || is_refusal(plan, sent))
			learn_answer(&answers, plan, sent);
	}
	/* A second SYN of a sweep is reset where the first stands (RFC 9293 3.10.7.4). */
	answers.refuses &= !answers.accepts;
	return answers;
}

static bool is_silent(const struct port_answers *answers, int64_t now_ns)
{
	return !answers->accepts && !answers->refuses && answers->first_ns != 0 &&
	       now_ns - answers->first_ns >= ANSWER_PATIENCE;
}

/* -- what is counted ----------------------------------------------------------------------- */

static bool may_arrive(const struct port_answers *answers, uint8_t ttl)
{
	return ttl >= answers->nearest;
}

/* Its answer may still come, where the port refuses at once. */
static bool is_under_way(const struct port_answers *answers, const struct sent *sent,
			 int64_t now_ns)
{
	int64_t wait = answers->round_trip_ns + answers->round_trip_ns / 2 + REFUSAL_SLACK;
	return sent->reply == REPLY_NONE && may_arrive(answers, sent->ttl) &&
	       now_ns - sent->time_ns < wait;
}

/* It may have arrived where SYNs are refused. One that was to end on the way, and drew no answer,
 * has ended there. */
static bool is_unsettled(const struct plan *plan, const struct port_answers *answers,
			 const struct sent *sent, int64_t now_ns)
{
	return sent->reply == REPLY_NONE &&
	       (sent->ttl >= plan->config.full_ttl || is_under_way(answers, sent, now_ns));
}

/* What an exchange has cost. */
static unsigned flows_of(const struct plan *plan, const struct exchange *exchange,
			 const struct port_answers *answers, int64_t now_ns)
{
	unsigned refused = 0;
	bool accepted = false, may_have_arrived = false;
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->data || sent->diverted || now_ns - sent->time_ns >= FLOWS_TIME)
			continue;
		accepted |= sent->reply == REPLY_SYN_ACK;
		refused += is_refusal(plan, sent) ||
			   (answers->refuses && is_unsettled(plan, answers, sent, now_ns));
		may_have_arrived |= sent->reply == REPLY_NONE && may_arrive(answers, sent->ttl);
	}
	if (refused > 0 && !accepted)
		return refused;
	return accepted || (may_have_arrived && !answers->refuses);
}

static unsigned flows_begun(const struct plan *plan, const struct port_answers *answers,
			    int64_t now_ns)
{
	unsigned flows = 0;
	for (size_t i = 0; i < plan->track.count; i++)
		if (is_to_ssh_port(plan, plan->track.exchanges[i]))
			flows += flows_of(plan, plan->track.exchanges[i], answers, now_ns);
	return flows;
}

/* -- what may leave ------------------------------------------------------------------------ */

static bool begins_a_flow(const struct plan *plan, const struct action *action)
{
	bool syn = action->kind == ACTION_CONNECT || (action->flags & TCP_SYN) != 0;
	return syn && !action->to_reference && action->remote_port == plan->run->port;
}

/* It has another's local port, and that flow stands. */
static bool belongs_to_a_flow(const struct plan *plan, const struct action *action,
			      const struct port_answers *answers, int64_t now_ns)
{
	const struct exchange *exchange = track_find(&plan->track, action->local_port);
	return exchange != NULL && !answers->refuses &&
	       flows_of(plan, exchange, answers, now_ns) > 0;
}

static bool one_is_under_way(const struct plan *plan, const struct port_answers *answers,
			     int64_t now_ns)
{
	struct cursor_of_syns at = { 0 };
	for (const struct sent *sent; (sent = next_syn(plan, &at)) != NULL;)
		if (is_under_way(answers, sent, now_ns))
			return true;
	return false;
}

/* A SYN of the same sweep with a smaller TTL has not left yet. */
static bool a_nearer_one_waits(const struct plan *plan, const struct action *action)
{
	for (size_t i = plan->agenda.first; i < plan->agenda.end; i++) {
		const struct action *other = &plan->agenda.due[i].action;
		if (is_swept_syn(plan, other) && other->local_port == action->local_port &&
		    other->ttl < action->ttl)
			return true;
	}
	return false;
}

int64_t flows_departure(const struct plan *plan, int64_t now_ns, const struct action *action)
{
	if (!begins_a_flow(plan, action))
		return now_ns;
	struct port_answers answers = learn_answers(plan);
	bool swept = is_swept_syn(plan, action);
	if (is_silent(&answers, now_ns) || (swept && !may_arrive(&answers, action->ttl)) ||
	    belongs_to_a_flow(plan, action, &answers, now_ns))
		return now_ns;
	if (swept && answers.refuses &&
	    (a_nearer_one_waits(plan, action) || one_is_under_way(plan, &answers, now_ns)))
		return now_ns + TTL_GAP;
	bool first = action->purpose == PURPOSE_SSH && action->way != WAY_RAW;
	unsigned most = first || answers.settled ? FLOWS_MAX : FLOWS_MAX - FLOWS_RESERVED;
	return flows_begun(plan, &answers, now_ns) < most ? now_ns : FLOWS_NEVER;
}

bool flows_are_left(const struct plan *plan, int64_t now_ns)
{
	struct port_answers answers = learn_answers(plan);
	return is_silent(&answers, now_ns) || flows_begun(plan, &answers, now_ns) < FLOWS_MAX;
}

bool flows_are_accepted(const struct plan *plan)
{
	return learn_answers(plan).accepts;
}
