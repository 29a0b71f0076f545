#include "plan/unmarked.h"

#include "plan/actions.h"

/* On the VM itself a crafted SYN comes to nobody. */
static bool can_be_asked(const struct plan *plan)
{
	bool marked = plan->config.tos != 0 || kernel_offers_ecn(plan);
	return plan->config.crafted && marked && plan->run->vantage != VANTAGE_VM;
}

static bool is_refused(const struct moment *moment)
{
	switch (answer_to(moment, QUESTION_SYN)) {
	case ANSWER_SYN_RESET:
	case ANSWER_SYN_TARGET_UNREACHABLE:
	case ANSWER_SYN_ROUTER_PROHIBITED:
	case ANSWER_SYN_ROUTER_UNREACHABLE:
		return true;
	default:
		return false;
	}
}

bool unmarked_is_wanted(const struct plan *plan, const struct moment *moment)
{
	enum answer syn = answer_to(moment, QUESTION_SYN);
	bool nothing = syn == ANSWER_NONE || syn == ANSWER_SYN_SILENT;
	return can_be_asked(plan) && (nothing || is_refused(moment));
}

bool unmarked_is_due(const struct plan *plan, const struct moment *moment)
{
	return can_be_asked(plan) && is_refused(moment) && plan->unmarked == 0;
}

void unmarked_ask(struct plan *plan, const struct moment *moment)
{
	plan->unmarked++;
	send_syn(plan, moment->now_ns,
		 &(struct syn){
			 .slot = SLOT_UNMARKED,
			 .way = WAY_LINK,
			 .purpose = PURPOSE_UNMARKED,
			 .remote_port = plan->run->port,
		 });
}

/* A lost one is asked again in the next pass. */
bool unmarked_settled(const struct plan *plan, const struct moment *moment)
{
	return plan->unmarked == 0 || plan->sweep.passes >= SWEEP_PASSES ||
	       !unmarked_is_wanted(plan, moment) ||
	       answer_to(moment, QUESTION_UNMARKED) != ANSWER_NONE;
}
