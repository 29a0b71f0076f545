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
struct sample {
	enum heavy_test test;
	uint16_t remote_port;
	uint8_t ttl, code, attempt;
};

static void send_sample(struct plan *plan, int64_t due_ns, const struct sample *sample)
{
	bool control = sample->remote_port != plan->run->port;
	struct segment_name name = {
		.purpose = tests[sample->test].purpose,
		.local_port = slot_port(plan, SLOT_HEAVY + 2 * sample->test + control),
		.remote_port = sample->remote_port,
		.ttl = sample->ttl,
		.flags = tests[sample->test].flags,
	};
	uint32_t secret =
		cookie(plan->config.key, &plan->run->address, name.local_port, name.remote_port);
	struct action action = action_segment(plan, &name);
	action.opens = true;
	action.fragment = sample->test == HEAVY_FRAGMENT;
	action.plain = sample->test == HEAVY_PLAIN;
	action.sequence = cookie_sequence(secret, sample->code, sample->attempt);
	if (name.flags & TCP_ACK)
		action.acknowledgement = cookie_sequence(~secret, sample->code, sample->attempt);
	agenda_add(&plan->agenda, due_ns, &action);
}

/* To the SSH port, and to a control port that answers, where there is one. */
static void send_pair(struct plan *plan, int64_t due_ns, struct sample sample, uint16_t control)
{
	sample.remote_port = plan->run->port;
	send_sample(plan, due_ns, &sample);
	sample.remote_port = control;
	if (control != 0)
		send_sample(plan, due_ns + PAIR_GAP, &sample);
}

static void heavy_begin(struct plan *plan, int64_t now_ns)
{
	uint16_t control = sweep_answering_control(plan);
	plan->heavy_begun = true;
	for (unsigned test = 0; test < HEAVY_TESTS; test++)
		for (uint8_t n = 0; n < tests[test].tries; n++) {
			struct sample sample = {
				.test = (enum heavy_test)test,
				.ttl = plan->config.full_ttl,
				/* a whole SYN arrives, and is sent again as it was: syn_number() */
				.code = test == HEAVY_PLAIN ? 0 : n,
			};
			send_pair(plan, now_ns + n * tests[test].gap_ns, sample, control);
		}
}

/* A reset for the ACK has come. From how far away? */
static void sweep_ack(struct plan *plan, const struct moment *moment)
{
	const struct exchange *exchange = slot_exchange(plan, SLOT_HEAVY + 2 * HEAVY_ACK);
	bool answered = false;
	for (unsigned i = 0; exchange != NULL && i < exchange->sent_count; i++)
		answered |= exchange->sent[i].reply == REPLY_RESET;
	if (!answered || plan->ack_swept)
		return;
	plan->ack_swept = true;
	for (uint8_t ttl = 1; ttl <= sweep_end(plan, moment); ttl++)
		send_sample(plan, moment->now_ns + TTL_GAP * ttl,
			    &(struct sample){ .test = HEAVY_ACK,
					      .remote_port = plan->run->port,
					      .ttl = ttl,
					      .code = ttl,
					      .attempt = 1 });
}

bool heavy_settled(struct plan *plan, const struct moment *moment)
{
	if (!plan->config.deep || !plan->config.crafted ||
	    answer_to(moment, QUESTION_SYN) != ANSWER_SYN_SILENT ||
	    (!plan->heavy_begun && is_confident(plan, moment)))
		return true;
	if (!plan->heavy_begun)
		heavy_begin(plan, moment->now_ns);
	sweep_ack(plan, moment);
	return agenda_empty(&plan->agenda) && answer_to(moment, QUESTION_FRAGMENT) != ANSWER_NONE;
}
