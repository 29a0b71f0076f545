#include "plan/settled.h"

bool machine_settled(const struct plan *plan, const struct moment *moment)
{
	enum answer route = answer_to(moment, QUESTION_ROUTE);
	enum answer out = answer_to(moment, QUESTION_OUT);
	const struct exchange *kernel = kernel_exchange(plan);
	if (route != ANSWER_ROUTE_OK && route != ANSWER_NONE)
		return kernel != NULL && (kernel->answered || route != ANSWER_ROUTE_REFUSED);
	if (out == ANSWER_NONE)
		return false;
	return kernel == NULL || kernel->connection == NULL || out == ANSWER_OUT_DIVERTED ||
	       answer_to(moment, QUESTION_IN) != ANSWER_NONE;
}

/* Some other port was asked as far away as the SSH port's answer comes from. */
static bool is_compared(const struct paths *paths)
{
	uint8_t ttl = paths->ssh.terminal;
	bool compared = ttl == 0 || paths->farthest >= ttl;
	for (size_t i = 0; i < paths->control_count; i++)
		compared |= paths->control[i].terminal >= ttl;
	return compared;
}

bool place_settled(const struct plan *plan, const struct moment *moment)
{
	enum answer who = answer_to(moment, QUESTION_WHO);
	/* The target's own word needs no comparison; this machine has no path to itself. */
	if (answer_to(moment, QUESTION_SYN) == ANSWER_SYN_TARGET_UNREACHABLE ||
	    port_has_shut(moment) || plan->run->vantage == VANTAGE_VM)
		return true;
	if (who == ANSWER_NONE)
		return false;
	if (!is_compared(&moment->facts.paths))
		return plan->sweep.passes > 1;
	/* Nearer than others by what may be loss: the next pass looks again. */
	bool unclear = who == ANSWER_WHO_UNCLEAR || who == ANSWER_WHO_BEYOND;
	return !unclear || plan->sweep.passes >= SWEEP_PASSES;
}

bool reference_settled(const struct plan *plan, const struct moment *moment, int64_t patience_ns)
{
	return plan->config.reference == 0 || moment->now_ns - plan->started_ns >= patience_ns ||
	       answer_to(moment, QUESTION_REFERENCE) != ANSWER_NONE;
}

/* No packet of it is seen, as where this machine gives it another source port. The handshake hears
 * all the same whether all is well. */
static bool is_heard_only(const struct moment *moment, const struct exchange *kernel)
{
	return kernel->answered && kernel->connect_error == 0 && kernel->sent_count == 0 &&
	       !kernel->talk_ended && answer_to(moment, QUESTION_OUT) == ANSWER_NONE &&
	       moment->now_ns - kernel->answered_ns < MUTE_PATIENCE;
}

bool conversation_settled(const struct plan *plan, const struct moment *moment)
{
	const struct exchange *kernel = kernel_exchange(plan);
	enum answer syn = answer_to(moment, QUESTION_SYN);
	if (kernel != NULL && is_heard_only(moment, kernel))
		return false;
	if (kernel == NULL || answer_to(moment, QUESTION_OUT) != ANSWER_OUT_LEAVES ||
	    port_has_shut(moment))
		return true;
	/* The port answers crafted SYNs: the kernel's was lost, and it will try again. Until then
	 * nobody knows what this machine does with the answer. */
	if (!kernel->answered && answer_to(moment, QUESTION_IN) == ANSWER_NONE)
		return syn != ANSWER_SYN_SYN_ACK && syn != ANSWER_SYN_RESET;
	bool talks = kernel->connection != NULL && kernel->answered && kernel->connect_error == 0;
	return !talks || answer_to(moment, QUESTION_SSH) != ANSWER_NONE;
}

/* With a key that is not the VM's it may be another's answer. */
bool all_is_well(const struct moment *moment)
{
	enum answer key = answer_to(moment, QUESTION_KEY);
	return answer_to(moment, QUESTION_SSH) == ANSWER_SSH_AUTH && key != ANSWER_KEY_CHANGED &&
	       key != ANSWER_KEY_WRONG;
}

bool is_confident(const struct plan *plan, const struct moment *moment)
{
	struct verdict verdict;
	reason(&moment->facts, plan->run, NULL, &verdict);
	return verdict.outcome == OUTCOME_FAULT && verdict.confidence >= CONFIDENT;
}
