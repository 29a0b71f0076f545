/* What two captures of one connection show together: what crossed, and the facts of both ends. */
#include <stdio.h>
#include <string.h>

#include "joint/crossing.h"
#include "joint/joining.h"

/* -- crossing -------------------------------------------------------------------------------- */

static void tell_proof(struct joining *j, const struct proof *proof)
{
	if (proof->answer == ANSWER_NONE)
		return;
	joining_set(j, proof->answer, proof->text);
	struct fact *fact = &j->facts.fact[answer_question(proof->answer)];
	for (unsigned i = 0; i < proof->packet_count; i++)
		fact->packets[fact->packet_count++] = proof->packets[i];
}

static struct end end_of(const struct joint *joint, const struct entry *entry, unsigned attempt,
			 const struct trace *trace)
{
	const struct joint_capture *capture = &joint->captures[entry->capture];
	const struct dossier *d = &entry->dossier;
	return (struct end){ .trace = trace,
			     .name = capture->name,
			     .last_ns = capture->last_ns,
			     .both_ways = capture->both_ways,
			     .sees_all = trace->whole && !d->hurried && capture->lost == 0 &&
					 !attempt_lacks_packets(&d->attempts[attempt]) };
}

static bool cross_attempt(struct joining *j, uint32_t thread, struct shift *shift)
{
	struct trace near, far;
	struct crossing crossing;
	unsigned attempt = attempt_of(j->near, thread), other = attempt_of(j->far, thread);
	trace_read(&j->near->dossier, attempt, j->joint->reading, &near);
	trace_read(&j->far->dossier, other, j->joint->reading, &far);
	shift_learn(shift, &near, &far);
	if (!may_be_client_end(j->joint, j->near) || !is_server_end(j->joint, j->far))
		return false;
	if (is_relayed(&near.marks, &far.marks)) {
		joining_set(
			j, ANSWER_ANSWERER_RELAY,
			"somebody between answers the client and carries its words to the VM in a "
			"connection of his own, as they are");
		return true;
	}
	struct end client = end_of(j->joint, j->near, attempt, &near);
	struct end server = end_of(j->joint, j->far, other, &far);
	cross(&client, &server, &crossing);
	unsigned up = crossing_lost(&near, &far), down = crossing_lost(&far, &near);
	if (up + down > 0) {
		char *text = crossing.crossing.text;
		size_t used = strlen(text);
		snprintf(text + used, CROSSING_TEXT - used,
			 "; %u packets were lost on the way and repeated", up + down);
	}
	tell_proof(j, &crossing.answerer);
	tell_proof(j, &crossing.crossing);
	return crossing.answerer.answer != ANSWER_NONE || crossing.crossing.answer != ANSWER_NONE;
}

/* -- the facts of both ends ------------------------------------------------------------------- */

static void take_from_far(struct joining *j, const struct facts *far, enum question question)
{
	const struct fact *fact = &far->fact[question];
	char frames[120] = "";
	size_t used = 0;
	if (fact->answer == ANSWER_NONE)
		return;
	for (size_t i = 0; i < fact->packet_count && i < 6; i++)
		used += (size_t)snprintf(frames + used, sizeof(frames) - used, "%s%llu",
					 i > 0 ? ", " : "", (unsigned long long)fact->packets[i]);
	joining_set(j, fact->answer,
		    arena_format(&j->run->arena, "%s (%s%s%s%s)", fact->text, j->other->name,
				 used == 0		   ? ""
				 : fact->packet_count == 1 ? ", frame "
							   : ", frames ",
				 frames, fact->packet_count > 6 ? " and more" : ""));
}

/* The attempts of `far` that are those of `near`, which is the base. */
static struct dossier far_dossier(const struct joining *j)
{
	struct dossier dossier = j->far->dossier;
	dossier.attempt_count = 0;
	for (unsigned n = 0; n < j->far->dossier.attempt_count; n++) {
		unsigned attempt = attempt_of(j->near, j->far->thread[n]);
		if (attempt >= j->first && attempt < j->end)
			dossier.attempts[dossier.attempt_count++] = j->far->dossier.attempts[n];
	}
	return dossier;
}

/* What one end only can tell, and what both tell, once: ssh saw what the client's end shows,
 * and what the VM did is what its own end shows. Who answers and who ends it is guessed from
 * TTLs where nothing better is known; here something is. */
static void join_facts(struct joining *j, const struct facts *far)
{
	enum answer crossing = fact_answer(&j->facts, QUESTION_CROSSING);
	enum answer answerer = fact_answer(&j->facts, QUESTION_ANSWERER);
	bool known = crossing != ANSWER_NONE;
	take_from_far(j, far, QUESTION_ARRIVED);
	if (!known && fact_answer(&j->facts, QUESTION_IN) == ANSWER_NONE)
		take_from_far(j, far, QUESTION_BACK);
	if (!known && answerer != ANSWER_ANSWERER_RELAY)
		take_from_far(j, far, QUESTION_FAR);
	if (fact_answer(&j->facts, QUESTION_SSH) == ANSWER_NONE) {
		take_from_far(j, far, QUESTION_SSH);
		take_from_far(j, far, QUESTION_CUTTER);
	}
	bool vm_cuts = fact_answer(&j->facts, QUESTION_CUTTER) == ANSWER_CUTTER_VM;
	if (known && vm_cuts != (crossing == ANSWER_CROSSING_ALL_ARRIVE))
		joining_drop(j, QUESTION_CUTTER);
	if (answerer != ANSWER_NONE && answerer != ANSWER_ANSWERER_ANOTHER &&
	    answerer != ANSWER_ANSWERER_ABSENT)
		joining_drop(j, QUESTION_WHO);
}

static void read_far(struct joining *j)
{
	struct run run;
	struct track track;
	struct facts facts;
	struct dossier dossier = far_dossier(j);
	if (dossier.attempt_count == 0)
		return;
	dossier_run(&dossier, &run);
	(void)dossier_track(&dossier, 0, j->joint->payload, &track, &run);
	observe(&track, dossier.now_ns, &j->run->arena, &facts);
	for (size_t i = 0; i < run.event_count; i++)
		if (run.events[i].kind == EVENT_LIMIT)
			run_event(j->run,
				  &(struct event){ .kind = EVENT_LIMIT,
						   .text = arena_format(&j->run->arena, "in %s, %s",
									j->other->name,
									run.events[i].text) });
	join_facts(j, &facts);
	run_free(&run);
}

void compare_ends(struct joining *j)
{
	struct shift shift = { 0 };
	bool crossed = false;
	uint32_t shown = NO_THREAD;
	for (size_t n = j->first; n < j->end && !crossed; n++) {
		uint32_t thread = j->base->thread[n];
		if (attempt_of(j->near, thread) == ATTEMPTS_KEPT ||
		    attempt_of(j->far, thread) == ATTEMPTS_KEPT)
			continue;
		shown = shown == NO_THREAD ? thread : shown;
		crossed = cross_attempt(j, thread, &shift);
	}
	if (shown == NO_THREAD)
		return;
	bool both = may_be_client_end(j->joint, j->near) && is_server_end(j->joint, j->far);
	tell_joined(j, attempt_of(j->near, shown), both);
	tell_clock(j, &shift);
	if (!both)
		return;
	tell_port(j);
	read_far(j);
}
