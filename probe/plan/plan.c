#include "plan/plan.h"

#include <stdlib.h>

#include "plan/actions.h"
#include "plan/cookie.h"
#include "plan/elsewhere.h"
#include "plan/flows.h"
#include "plan/heavy.h"
#include "plan/opinion.h"
#include "plan/settled.h"
#include "plan/small.h"
#include "plan/sweep.h"
#include "plan/unmarked.h"
#include "plan/words.h"

static void learn_event(struct plan *plan, const struct event *event)
{
	track_event(&plan->track, event);
	if (event->kind == EVENT_LISTENER)
		elsewhere_learn(plan, event);
}

static void begin_connections(struct plan *plan, int64_t now_ns)
{
	struct action ssh = action_connect(plan, PURPOSE_SSH, plan->run->port);
	struct action reference = action_connect_reference(plan);
	agenda_add(&plan->agenda, now_ns, &ssh);
	if (plan->config.reference != 0)
		agenda_add(&plan->agenda, now_ns, &reference);
}

struct plan *plan_new(const struct run *run, const struct plan_config *config, int64_t now_ns)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	if (plan == NULL)
		return NULL;
	plan->run = run;
	plan->config = *config;
	plan->started_ns = now_ns;
	plan->next_hop_ns = now_ns + NEIGHBOUR_WAIT;
	plan->ip_id = (uint16_t)(cookie(config->key, &run->address, 0, 0) | 1);
	track_start(&plan->track, run, &plan->arena);
	elsewhere_start(plan);
	for (size_t i = 0; i < run->event_count; i++)
		learn_event(plan, &run->events[i]);
	begin_connections(plan, now_ns);
	return plan;
}

void plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	arena_free(&plan->arena);
	arena_free(&plan->looking);
	free(plan);
}

/* -- what the plan waits for ---------------------------------------------------------- */

/* The kernel refuses to send to the target at all. */
static bool is_hopeless(const struct moment *moment)
{
	enum answer route = answer_to(moment, QUESTION_ROUTE);
	return route != ANSWER_ROUTE_OK && route != ANSWER_NONE;
}

static bool is_decided(const struct plan *plan, const struct moment *moment)
{
	return all_is_well(moment) || (is_hopeless(moment) && machine_settled(plan, moment));
}

static bool reference_is_awaited_briefly(const struct plan *plan, const struct moment *moment)
{
	return !reference_settled(plan, moment, REFERENCE_WAIT_DECIDED) && is_decided(plan, moment);
}

static bool is_out_of_time(const struct plan *plan, const struct moment *moment)
{
	return moment->now_ns >= plan->config.deadline_ns;
}

/* Frames that are handed to the interface need the next hop's address. */
static bool next_hop_is_awaited(const struct plan *plan, const struct moment *moment)
{
	return plan->config.crafted && moment->now_ns < plan->next_hop_ns;
}

/* The kernel was refused, or has waited for longer than a healthy VM takes. */
static bool connection_failed(const struct plan *plan, const struct moment *moment)
{
	const struct exchange *kernel = kernel_exchange(plan);
	if (kernel != NULL && kernel->answered)
		return kernel->connect_error != 0;
	int64_t began_ns = kernel != NULL ? kernel->opened_ns : plan->started_ns;
	return moment->now_ns - began_ns >= ANSWER_WAIT;
}

/* When the conversation last came further; a far VM needs long for the whole of it. */
static int64_t last_progress(const struct exchange *kernel)
{
	const struct connection *c = kernel->connection;
	return c != NULL && c->progress_ns > kernel->answered_ns ? c->progress_ns
								 : kernel->answered_ns;
}

/* It did not end as a healthy one (is_decided() comes before), or takes longer than that. */
static bool conversation_failed(const struct plan *plan, const struct moment *moment)
{
	const struct exchange *kernel = kernel_exchange(plan);
	return kernel != NULL && kernel->answered && kernel->connect_error == 0 &&
	       (kernel->talk_ended || moment->now_ns - last_progress(kernel) >= TALK_WAIT ||
		moment->now_ns - kernel->answered_ns >= TALK_AT_MOST);
}

