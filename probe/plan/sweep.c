#include "plan/sweep.h"

#include "plan/actions.h"
#include "plan/elsewhere.h"
#include "plan/flows.h"
#include "plan/unmarked.h"

/* -- what the passes so far have found ------------------------------------------------- */

static bool is_sweep_to(const struct exchange *exchange, uint16_t remote_port)
{
	return (exchange->purpose == PURPOSE_SWEEP || exchange->purpose == PURPOSE_CONTROL) &&
	       exchange->remote_port == remote_port;
}

/* Least TTL of the exchange's SYNs that drew an end-to-end answer; 0 none. */
static uint8_t terminal_ttl(const struct exchange *exchange)
{
	uint8_t least = 0;
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (!sent->data && reply_is_terminal(sent->reply) &&
		    (least == 0 || sent->ttl < least))
			least = sent->ttl;
	}
	return least;
}

/* The same over all sweeps to one port, from whichever local port. */
static uint8_t least_terminal(const struct plan *plan, uint16_t remote_port)
{
	uint8_t least = 0;
	for (size_t i = 0; i < plan->track.count; i++) {
		const struct exchange *exchange = plan->track.exchanges[i];
		uint8_t ttl = is_sweep_to(exchange, remote_port) ? terminal_ttl(exchange) : 0;
		if (ttl != 0 && (least == 0 || ttl < least))
			least = ttl;
	}
	return least;
}

static bool exchange_answered(const struct exchange *exchange, uint8_t ttl, bool by_router)
{
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->ttl == ttl && sent->reply != REPLY_NONE &&
		    (!by_router || sent->reply == REPLY_EXCEEDED))
			return true;
	}
	return false;
}

/* Whether a sweep to the port, from any local port, has an answer for `ttl`. */
static bool ttl_answered(const struct plan *plan, uint16_t remote_port, uint8_t ttl, bool by_router)
{
	for (size_t n = 0; n < plan->track.count; n++)
		if (is_sweep_to(plan->track.exchanges[n], remote_port) &&
		    exchange_answered(plan->track.exchanges[n], ttl, by_router))
			return true;
	return false;
}

static bool control_answers(const struct plan *plan, unsigned index)
{
	return least_terminal(plan, plan->config.control_ports[index]) != 0;
}

uint16_t sweep_answering_control(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->config.control_count; i++)
		if (control_answers(plan, i))
			return plan->config.control_ports[i];
	return 0;
}

bool sweep_is_over(const struct plan *plan, const struct action *action)
{
	if (!is_swept_syn(plan, action))
		return false;
	uint8_t terminal = least_terminal(plan, action->remote_port);
	return terminal != 0 && action->ttl > terminal;
}

/* The first pass looks as far as ways go, later ones a little behind all that has answered. */
uint8_t sweep_end(const struct plan *plan, const struct moment *moment)
{
	const struct paths *paths = &moment->facts.paths;
	uint8_t known = paths->farthest > paths->distance ? paths->farthest : paths->distance;
	uint8_t end = (uint8_t)(known + BEYOND_KNOWN);
	return plan->sweep.passes > 1 && end < SWEEP_TTL ? end : SWEEP_TTL;
}

/* -- sending ---------------------------------------------------------------------------- */

/* A SYN for each TTL from `begin` to `end`. What another pass need not ask again is left out:
 * - to the SSH port, TTLs at which a SYN to it has drawn any answer before;
 * - to the control that is compared with it, TTLs at which a router has answered a SYN to the
 *   SSH port. Where the SSH port's own answer comes from, the control is asked all the same:
 *   whether its answer comes from there too is the question. */
struct ttl_range {
	unsigned slot;
	enum purpose purpose;
	uint16_t remote_port;
	uint16_t known_port; /* whose answers are known: the SSH port, or the port itself */
	uint8_t begin, end;
};

static void send_range(struct plan *plan, int64_t now_ns, const struct ttl_range *range)
{
	bool by_router = range->remote_port != range->known_port;
	struct syn syn = {
		.slot = range->slot,
		.way = WAY_LINK,
		.purpose = range->purpose,
		.remote_port = range->remote_port,
		.attempt = pass_number(plan),
	};
	int64_t due_ns = now_ns;
	for (syn.ttl = range->begin; syn.ttl <= range->end; syn.ttl++) {
		if (ttl_answered(plan, range->known_port, syn.ttl, by_router))
			continue;
		send_syn(plan, due_ns, &syn);
		due_ns += TTL_GAP;
	}
}

