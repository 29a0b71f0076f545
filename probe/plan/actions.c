#include "plan/actions.h"

#include "plan/cookie.h"

struct action action_connect(struct plan *plan, enum purpose purpose, uint16_t remote_port)
{
	return (struct action){
		.kind = ACTION_CONNECT,
		.way = WAY_KERNEL,
		.purpose = purpose,
		.opens = true,
		.local_port = kernel_port(plan, plan->kernel_used++),
		.remote_port = remote_port,
	};
}

struct action action_connect_reference(const struct plan *plan)
{
	return (struct action){
		.kind = ACTION_CONNECT,
		.way = WAY_KERNEL,
		.purpose = PURPOSE_REFERENCE,
		.opens = true,
		.to_reference = true,
		.local_port = kernel_port(plan, PLAN_KERNEL_PORTS - 1),
		.remote_port = plan->config.reference,
	};
}

struct action action_talk(const struct exchange *exchange)
{
	return (struct action){
		.kind = ACTION_TALK,
		.purpose = exchange->purpose,
		.local_port = exchange->local_port,
		.remote_port = exchange->remote_port,
	};
}

static bool is_as_of_ssh(const struct plan *plan, enum purpose purpose, uint16_t remote_port)
{
	return remote_port == plan->run->port && purpose != PURPOSE_UNMARKED;
}

bool kernel_offers_ecn(const struct plan *plan)
{
	const struct exchange *kernel = kernel_exchange(plan);
	return kernel != NULL && kernel->sent_count > 0 && kernel->sent[0].ecn;
}

struct action action_segment(struct plan *plan, const struct segment_name *name)
{
	plan->ip_id = (uint16_t)(plan->ip_id + 2); /* stays odd: never 0 */
	return (struct action){
		.kind = ACTION_SEND,
		.way = WAY_LINK,
		.purpose = name->purpose,
		.local_port = name->local_port,
		.remote_port = name->remote_port,
		.ttl = name->ttl,
		.tos = is_as_of_ssh(plan, name->purpose, name->remote_port) ? plan->config.tos : 0,
		.flags = name->flags,
		.ip_id = plan->ip_id,
		.window = CLIENT_WINDOW,
	};
}

/* A SYN that is to arrive is sent again as it was: another number on the same ports makes a
 * healthy server reset the first (RFC 9293 3.10.7.4). */
static uint32_t syn_number(const struct plan *plan, const struct syn *syn, uint16_t local_port)
{
	uint32_t secret =
		cookie(plan->config.key, &plan->run->address, local_port, syn->remote_port);
	return syn->ttl == 0 ? cookie_sequence(secret, FULL_TTL_CODE, 0)
			     : cookie_sequence(secret, syn->ttl, syn->attempt);
}

void send_syn(struct plan *plan, int64_t due_ns, const struct syn *syn)
{
	struct segment_name name = {
		.purpose = syn->purpose,
		.local_port = slot_port(plan, syn->slot),
		.remote_port = syn->remote_port,
		.ttl = syn->ttl != 0 ? syn->ttl : plan->config.full_ttl,
		.flags = TCP_SYN,
	};
	if (is_as_of_ssh(plan, syn->purpose, syn->remote_port) && kernel_offers_ecn(plan))
		name.flags = TCP_SYN_ECN;
	struct action action = action_segment(plan, &name);
	action.way = syn->way;
	action.opens = true;
	action.sequence = syn_number(plan, syn, name.local_port);
	agenda_add(&plan->agenda, due_ns, &action);
}

uint8_t pass_number(const struct plan *plan)
{
	return (uint8_t)(plan->sweep.passes + plan->words.passes);
}

static void reset_half_open(struct plan *plan, const struct exchange *exchange)
{
	struct segment_name name = {
		.purpose = exchange->purpose,
		.local_port = exchange->local_port,
		.remote_port = exchange->remote_port,
		.ttl = plan->config.full_ttl,
		.flags = TCP_RST,
	};
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		if (exchange->sent[i].reply != REPLY_SYN_ACK)
			continue;
		struct action action = action_segment(plan, &name);
		action.sequence = exchange->sent[i].sequence + 1;
		agenda_add(&plan->agenda, 0, &action);
	}
}

void send_resets(struct plan *plan)
{
	for (size_t i = 0; i < plan->track.count; i++) {
		const struct exchange *exchange = plan->track.exchanges[i];
		if (exchange->way == WAY_RAW || exchange->way == WAY_LINK)
			reset_half_open(plan, exchange);
	}
}

bool is_swept_syn(const struct plan *plan, const struct action *action)
{
	return action->kind == ACTION_SEND && action->ttl < plan->config.full_ttl &&
	       (action->flags & TCP_SYN) != 0;
}