static bool replies_are_awaited(const struct plan *plan, const struct moment *moment)
{
	return !agenda_empty(&plan->agenda) || moment->now_ns - plan->last_send_ns < REPLY_GRACE;
}

static bool machine_is_awaited(const struct plan *plan, const struct moment *moment)
{
	return moment->now_ns - plan->started_ns < LOCAL_WAIT && !machine_settled(plan, moment);
}

/* Inside the connection it is asked from where the answers of the SSH port come. */
static bool words_pass_is_left(const struct plan *plan, const struct moment *moment)
{
	return words_pass_is_wanted(plan, moment) && place_settled(plan, moment);
}

static bool a_pass_is_due(const struct plan *plan, const struct moment *moment)
{
	return moment->now_ns - plan->pass_ns >= PASS_GAP;
}

static bool words_pass_is_due(const struct plan *plan, const struct moment *moment)
{
	return (plan->words.passes == 0 || a_pass_is_due(plan, moment)) &&
	       words_pass_is_left(plan, moment);
}

/* Once the conversation has told what it can, only loss makes another sweep worth it. */
static bool conversation_has_told(const struct plan *plan, const struct moment *moment)
{
	return answer_to(moment, QUESTION_SSH) != ANSWER_NONE &&
	       !words_pass_is_wanted(plan, moment) &&
	       (!packets_lost(moment) || plan->sweep.passes > 1);
}

static bool enough_is_known(const struct plan *plan, const struct moment *moment)
{
	return (answer_to(moment, QUESTION_SYN) != ANSWER_NONE || port_has_shut(moment)) &&
	       conversation_settled(plan, moment) && elsewhere_settled(plan, moment) &&
	       place_settled(plan, moment) && unmarked_settled(plan, moment) &&
	       (conversation_has_told(plan, moment) || is_confident(plan, moment));
}

static bool reference_is_awaited(const struct plan *plan, const struct moment *moment)
{
	return !reference_settled(plan, moment, REFERENCE_WAIT);
}

static bool only_reference_is_awaited(const struct plan *plan, const struct moment *moment)
{
	return reference_is_awaited(plan, moment) && enough_is_known(plan, moment);
}

static bool pass_is_left(const struct plan *plan, const struct moment *moment)
{
	(void)moment;
	return plan->sweep.passes < SWEEP_PASSES;
}

static bool pass_is_due(const struct plan *plan, const struct moment *moment)
{
	return pass_is_left(plan, moment) && a_pass_is_due(plan, moment);
}

static bool last_replies_are_awaited(const struct plan *plan, const struct moment *moment)
{
	return moment->now_ns - plan->last_send_ns < LAST_GRACE;
}

static bool conversation_is_awaited(const struct plan *plan, const struct moment *moment)
{
	return !conversation_settled(plan, moment);
}

static bool always(const struct plan *plan, const struct moment *moment)
{
	(void)plan;
	(void)moment;
	return true;
}

/* -- phases --------------------------------------------------------------------------- */

static void clean_up(struct plan *plan, const struct moment *moment)
{
	(void)moment;
	agenda_clear(&plan->agenda);
	send_resets(plan);
}

#define CONNECTION (1u << PLAN_CONNECTION)
#define SWEEP	   (1u << PLAN_SWEEP)
#define EITHER	   (CONNECTION | SWEEP)

/* All that the plan may do at a look. Its lines are read from the top: the first whose phase and
 * guard hold is followed, and ends the look unless it says READ_ON. Where nothing is done, the plan
 * waits for what the guard names. PLAN_CLEAN has no line: nothing is decided any more. */