/* One SYN with a small TTL, on the ports of a slot that sends none but these. */
static void send_compared(struct plan *plan, int64_t due_ns, unsigned slot, uint8_t ttl)
{
	bool control = slot >= SLOT_COMPARED;
	struct syn syn = {
		.slot = slot,
		.way = WAY_LINK,
		.purpose = control ? PURPOSE_CONTROL : PURPOSE_SWEEP,
		.remote_port = control ? plan->config.control_ports[0] : plan->run->port,
		.ttl = ttl,
	};
	send_syn(plan, due_ns, &syn);
}

/* The first control's ports are new in this pass, and where flows are spread over ways it may
 * go another one. That the last router which answered the SSH port answers these ports too
 * shows that it goes the same way as far as there. */
static void show_the_way(struct plan *plan, int64_t due_ns, unsigned slot,
			 const struct moment *moment)
{
	const struct path *ssh = &moment->facts.paths.ssh;
	if (ssh->last_router != 0 && plan->config.control_count > 0 && ssh->terminal == 0)
		send_compared(plan, due_ns, slot, ssh->last_router);
}

/* Where routers answer the control and not the SSH port, the first of them is compared once
 * more in a pass, by other flows: on a short way there may be no other router to compare, and
 * where flows are spread over ways, one way may have a router that never answers. */
static void compare_again(struct plan *plan, int64_t due_ns, int64_t behind_ns,
			  const struct moment *moment)
{
	const struct paths *paths = &moment->facts.paths;
	uint8_t ttl = (uint8_t)(paths->ssh.last_router + 1);
	if (ttl > PATH_TTL_MAX || paths->control_count == 0 || paths->ssh.terminal != 0 ||
	    paths->control[0].hop[ttl].reply != REPLY_EXCEEDED)
		return;
	unsigned pass = plan->sweep.passes - 1;
	send_compared(plan, due_ns, SLOT_AGAIN + pass, ttl);
	send_compared(plan, due_ns + behind_ns, SLOT_COMPARED_AGAIN + pass, ttl);
	show_the_way(plan, due_ns + behind_ns, SLOT_COMPARED_AGAIN + pass, moment);
}

static bool is_unmeasured(const struct plan *plan, unsigned index)
{
	return !plan->sweep.measured[index] && control_answers(plan, index);
}

bool sweep_control_is_unmeasured(const struct plan *plan, const struct moment *moment)
{
	(void)moment;
	for (unsigned i = 1; i < plan->config.control_count; i++)
		if (is_unmeasured(plan, i))
			return true;
	return false;
}

void sweep_measure_controls(struct plan *plan, const struct moment *moment)
{
	for (unsigned i = 1; i < plan->config.control_count; i++) {
		if (!is_unmeasured(plan, i))
			continue;
		plan->sweep.measured[i] = true;
		/* Only behind the routers that are known: these lose none of their ICMP limit. */
		send_range(plan, moment->now_ns,
			   &(struct ttl_range){
				   .slot = SLOT_CONTROL + i,
				   .purpose = PURPOSE_CONTROL,
				   .remote_port = plan->config.control_ports[i],
				   .known_port = plan->config.control_ports[i],
				   .begin = (uint8_t)(moment->facts.paths.farthest + 1),
				   .end = SWEEP_TTL,
			   });
	}
}

/* -- a pass ------------------------------------------------------------------------------ */

/* It was seen on the wire: another by the raw way would show nothing more. */
static bool kernel_syn_left(const struct plan *plan)
{
	const struct exchange *kernel = kernel_exchange(plan);
	return kernel != NULL && kernel->sent_count > 0 && !kernel->sent[0].diverted &&
	       !kernel->sent[0].loopback;
}

/* None has been answered so far. */
static bool arrival_is_open(const struct moment *moment)
{
	enum answer syn = answer_to(moment, QUESTION_SYN);
	return syn == ANSWER_NONE || syn == ANSWER_SYN_SILENT;
}

/* The raw way is asked at once where the kernel's SYN does not leave. Elsewhere its SYN is one more
 * that meets silence. */
static bool raw_is_wanted(const struct plan *plan, const struct moment *moment)
{
	if (!kernel_syn_left(plan))
		return plan->sweep.passes == 1;
	return plan->sweep.passes == 2 && arrival_is_open(moment);
}

