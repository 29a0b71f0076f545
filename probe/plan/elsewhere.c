#include "plan/elsewhere.h"

#include "plan/actions.h"

/* Where sshd is moved to, as a rule. */
static const uint16_t usual_ports[] = {
	2222, 222, 2022, 22222, 2200, 22022, 10022, 50022, 8022, 122
};
#define USUAL_PORTS (sizeof(usual_ports) / sizeof(*usual_ports))
_Static_assert(USUAL_PORTS <= CANDIDATES, "a candidate for each");

static void add_candidate(struct elsewhere *elsewhere, uint16_t port)
{
	if (elsewhere->count < CANDIDATES)
		elsewhere->candidate[elsewhere->count++] = (struct candidate){ .port = port };
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

/* What a candidate answers to SYNs. */
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
					 .remote_port = plan->elsewhere.candidate[i].port,
				 });
}

/* Somebody listens on the candidate: its SYN was answered, or, once the port that was asked
 * for is known to be closed, the machine itself says so. */
static bool is_open(const struct plan *plan, unsigned index, const struct moment *moment)
{
	return plan->elsewhere.told ? answer_to(moment, QUESTION_SYN) == ANSWER_SYN_RESET
				    : candidate_reply(plan, index) == REPLY_SYN_ACK;
}

void elsewhere_connect(struct plan *plan, const struct moment *moment)
{
	struct elsewhere *elsewhere = &plan->elsewhere;
	for (unsigned i = 0; i < elsewhere->count && plan->kernel_used < CONNECTIONS; i++) {
		struct candidate *candidate = &elsewhere->candidate[i];
		if (candidate->connected || !is_open(plan, i, moment))
			continue;
		candidate->connected = true;
		elsewhere->connected_ns = moment->now_ns;
		struct action action = action_connect(plan, PURPOSE_ELSEWHERE, candidate->port);
		agenda_add(&plan->agenda, moment->now_ns, &action);
	}
}

bool elsewhere_is_awaited(const struct plan *plan, const struct moment *moment)
{
	int64_t wait = packets_lost(moment) ? LOSSY_TIMES * LISTEN_WAIT : LISTEN_WAIT;
	return moment->now_ns - plan->elsewhere.connected_ns < wait;
}

/* Of those who listen on the VM there may be more than connections are made: then the question
 * stays without an answer. */
bool elsewhere_settled(const struct plan *plan, const struct moment *moment)
{
	if (answer_to(moment, QUESTION_SYN) != ANSWER_SYN_RESET ||
	    answer_to(moment, QUESTION_INSTEAD) != ANSWER_NONE)
		return true;
	if (plan->elsewhere.told)
		return moment->now_ns - plan->elsewhere.connected_ns >= 2 * LISTEN_WAIT;
	return !plan->config.crafted || plan->run->vantage == VANTAGE_VM;
}