static const struct transition {
	unsigned phases;
	bool (*guard)(const struct plan *plan, const struct moment *moment);
	void (*act)(struct plan *plan, const struct moment *moment);
	enum { STAY, READ_ON, TO_SWEEP, TO_CLEAN } then;
} transitions[] = {
	{ EITHER, reference_is_awaited_briefly, NULL, STAY },
	{ EITHER, opinion_is_wanted, opinion_begin, STAY },
	{ EITHER, is_decided, clean_up, TO_CLEAN },
	{ EITHER, is_out_of_time, clean_up, TO_CLEAN },

	{ CONNECTION, next_hop_is_awaited, NULL, STAY },
	{ CONNECTION, connection_failed, sweep_begin_pass, TO_SWEEP },
	{ CONNECTION, conversation_failed, sweep_begin_pass, TO_SWEEP },
	{ CONNECTION, always, NULL, STAY },

	/* beside the passes, as soon as they can be done */
	{ SWEEP, words_are_due, words_repeat, READ_ON },
	{ SWEEP, elsewhere_is_open, elsewhere_connect, READ_ON },
	{ SWEEP, unmarked_is_due, unmarked_ask, READ_ON },
	{ SWEEP, sweep_control_is_unmeasured, sweep_measure_controls, READ_ON },
	/* what was sent has its time */
	{ SWEEP, replies_are_awaited, NULL, STAY },
	{ SWEEP, elsewhere_is_awaited, NULL, STAY },
	{ SWEEP, machine_is_awaited, NULL, STAY },
	/* what the conversation leaves open */
	{ SWEEP, small_is_wanted, small_begin, STAY },
	{ SWEEP, small_is_awaited, NULL, STAY },
	{ SWEEP, words_pass_is_due, words_begin_pass, STAY },
	{ SWEEP, words_pass_is_left, NULL, STAY },
	/* enough, or another pass */
	{ SWEEP, only_reference_is_awaited, NULL, STAY },
	{ SWEEP, enough_is_known, clean_up, TO_CLEAN },
	{ SWEEP, pass_is_due, sweep_begin_pass, STAY },
	{ SWEEP, pass_is_left, NULL, STAY },
	/* the last pass is over */
	{ SWEEP, last_replies_are_awaited, NULL, STAY },
	{ SWEEP, conversation_is_awaited, NULL, STAY },
	{ SWEEP, reference_is_awaited, NULL, STAY },
	{ SWEEP, heavy_is_due, heavy_begin, STAY },
	{ SWEEP, heavy_ack_is_due, heavy_sweep_ack, STAY },
	{ SWEEP, heavy_is_awaited, NULL, STAY },
	{ SWEEP, always, clean_up, TO_CLEAN },
};
#define TRANSITIONS (sizeof(transitions) / sizeof(*transitions))

/* The only place where the phase changes. False: the look is over. */
static bool take_transition(struct plan *plan, const struct moment *moment,
			    const struct transition *transition)
{
	if (transition->act != NULL)
		transition->act(plan, moment);
	if (transition->then == TO_SWEEP)
		plan->phase = PLAN_SWEEP;
	else if (transition->then == TO_CLEAN)
		plan->phase = PLAN_CLEAN;
	return transition->then == READ_ON;
}

static void take_transitions(struct plan *plan, const struct moment *moment)
{
	bool on = true;
	for (size_t i = 0; on && i < TRANSITIONS; i++)
		if ((transitions[i].phases & 1u << plan->phase) != 0 &&
		    transitions[i].guard(plan, moment))
			on = take_transition(plan, moment, &transitions[i]);
}

static void look_at_facts(struct plan *plan, int64_t now_ns)
{
	struct moment moment; /* large: observe() fills it */
	moment.now_ns = now_ns;
	arena_free(&plan->looking);
	observe(&plan->track, now_ns, &plan->looking, &moment.facts);
	plan->looked_ns = now_ns;
	plan->looked_packets = plan->track.packets;
	take_transitions(plan, &moment);
}

static int64_t next_look(const struct plan *plan)
{
	bool news = plan->track.packets != plan->looked_packets;
	return plan->looked_ns + (news ? LOOK_EVERY : LOOK_IN_QUIET);
}

