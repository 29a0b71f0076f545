#include "plan/opinion.h"

#include "plan/actions.h"
#include "plan/flows.h"
#include "plan/settled.h"

/* Client and server have heard each other. What is missing takes some round trips, which ssh's own
 * conversation can use as well. */
static bool library_is_half_through(const struct plan *plan)
{
	const struct connection *c = kernel_connection(plan);
	return c != NULL && c->dialog.side[SSH_SERVER].milestone >= SSH_KEXINIT &&
	       c->server_end_ns == 0 && c->client_end_ns == 0;
}

bool opinion_is_wanted(const struct plan *plan, const struct moment *moment)
{
	return plan->config.opinion && plan->opinion == OPINION_UNASKED &&
	       kernel_connection(plan) != NULL &&
	       (library_is_half_through(plan) || all_is_well(moment)) &&
	       plan->kernel_used < CONNECTIONS && flows_are_left(plan, moment->now_ns);
}

void opinion_begin(struct plan *plan, const struct moment *moment)
{
	struct action action = action_connect(plan, PURPOSE_OPINION, plan->run->port);
	plan->opinion = OPINION_ASKED;
	agenda_add(&plan->agenda, moment->now_ns, &action);
}

bool opinion_is_due(const struct plan *plan, const struct exchange *exchange)
{
	return plan->config.opinion && plan->opinion == OPINION_UNASKED &&
	       exchange == kernel_exchange(plan) && library_is_half_through(plan);
}

bool opinion_is_heard(struct plan *plan, const struct exchange *exchange)
{
	if (plan->opinion != OPINION_ASKED || exchange->purpose != PURPOSE_OPINION ||
	    !connection_is_keyed(exchange->connection))
		return false;
	plan->opinion = OPINION_HEARD;
	return true;
}
