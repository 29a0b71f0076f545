#include "plan/plan.h"

#include <stdlib.h>

#include "plan/actions.h"
#include "plan/cookie.h"
#include "plan/elsewhere.h"
#include "plan/heavy.h"
#include "plan/settled.h"
#include "plan/small.h"
#include "plan/sweep.h"
#include "plan/words.h"

static void learn(struct plan *plan, const struct event *event)
{
	track_event(&plan->track, event);
	if (event->kind == EVENT_LISTENER)
		elsewhere_learn(plan, event);
}

struct plan *plan_new(const struct run *run, const struct plan_config *config, int64_t now_ns)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	if (plan == NULL)
		return NULL;
	plan->run = run;
	plan->config = *config;
	plan->started_ns = plan->phase_ns = now_ns;
	plan->ip_id = (uint16_t)(cookie(config->key, &run->address, 0, 0) | 1);
	track_start(&plan->track, run, &plan->arena);
	elsewhere_start(plan);
	for (size_t i = 0; i < run->event_count; i++)
		learn(plan, &run->events[i]);
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

/* -- decisions ------------------------------------------------------------------ */

static void look(struct plan *plan, struct moment *moment)
{
	arena_free(&plan->looking);
	observe(&plan->track, moment->now_ns, &plan->looking, &moment->facts);
	plan->looked_ns = moment->now_ns;
	plan->looked_packets = plan->track.packets;
}

static int64_t next_look(const struct plan *plan)
{
	bool news = plan->track.packets != plan->looked_packets;
	return plan->looked_ns + (news ? LOOK_EVERY : LOOK_IN_QUIET);
}

static void finish(struct plan *plan)
{
	agenda_clear(&plan->agenda);
	plan->phase = PHASE_CLEAN;
	send_resets(plan);
}

static void sweep_think(struct plan *plan, const struct moment *moment)
{
	int64_t now_ns = moment->now_ns;
	if (words_are_due(plan, moment))
		words_repeat(plan, moment);
	elsewhere_connect(plan, moment);
	sweep_measure_controls(plan, moment);
	if (!agenda_empty(&plan->agenda) || now_ns - plan->last_send_ns < REPLY_GRACE ||
	    elsewhere_is_awaited(plan, moment))
		return;
	if (!machine_settled(plan, moment) && now_ns - plan->started_ns < LOCAL_WAIT)
		return;
	if (small_is_wanted(plan, moment))
		small_begin(plan, moment);
	if (small_is_awaited(plan, moment))
		return;
	bool session = words_pass_is_wanted(plan, moment);
	if (session && place_settled(plan, moment)) {
		if (plan->words.passes == 0 || now_ns - plan->phase_ns >= PASS_GAP)
			words_begin_pass(plan, moment);
		return;
	}
	bool settled = conversation_settled(plan, moment) && elsewhere_settled(plan, moment) &&
		       answer_to(moment, QUESTION_SYN) != ANSWER_NONE;
	/* Once the conversation has told what it can, only loss makes another sweep worth it. */
	bool talked = answer_to(moment, QUESTION_SSH) != ANSWER_NONE && !session &&
		      (!packets_lost(moment) || plan->sweep.passes > 1);
	bool enough = talked || is_confident(plan, moment);
	bool reference = reference_settled(plan, moment, REFERENCE_WAIT);
	if (settled && place_settled(plan, moment) && enough) {
		if (reference)
			finish(plan);
		return;
	}
	if (plan->sweep.passes < SWEEP_PASSES) {
		if (now_ns - plan->phase_ns >= PASS_GAP)
			sweep_begin_pass(plan, moment);
		return;
	}
	if (now_ns - plan->last_send_ns < LAST_GRACE)
		return;
	if (conversation_settled(plan, moment) && reference && heavy_settled(plan, moment))
		finish(plan);
}

/* Whether waiting for the kernel's connection is over, and nothing good came of it. */
static bool connect_failed(const struct plan *plan, int64_t now_ns)
{
	const struct exchange *kernel = kernel_exchange(plan);
	if (kernel != NULL && kernel->answered)
		return kernel->connect_error != 0;
	return now_ns - plan->started_ns >= ANSWER_WAIT;
}