/* SYNs to the SSH port that are to arrive: by the raw way once, by the link way in each pass. */
static void ask_ssh_port(struct plan *plan, const struct moment *moment)
{
	int64_t now_ns = moment->now_ns;
	struct syn raw = {
		.slot = SLOT_RAW,
		.way = WAY_RAW,
		.purpose = PURPOSE_SSH,
		.remote_port = plan->run->port,
	};
	struct syn link = raw;
	link.slot = SLOT_LINK;
	link.way = WAY_LINK;
	if (raw_is_wanted(plan, moment))
		send_syn(plan, now_ns, &raw);
	if (arrival_is_open(moment) || answer_to(moment, QUESTION_SYN) == ANSWER_SYN_SYN_ACK)
		send_syn(plan, now_ns, &link);
}

static void sweep_ssh_port(struct plan *plan, int64_t now_ns, uint8_t end)
{
	send_range(plan, now_ns,
		   &(struct ttl_range){
			   .slot = SLOT_SWEEP +
				   (flows_are_accepted(plan) ? 0 : plan->sweep.passes - 1),
			   .purpose = PURPOSE_SWEEP,
			   .remote_port = plan->run->port,
			   .known_port = plan->run->port,
			   .begin = 1,
			   .end = end,
		   });
}

/* The first control goes with the SSH port at every TTL, so that a router's silence is never
 * only its ICMP limit. */
static void sweep_first_control(struct plan *plan, int64_t due_ns, uint8_t end)
{
	if (plan->config.control_count > 0)
		send_range(plan, due_ns,
			   &(struct ttl_range){
				   .slot = SLOT_COMPARED + plan->sweep.passes - 1,
				   .purpose = PURPOSE_CONTROL,
				   .remote_port = plan->config.control_ports[0],
				   .known_port = plan->run->port,
				   .begin = 1,
				   .end = end,
			   });
}

/* Sweeps to the other controls would use up the routers' ICMP limit: they are only asked whether
 * they answer at all. From where they do is asked afterwards (sweep_measure_controls()). */
static void ask_other_controls(struct plan *plan, int64_t due_ns)
{
	for (unsigned i = 1; i < plan->config.control_count; i++)
		if (!control_answers(plan, i))
			send_syn(plan, due_ns,
				 &(struct syn){
					 .slot = SLOT_CONTROL + i,
					 .way = WAY_LINK,
					 .purpose = PURPOSE_CONTROL,
					 .remote_port = plan->config.control_ports[i],
				 });
}

void sweep_begin_pass(struct plan *plan, const struct moment *moment)
{
	int64_t now_ns = moment->now_ns;
	plan->sweep.passes++;
	plan->pass_ns = now_ns;
	if (!plan->config.crafted)
		return;
	bool first = plan->sweep.passes == 1;
	int64_t behind_ns = first ? FIRST_CONTROL_BEHIND : CONTROL_BEHIND;
	uint8_t end = sweep_end(plan, moment);
	ask_ssh_port(plan, moment);
	if (!first && unmarked_is_wanted(plan, moment))
		unmarked_ask(plan, moment);
	sweep_ssh_port(plan, now_ns, end);
	sweep_first_control(plan, now_ns + behind_ns, end);
	if (!first) {
		show_the_way(plan, now_ns + behind_ns, SLOT_COMPARED + plan->sweep.passes - 1,
			     moment);
		compare_again(plan, now_ns + COMPARED_AGAIN, behind_ns, moment);
	}
	ask_other_controls(plan, now_ns + behind_ns);
	elsewhere_ask(plan, moment);
}

/* -- the gap between two SYNs ------------------------------------------------------------- */

static unsigned slot_of(const struct plan *plan, const struct action *action)
{
	return action->local_port - plan->config.crafted_ports;
}

int64_t sweep_departure(const struct plan *plan, int64_t now_ns, const struct action *action)
{
	if (!is_swept_syn(plan, action))
		return now_ns;
	int64_t sent_ns = plan->sweep.sent_ns[slot_of(plan, action)];
	bool burst = sent_ns != 0 && now_ns - sent_ns < TTL_GAP_AT_LEAST;
	return burst ? sent_ns + TTL_GAP : now_ns;
}

void sweep_note_departure(struct plan *plan, int64_t now_ns, const struct action *action)
{
	if (is_swept_syn(plan, action))
		plan->sweep.sent_ns[slot_of(plan, action)] = now_ns;
}
