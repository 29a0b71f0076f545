#include "plan/heavy.h"

#include "plan/actions.h"
#include "plan/cookie.h"
#include "plan/settled.h"
#include "plan/sweep.h"

static const struct {
	enum purpose purpose;
	uint8_t flags;
	uint8_t tries;
	int64_t gap_ns;
} tests[HEAVY_TESTS] = {
	[HEAVY_FRAGMENT] = { PURPOSE_FRAGMENT, TCP_SYN, FRAGMENT_PAIRS, FRAGMENT_GAP },
	[HEAVY_ACK] = { PURPOSE_ACK, TCP_ACK, FLAGS_TRIES, FLAGS_GAP },
	[HEAVY_PLAIN] = { PURPOSE_PLAIN, TCP_SYN, FLAGS_TRIES, FLAGS_GAP },
};

/* One segment of a test; `code` and `attempt` make the numbers by which its answer is known. */
struct heavy_segment {
	enum heavy_test test;
	uint16_t remote_port;
	uint8_t ttl, code, attempt;
};

static void send_segment(struct plan *plan, int64_t due_ns, const struct heavy_segment *segment)
{
	bool control = segment->remote_port != plan->run->port;
	struct segment_name name = {
		.purpose = tests[segment->test].purpose,
		.local_port = slot_port(plan, SLOT_HEAVY + 2 * segment->test + control),
		.remote_port = segment->remote_port,
		.ttl = segment->ttl,
		.flags = tests[segment->test].flags,
	};
	uint32_t secret =
		cookie(plan->config.key, &plan->run->address, name.local_port, name.remote_port);
	struct action action = action_segment(plan, &name);
	action.opens = true;
	action.fragment = segment->test == HEAVY_FRAGMENT;
	action.plain = segment->test == HEAVY_PLAIN;
	action.sequence = cookie_sequence(secret, segment->code, segment->attempt);
	if (name.flags & TCP_ACK)
		action.acknowledgement = cookie_sequence(~secret, segment->code, segment->attempt);
	agenda_add(&plan->agenda, due_ns, &action);
}

/* To the SSH port, and to a control port that answers, where there is one. */
static void send_pair(struct plan *plan, int64_t due_ns, struct heavy_segment segment,
		      uint16_t control)
{
	segment.remote_port = plan->run->port;
	send_segment(plan, due_ns, &segment);
	segment.remote_port = control;
	if (control != 0)
		send_segment(plan, due_ns + PAIR_GAP, &segment);
}

void heavy_begin(struct plan *plan, const struct moment *moment)
{
	uint16_t control = sweep_answering_control(plan);
	plan->heavy = HEAVY_BEGUN;
	for (unsigned test = 0; test < HEAVY_TESTS; test++)
		for (uint8_t n = 0; n < tests[test].tries; n++) {
			struct heavy_segment segment = {
				.test = (enum heavy_test)test,
				.ttl = plan->config.full_ttl,
				/* a whole SYN arrives, and is sent again as it was: syn_number() */
				.code = test == HEAVY_PLAIN ? 0 : n,
			};
			send_pair(plan, moment->now_ns + n * tests[test].gap_ns, segment, control);
		}
}

void heavy_sweep_ack(struct plan *plan, const struct moment *moment)
{
	plan->heavy = HEAVY_ACK_SWEPT;
	for (uint8_t ttl = 1; ttl <= sweep_end(plan, moment); ttl++)
		send_segment(plan, moment->now_ns + TTL_GAP * ttl,
			     &(struct heavy_segment){ .test = HEAVY_ACK,
						      .remote_port = plan->run->port,
						      .ttl = ttl,
						      .code = ttl,
						      .attempt = 1 });
}

/* -- when ---------------------------------------------------------------------------------- */

static bool is_asked_for(const struct plan *plan, const struct moment *moment)
{
	return plan->config.deep && plan->config.crafted &&
	       answer_to(moment, QUESTION_SYN) == ANSWER_SYN_SILENT;
}

bool heavy_is_due(const struct plan *plan, const struct moment *moment)
{
	return is_asked_for(plan, moment) && plan->heavy == HEAVY_NOT_BEGUN &&
	       !is_confident(plan, moment);
}

bool heavy_ack_is_due(const struct plan *plan, const struct moment *moment)
{
	const struct exchange *exchange = slot_exchange(plan, SLOT_HEAVY + 2 * HEAVY_ACK);
	if (!is_asked_for(plan, moment) || plan->heavy != HEAVY_BEGUN || exchange == NULL)
		return false;
	for (unsigned i = 0; i < exchange->sent_count; i++)
		if (exchange->sent[i].reply == REPLY_RESET)
			return true;
	return false;
}

bool heavy_is_awaited(const struct plan *plan, const struct moment *moment)
{
	return is_asked_for(plan, moment) && plan->heavy != HEAVY_NOT_BEGUN &&
	       answer_to(moment, QUESTION_FRAGMENT) == ANSWER_NONE;
}