static void think(struct plan *plan, int64_t now_ns)
{
	struct moment moment; /* large: look() fills it */
	moment.now_ns = now_ns;
	if (plan->phase >= PHASE_CLEAN)
		return;
	look(plan, &moment);
	enum answer route = answer_to(&moment, QUESTION_ROUTE);
	bool hopeless = route != ANSWER_ROUTE_OK && route != ANSWER_NONE;
	bool decided = all_is_well(&moment) || (hopeless && machine_settled(plan, &moment));
	if (decided && !reference_settled(plan, &moment, REFERENCE_WAIT_DECIDED))
		return;
	if (decided || now_ns >= plan->config.deadline_ns) {
		finish(plan);
		return;
	}
	/* Frames that we hand to the interface need the next hop's address. */
	bool ready = !plan->config.crafted || plan->next_hop_told ||
		     now_ns - plan->started_ns >= NEIGHBOUR_WAIT;
	bool sweep =
		ready && ((plan->phase == PHASE_CONNECT && connect_failed(plan, now_ns)) ||
			  (plan->phase == PHASE_TALK &&
			   (plan->conversation_ended || now_ns - plan->phase_ns >= TALK_WAIT)));
	if (sweep) {
		plan->phase = PHASE_SWEEP;
		sweep_begin_pass(plan, &moment);
	} else if (plan->phase == PHASE_SWEEP) {
		sweep_think(plan, &moment);
	}
}

/* -- what the driver calls --------------------------------------------------------- */

void plan_packet(struct plan *plan, const struct packet *packet)
{
	(void)track_packet(&plan->track, packet);
}

static void connected(struct plan *plan, const struct event *event)
{
	const struct exchange *exchange = track_find(&plan->track, event->local_port);
	if (exchange == NULL || event->error != 0)
		return;
	/* Of the reference and of other ports no more is asked than what they say first. */
	bool reference = exchange->purpose == PURPOSE_REFERENCE;
	struct action talk = action_talk(exchange);
	if (!reference && exchange->purpose != PURPOSE_ELSEWHERE)
		agenda_add(&plan->agenda, event->time_ns, &talk);
	if (!reference && plan->phase == PHASE_CONNECT) {
		plan->phase = PHASE_TALK;
		plan->phase_ns = event->time_ns;
	}
}

void plan_event(struct plan *plan, const struct event *event)
{
	learn(plan, event);
	if (event->kind == EVENT_CONNECT)
		connected(plan, event);
	else if (event->kind == EVENT_SSH && event->local_port == kernel_port(plan, 0))
		plan->conversation_ended = true;
	else if (event->kind == EVENT_NEIGHBOUR)
		plan->next_hop_told = true;
	else if (event->kind == EVENT_SSH)
		plan->small.ended = true;
	plan->looked_ns = 0; /* look again */
}

static bool take_due(struct plan *plan, int64_t now_ns, struct action *action)
{
	while (agenda_take(&plan->agenda, now_ns, action)) {
		if (sweep_is_over(plan, action) || sweep_puts_off(plan, now_ns, action))
			continue;
		if (action->kind == ACTION_SEND)
			plan->last_send_ns = now_ns;
		if (action->flags == TCP_SYN) /* a Linux client's clock: milliseconds */
			action->timestamp_value = (uint32_t)(now_ns / MILLISECONDS(1));
		return true;
	}
	return false;
}

struct action plan_next(struct plan *plan, int64_t now_ns)
{
	struct action action = { 0 };
	if (plan->kernel_used == 0)
		return action_connect(plan, PURPOSE_SSH, plan->run->port);
	if (plan->config.reference != 0 && !plan->reference_asked) {
		plan->reference_asked = true;
		return action_connect_reference(plan);
	}
	if (take_due(plan, now_ns, &action))
		return action;
	if (now_ns >= next_look(plan)) {
		think(plan, now_ns);
		if (take_due(plan, now_ns, &action))
			return action;
	}
	action = (struct action){ 0 };
	if (plan->phase == PHASE_CLEAN && agenda_empty(&plan->agenda))
		plan->phase = PHASE_DONE;
	if (plan->phase == PHASE_DONE)
		action.kind = ACTION_DONE;
	return action;
}

int64_t plan_wakeup(const struct plan *plan)
{
	int64_t look_ns = next_look(plan), due_ns = agenda_due(&plan->agenda);
	return due_ns < look_ns ? due_ns : look_ns;
}