/* -- what the driver calls --------------------------------------------------------- */

enum packet_use plan_packet(struct plan *plan, const struct packet *packet)
{
	unsigned examples = plan->track.strays.examples;
	const struct exchange *exchange = track_packet(&plan->track, packet);
	if (exchange != NULL) {
		/* where all is well, nothing else is waited for */
		if (opinion_is_heard(plan, exchange) || opinion_is_due(plan, exchange))
			plan->looked_ns = 0;
		return PACKET_TIED;
	}
	return plan->track.strays.examples > examples ? PACKET_EXAMPLE : PACKET_COUNTED;
}

const struct strays *plan_strays(const struct plan *plan)
{
	return &plan->track.strays;
}

/* Of the reference and of other ports no more is asked than what they say first. */
static void talk_on_connection(struct plan *plan, const struct event *event)
{
	const struct exchange *exchange = track_find(&plan->track, event->local_port);
	if (exchange == NULL || event->error != 0 || exchange->purpose == PURPOSE_REFERENCE ||
	    exchange->purpose == PURPOSE_ELSEWHERE)
		return;
	struct action action = action_talk(exchange);
	agenda_add(&plan->agenda, event->time_ns, &action);
}

void plan_event(struct plan *plan, const struct event *event)
{
	learn_event(plan, event);
	if (event->kind == EVENT_CONNECT)
		talk_on_connection(plan, event);
	else if (event->kind == EVENT_NEIGHBOUR)
		plan->next_hop_ns = event->time_ns;
	plan->looked_ns = 0; /* look again */
}

void plan_heard(struct plan *plan, int64_t until_ns)
{
	plan->heard_ns = until_ns;
}

static void note_departure(struct plan *plan, int64_t now_ns, struct action *action)
{
	sweep_note_departure(plan, now_ns, action);
	if (action->kind == ACTION_SEND)
		plan->last_send_ns = now_ns;
	if ((action->flags & TCP_SYN) != 0) /* a Linux client's clock: milliseconds */
		action->timestamp_value = (uint32_t)(now_ns / MILLISECONDS(1));
}

static int64_t departure(const struct plan *plan, int64_t now_ns, const struct action *action)
{
	int64_t sweep_ns = sweep_departure(plan, now_ns, action);
	int64_t flow_ns = flows_departure(plan, now_ns, action);
	return sweep_ns > flow_ns ? sweep_ns : flow_ns;
}

/* The next action that is due and still of use; false: there is none. */
static bool take_due(struct plan *plan, int64_t now_ns, struct action *action)
{
	while (agenda_take(&plan->agenda, now_ns, action)) {
		if (sweep_is_over(plan, action))
			continue;
		int64_t departure_ns = departure(plan, now_ns, action);
		if (departure_ns == FLOWS_NEVER) {
			plan->withheld++;
			continue;
		}
		if (departure_ns <= now_ns) {
			note_departure(plan, now_ns, action);
			return true;
		}
		agenda_add(&plan->agenda, departure_ns, action);
	}
	return false;
}

struct action plan_next(struct plan *plan, int64_t now_ns)
{
	struct action action;
	if (take_due(plan, now_ns, &action))
		return action;
	if (plan->phase != PLAN_CLEAN && now_ns >= next_look(plan)) {
		bool waits = plan->heard_ns != 0 && plan->heard_ns < now_ns;
		look_at_facts(plan, waits ? plan->heard_ns : now_ns);
		if (take_due(plan, now_ns, &action))
			return action;
	}
	bool done = plan->phase == PLAN_CLEAN && agenda_empty(&plan->agenda);
	return (struct action){ .kind = done ? ACTION_DONE : ACTION_NONE };
}

unsigned plan_withheld(const struct plan *plan)
{
	return plan->withheld;
}

int64_t plan_wakeup(const struct plan *plan)
{
	int64_t look_ns = next_look(plan), due_ns = agenda_due(&plan->agenda);
	return due_ns < look_ns ? due_ns : look_ns;
}
