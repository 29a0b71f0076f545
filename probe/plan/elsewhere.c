#include "plan/elsewhere.h"

#include "plan/actions.h"

/* Where sshd is moved to, as a rule. */
static const uint16_t usual_ports[] = {
	2222, 222, 2022, 22222, 2200, 22022, 10022, 50022, 8022, 122
};
#define USUAL_PORTS (sizeof(usual_ports) / sizeof(*usual_ports))
_Static_assert(USUAL_PORTS <= CANDIDATES, "a candidate for each");

uint16_t elsewhere_usual(unsigned index)
{
	return index < USUAL_PORTS ? usual_ports[index] : 0;
}

static void add_candidate(struct elsewhere *elsewhere, uint16_t port)
{
	if (elsewhere->count < CANDIDATES)
		elsewhere->port[elsewhere->count++] = port;
}

void elsewhere_start(struct plan *plan)
{
	for (size_t i = 0; i < USUAL_PORTS; i++)
		if (usual_ports[i] != plan->run->port)
			add_candidate(&plan->elsewhere, usual_ports[i]);
}

/* On the VM itself nothing need be guessed; and a crafted SYN that is handed to the loopback
 * interface comes to nobody. */
void elsewhere_learn(struct plan *plan, const struct event *event)
{
	if (!plan->elsewhere.told)
		plan->elsewhere.count = 0;
	plan->elsewhere.told = true;
	if (event->value > 0 && event->value <= UINT16_MAX)
		add_candidate(&plan->elsewhere, (uint16_t)event->value);
}

/* -- SYNs to the candidates --------------------------------------------------------------- */

/* What a candidate answers to them. */
static enum reply candidate_reply(const struct plan *plan, unsigned index)
{
	const struct exchange *exchange = slot_exchange(plan, SLOT_ELSEWHERE + index);
	for (unsigned i = 0; exchange != NULL && i < exchange->sent_count; i++)
		if (exchange->sent[i].reply != REPLY_NONE)
			return exchange->sent[i].reply;
	return REPLY_NONE;
}

static bool candidate_asked(const struct plan *plan, unsigned index)
{
	const struct exchange *exchange = slot_exchange(plan, SLOT_ELSEWHERE + index);
	return exchange != NULL && exchange->sent_count > 0;
}

/* Each is asked once: a SYN that never left (a link that has just come up takes none) counts
 * for nothing. Where packets are lost, or the port that was asked for is closed, those that
 * nothing was heard of are asked again in each pass. */
void elsewhere_ask(struct plan *plan, const struct moment *moment)
{
	enum answer syn = answer_to(moment, QUESTION_SYN);
	bool again = packets_lost(moment) || syn == ANSWER_SYN_RESET;
	if (syn == ANSWER_SYN_SYN_ACK || plan->elsewhere.told)
		return;
	for (unsigned i = 0; i < plan->elsewhere.count; i++)
		if (candidate_reply(plan, i) == REPLY_NONE && (again || !candidate_asked(plan, i)))
			send_syn(plan, moment->now_ns + i * CANDIDATE_GAP,
				 &(struct syn){
					 .slot = SLOT_ELSEWHERE + i,
					 .way = WAY_LINK,
					 .purpose = PURPOSE_ELSEWHERE,
					 .remote_port = plan->elsewhere.port[i],
				 });
}

/* -- connections to them ------------------------------------------------------------------ */

/* The kernel's exchange with the candidate; NULL: there is none so far. */
static const struct exchange *connection_to(const struct plan *plan, uint16_t port)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(&plan->track, PURPOSE_ELSEWHERE, &i)) != NULL;)
		if (exchange->way == WAY_KERNEL && exchange->remote_port == port)
			return exchange;
	return NULL;
}

/* Whether the last of them began within `time_ns`. */
static bool connected_within(const struct plan *plan, int64_t now_ns, int64_t time_ns)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(&plan->track, PURPOSE_ELSEWHERE, &i)) != NULL;)
		if (exchange->way == WAY_KERNEL && now_ns - exchange->opened_ns < time_ns)
			return true;
	return false;
}

/* Somebody listens on the candidate, and no connection to it has begun: its SYN was answered,
 * or, once the port that was asked for is known to be closed, the machine itself says so. */
static bool is_to_be_heard(const struct plan *plan, unsigned index, const struct moment *moment)
{
	bool open = plan->elsewhere.told ? answer_to(moment, QUESTION_SYN) == ANSWER_SYN_RESET
					 : candidate_reply(plan, index) == REPLY_SYN_ACK;
	return open && connection_to(plan, plan->elsewhere.port[index]) == NULL;
}

bool elsewhere_is_open(const struct plan *plan, const struct moment *moment)
{
	for (unsigned i = 0; i < plan->elsewhere.count && plan->kernel_used < CONNECTIONS; i++)
		if (is_to_be_heard(plan, i, moment))
			return true;
	return false;
}

void elsewhere_connect(struct plan *plan, const struct moment *moment)
{
	for (unsigned i = 0; i < plan->elsewhere.count && plan->kernel_used < CONNECTIONS; i++) {
		if (!is_to_be_heard(plan, i, moment))
			continue;
		struct action action =
			action_connect(plan, PURPOSE_ELSEWHERE, plan->elsewhere.port[i]);
		agenda_add(&plan->agenda, moment->now_ns, &action);
	}
}

bool elsewhere_is_awaited(const struct plan *plan, const struct moment *moment)
{
	int64_t wait = packets_lost(moment) ? LOSSY_TIMES * LISTEN_WAIT : LISTEN_WAIT;
	return connected_within(plan, moment->now_ns, wait);
}

/* Of those who listen on the VM there may be more than connections are made: then the question
 * stays without an answer. */
bool elsewhere_settled(const struct plan *plan, const struct moment *moment)
{
	if (answer_to(moment, QUESTION_SYN) != ANSWER_SYN_RESET ||
	    answer_to(moment, QUESTION_INSTEAD) != ANSWER_NONE)
		return true;
	if (plan->elsewhere.told)
		return !connected_within(plan, moment->now_ns, 2 * LISTEN_WAIT);
	return !plan->config.crafted || plan->run->vantage == VANTAGE_VM;
}
