#include "plan/small.h"

#include "plan/actions.h"
#include "plan/flows.h"

/* The server has spoken, and then nothing came for long: size, loss, or the end of it. */
static bool stands_still(const struct plan *plan, int64_t now_ns)
{
	const struct exchange *kernel = kernel_exchange(plan);
	const struct connection *c = kernel_connection(plan);
	return c != NULL && kernel->answered && kernel->connect_error == 0 &&
	       c->server_data_frame != 0 && c->server_end_ns == 0 && c->client_end_ns == 0 &&
	       now_ns - c->progress_ns >= STANDSTILL;
}

static const struct exchange *small_exchange(const struct plan *plan)
{
	size_t first = 0;
	return track_next(&plan->track, PURPOSE_SMALL, &first);
}

bool small_is_wanted(const struct plan *plan, const struct moment *moment)
{
	if (small_exchange(plan) != NULL || plan->kernel_used >= CONNECTIONS ||
	    !flows_are_left(plan, moment->now_ns) || port_has_shut(moment))
		return false;
	switch (answer_to(moment, QUESTION_SSH)) {
	case ANSWER_NONE:
		return stands_still(plan, moment->now_ns);
	case ANSWER_SSH_LARGE_LOST:
	case ANSWER_SSH_STALLED:
	case ANSWER_SSH_KEX_STALLED:
	case ANSWER_SSH_UNHEARD:
		return true;
	default:
		return false;
	}
}

void small_begin(struct plan *plan, const struct moment *moment)
{
	int64_t due_ns = plan->started_ns + SMALL_AFTER;
	struct action action = action_connect(plan, PURPOSE_SMALL, plan->run->port);
	action.segment_max = SMALL_SEGMENT;
	agenda_add(&plan->agenda, due_ns > moment->now_ns ? due_ns : moment->now_ns, &action);
}

bool small_is_awaited(const struct plan *plan, const struct moment *moment)
{
	const struct exchange *small = small_exchange(plan);
	int64_t wait = packets_lost(moment) ? LOSSY_TIMES * SMALL_WAIT : SMALL_WAIT;
	return small != NULL && !small->talk_ended && moment->now_ns - small->opened_ns < wait;
}
