/* One report of what several captures show of one conversation, or of what one shows and
 * another ought to. */
#include <stdio.h>
#include <string.h>

#include "joint/crossing.h"
#include "joint/state.h"

/* When nothing tells how far the clocks are apart, they are taken to agree within this. */
#define CLOCKS_AGREE INT64_C(2000000000)
#define CLOCKS_KNOWN INT64_C(500000000)

#define SSH_PORT 22

struct joining {
	struct joint *joint;
	struct entry *near, *far; /* at the client's side, at the server's; far NULL: absent */
	struct entry *base;	  /* the one of them that is reported on */
	struct entry *const *members;
	unsigned member_count;
	const struct capture *capture, *other; /* of near and far */
	size_t first, end;		       /* the attempts of `base` that are read as one */
	struct run *run;
	struct facts facts;
	struct report_clock clock; /* capture NULL: not known */
};

bool is_client_end(const struct joint *joint, const struct entry *entry)
{
	const struct dossier *d = &entry->dossier;
	const struct capture *capture = &joint->captures[entry->capture];
	if (capture->vantage_given)
		return capture->vantage == VANTAGE_CLIENT;
	return d->place == ANSWER_PLACE_CLIENT;
}

bool is_server_end(const struct joint *joint, const struct entry *entry)
{
	const struct capture *capture = &joint->captures[entry->capture];
	if (capture->vantage_given)
		return capture->vantage == VANTAGE_VM;
	return entry->dossier.place == ANSWER_PLACE_VM;
}

static bool is_undiminished(uint8_t ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

/* Both sides' packets are undiminished when somebody near answers in the server's place. That
 * the server is elsewhere shows in the other capture. */
static bool may_be_client_end(const struct joint *joint, const struct entry *entry)
{
	const struct conversation *c = &entry->dossier.conversation;
	return is_client_end(joint, entry) ||
	       (entry->dossier.place == ANSWER_PLACE_UNCLEAR && is_undiminished(c->client_ttl));
}

static void set_fact(struct joining *j, enum answer answer, const char *text)
{
	struct fact *fact = &j->facts.fact[answer_question(answer)];
	*fact = (struct fact){ .answer = answer, .text = arena_string(&j->run->arena, text) };
}

static void drop(struct joining *j, enum question question)
{
	j->facts.fact[question] = (struct fact){ .answer = ANSWER_NONE };
}

/* -- which, and how changed ---------------------------------------------------------------- */

struct line {
	char text[480];
	size_t used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format,
			       arguments);
	va_end(arguments);
	line->used += length > 0 ? (size_t)length : 0;
	if (line->used >= sizeof(line->text))
		line->used = sizeof(line->text) - 1;
}

static void add_ends(struct line *line, const struct entry *entry, const struct marks *marks)
{
	const struct conversation *c = &entry->dossier.conversation;
	char client[ADDRESS_TEXT], server[ADDRESS_TEXT];
	bool v6 = c->client.family == 6;
	add(line, v6 ? "[%s]:%u to [%s]:%u" : "%s:%u to %s:%u", address_text(&c->client, client),
	    marks->client_port, address_text(&c->server, server), c->port);
}

static bool same_ends(const struct entry *a, const struct marks *x, const struct entry *b,
		      const struct marks *y)
{
	const struct conversation *c = &a->dossier.conversation, *d = &b->dossier.conversation;
	return address_equal(&c->client, &d->client) && address_equal(&c->server, &d->server) &&
	       c->port == d->port && x->client_port == y->client_port;
}

static void add_changed(struct line *line, const struct marks *x, const struct marks *y)
{
	if (x->ttl > y->ttl && y->ttl != 0)
		add(line, "; %u router%s between", x->ttl - y->ttl,
		    x->ttl - y->ttl == 1 ? "" : "s");
	if (x->client_isn != y->client_isn)
		add(line, "; the client's sequence numbers are changed");
	if (x->answer && y->answer && x->server_isn != y->server_isn)
		add(line, "; the server's sequence numbers are changed");
	if (x->mss != 0 && y->mss != 0 && x->mss != y->mss)
		add(line, "; the SYN's MSS of %u is %u there", x->mss, y->mss);
	if (x->answer_mss != 0 && y->answer_mss != 0 && x->answer_mss != y->answer_mss)
		add(line, "; the SYN-ACK's MSS of %u comes as %u", y->answer_mss, x->answer_mss);
	if (x->stamped && !y->stamped && y->wscale != 255)
		add(line, "; the SYN's timestamps are taken out");
	if (x->wscale != 255 && y->wscale == 255 && y->stamped)
		add(line, "; the SYN's window scale is taken out");
	if (x->selective && !y->selective && (y->stamped || y->wscale != 255))
		add(line, "; the SYN's SACK is taken out");
}

/* Other words would have been said by another proxy's connection. */
static bool is_relayed(const struct marks *x, const struct marks *y)
{
	bool numbers = x->client_isn == y->client_isn ||
		       (x->answer && y->answer && x->server_isn == y->server_isn);
	bool stamps = x->stamped && y->stamped && x->timestamp == y->timestamp;
	return x->syn && y->syn && !numbers && !stamps;
}

static void add_member(struct line *line, const struct joining *j, const struct entry *member,
		       const struct marks *marks, uint32_t thread)
{
	const char *name = j->joint->captures[member->capture].name;
	const struct marks *its = &member->marks[attempt_of(member, thread)];
	if (is_relayed(marks, its))
		add(line, "; %s has another connection with the same words, ", name);
	else if (same_ends(j->near, marks, member, its)) {
		add(line, "; %s has it too", name);
		add_changed(line, marks, its);
		return;
	} else
		add(line, "; in %s it is ", name);
	add_ends(line, member, its);
	add_changed(line, marks, its);
}

static void tell_joined(struct joining *j, unsigned attempt, bool both_ends)
{
	struct line line = { .used = 0 };
	const struct marks *marks = &j->near->marks[attempt];
	add(&line, "%s has ", j->capture->name);
	add_ends(&line, j->near, marks);
	for (unsigned i = 1; i < j->member_count; i++)
		if (attempt_of(j->members[i], j->near->thread[attempt]) != ATTEMPTS_KEPT)
			add_member(&line, j, j->members[i], marks, j->near->thread[attempt]);
	set_fact(j, both_ends ? ANSWER_JOINED_BOTH_ENDS : ANSWER_JOINED_ON_THE_WAY, line.text);
}

static void tell_port(struct joining *j)
{
	uint16_t asked = j->near->dossier.conversation.port;
	uint16_t reached = j->far->dossier.conversation.port;
	char text[96];
	snprintf(text, sizeof(text), "port %u leads to port %u of the VM", asked, reached);
	set_fact(j,
		 asked == reached      ? ANSWER_MAPPED_SAME
		 : reached == SSH_PORT ? ANSWER_MAPPED_SSH
				       : ANSWER_MAPPED_OTHER,
		 text);
}

/* -- clocks ---------------------------------------------------------------------------------- */

static const char *span(int64_t ns, char text[32])
{
	double seconds = (double)(ns < 0 ? -ns : ns) / 1e9;
	if (seconds < 0.1)
		snprintf(text, 32, "%.3f ms", seconds * 1000);
	else
		snprintf(text, 32, "%.3f s", seconds);
	return text;
}

static void tell_clock(struct joining *j, const struct shift *shift)
{
	int64_t ahead_ns, within_ns;
	char ahead[32], within[32];
	struct line line = { .used = 0 };
	const char *name = j->other->name;
	if (!shift->up && !shift->down)
		return;
	if (shift_offset(shift, &ahead_ns, &within_ns)) {
		add(&line,
		    "the clock of %s is %s %s that of %s, give or take %s, which is what a packet "
		    "takes each way if both ways take the same",
		    name, span(ahead_ns, ahead), ahead_ns < 0 ? "behind" : "ahead of",
		    j->capture->name, span(within_ns, within));
		set_fact(j, ANSWER_CLOCK_COMPARED, line.text);
		j->clock = (struct report_clock){ .capture = name,
						  .ahead_seconds = (double)ahead_ns / 1e9,
						  .within_seconds = (double)within_ns / 1e9 };
		return;
	}
	if (shift->up && shift->down)
		add(&line, "the clocks of %s and %s do not run alike", j->capture->name, name);
	else
		add(&line,
		    "the clock of %s is at %s %s %s that of %s: only one way's packets are in both",
		    name, shift->up == (ahead_ns >= 0) ? "most" : "least", span(ahead_ns, ahead),
		    ahead_ns < 0 ? "behind" : "ahead of", j->capture->name);
	set_fact(j, ANSWER_CLOCK_BOUNDED, line.text);
}

/* -- crossing -------------------------------------------------------------------------------- */

static void tell_finding(struct joining *j, const struct finding *finding)
{
	if (finding->answer == ANSWER_NONE)
		return;
	set_fact(j, finding->answer, finding->text);
	struct fact *fact = &j->facts.fact[answer_question(finding->answer)];
	for (unsigned i = 0; i < finding->packet_count; i++)
		fact->packets[fact->packet_count++] = finding->packets[i];
}

static struct end end_of(const struct joint *joint, const struct entry *entry, unsigned attempt,
			 const struct trace *trace)
{
	const struct capture *capture = &joint->captures[entry->capture];
	const struct dossier *d = &entry->dossier;
	return (struct end){ .trace = trace,
			     .name = capture->name,
			     .last_ns = capture->last_ns,
			     .both_ways = capture->both_ways,
			     .sees_all = trace->whole && !d->hurried && capture->lost == 0 &&
					 !flow_lacks_packets(&d->flows[attempt]) };
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
		set_fact(j, ANSWER_ANSWERER_RELAY,
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
	tell_finding(j, &crossing.answerer);
	tell_finding(j, &crossing.crossing);
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
	set_fact(j, fact->answer,
		 arena_format(&j->run->arena, "%s (%s%s%s%s)", fact->text, j->other->name,
			      used == 0			? ""
			      : fact->packet_count == 1 ? ", frame "
							: ", frames ",
			      frames, fact->packet_count > 6 ? " and more" : ""));
}

/* The attempts of `far` that are those of `near`, which is the base. */
static struct dossier far_dossier(const struct joining *j)
{
	struct dossier dossier = j->far->dossier;
	dossier.flow_count = 0;
	for (unsigned n = 0; n < j->far->dossier.flow_count; n++) {
		unsigned attempt = attempt_of(j->near, j->far->thread[n]);
		if (attempt >= j->first && attempt < j->end)
			dossier.flows[dossier.flow_count++] = j->far->dossier.flows[n];
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
		drop(j, QUESTION_CUTTER);
	if (answerer != ANSWER_NONE && answerer != ANSWER_ANSWERER_ANOTHER &&
	    answerer != ANSWER_ANSWERER_ABSENT)
		drop(j, QUESTION_WHO);
}

static void read_far(struct joining *j)
{
	struct run run;
	struct track track;
	struct facts facts;
	struct dossier dossier = far_dossier(j);
	if (dossier.flow_count == 0)
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

static void compare(struct joining *j)
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

/* -- what another capture ought to show ------------------------------------------------------- */

static bool is_in(const struct joint *joint, unsigned capture, uint32_t thread)
{
	for (uint32_t i = 0; i < joint->entry_count; i++)
		if (joint->entries[i].used && joint->entries[i].capture == capture &&
		    attempt_of(&joint->entries[i], thread) != ATTEMPTS_KEPT)
			return true;
	return false;
}

/* Whether it is known that the other capture shows this very server: by its address, or by
 * another connection with it. */
static bool shows_server(const struct joint *joint, const struct entry *entry, unsigned index)
{
	const struct address *server = &entry->dossier.conversation.server;
	for (uint32_t i = 0; i < joint->entry_count; i++) {
		const struct entry *other = &joint->entries[i];
		if (!other->used || !address_equal(&other->dossier.conversation.server, server))
			continue;
		if (other->capture == index)
			return true;
		for (unsigned n = 0; n < other->dossier.flow_count; n++)
			if (other->capture == entry->capture &&
			    is_in(joint, index, other->thread[n]))
				return true;
	}
	return false;
}

/* Whether the capture was made where the VM is, as far as that is known. */
static bool ought_to_show(const struct joint *joint, const struct entry *entry, unsigned index)
{
	const struct capture *capture = &joint->captures[index];
	const struct address *server = &entry->dossier.conversation.server;
	bool others = false;
	if (capture->vantage_given && capture->vantage != VANTAGE_VM)
		return false;
	for (uint32_t i = 0; i < joint->entry_count; i++) {
		const struct entry *other = &joint->entries[i];
		if (!other->used)
			continue;
		if (other->capture == index && !is_server_end(joint, other))
			return false;
		others |= other->capture == entry->capture &&
			  !address_equal(&other->dossier.conversation.server, server);
	}
	/* one of several servers: is it this one's capture? */
	return shows_server(joint, entry, index) || (!others && joint->capture_count == 2);
}

static int64_t expected_ns(const struct joint *joint, const struct entry *entry, unsigned index,
			   int64_t time_ns, int64_t *slack_ns)
{
	const struct shift *shift = &joint->shifts[entry->capture][index];
	int64_t ahead_ns, within_ns;
	*slack_ns = CLOCKS_AGREE;
	if (!shift->up && !shift->down)
		return time_ns;
	if (shift_offset(shift, &ahead_ns, &within_ns))
		*slack_ns = CLOCKS_KNOWN + within_ns;
	return time_ns + ahead_ns;
}

struct absence {
	unsigned syns, covered; /* of these, while the other capture ran */
	bool elsewhere;		/* it shows one to a port that nobody looks at */
	bool doubtful;		/* it shows one that may be it */
	uint16_t port;
	uint64_t packets[FACT_PACKETS_MAX];
	unsigned packet_count;
};

/* Then its connection is there as well, and is not known again. */
static bool is_looked_at(const struct joint *joint, unsigned capture, uint16_t port)
{
	bool looked_at = port == SSH_PORT;
	for (uint32_t i = 0; i < joint->entry_count; i++)
		looked_at |= joint->entries[i].used && joint->entries[i].capture == capture &&
			     joint->entries[i].dossier.conversation.port == port;
	return looked_at;
}

static void look_for(const struct joining *j, unsigned attempt, struct absence *absence)
{
	struct trace trace;
	int64_t slack_ns;
	const struct marks *marks = &j->near->marks[attempt];
	const struct sighting *same = sightings_find(j->joint, j->other, marks->client_isn);
	unsigned index = (unsigned)(j->other - j->joint->captures);
	if (!marks->syn)
		return;
	absence->doubtful |= j->near->thread[attempt] != NO_THREAD ||
			     (same != NULL && is_looked_at(j->joint, index, same->port));
	if (same != NULL) {
		absence->elsewhere = true;
		absence->port = same->port;
	}
	trace_read(&j->near->dossier, attempt, j->joint->reading, &trace);
	for (unsigned i = 0; i < trace.count; i++) {
		const struct step *step = &trace.steps[i];
		if (!step->from_client || !is_syn(step))
			continue;
		int64_t at = expected_ns(j->joint, j->near, index, step->time_ns, &slack_ns);
		absence->syns++;
		absence->covered +=
			at - slack_ns >= j->other->first_ns && at + slack_ns <= j->other->last_ns;
		absence->doubtful |=
			sightings_resemble(j->joint, j->other, marks, at,
					   slack_ns == CLOCKS_AGREE ? 10 * slack_ns : slack_ns);
		if (absence->packet_count < FACT_PACKETS_MAX)
			absence->packets[absence->packet_count++] = step->number;
	}
}

/* By its name the VM answered. */
static bool is_answered(const struct facts *facts)
{
	enum answer syn = fact_answer(facts, QUESTION_SYN);
	return syn == ANSWER_SYN_SYN_ACK || syn == ANSWER_SYN_RESET ||
	       syn == ANSWER_SYN_TARGET_UNREACHABLE;
}

/* Who answers may carry the words on, as they are: nothing is wrong with that, and where
 * they are not seen nobody knows. */
static bool may_be_relayed(const struct facts *facts)
{
	return fact_answer(facts, QUESTION_SYN) == ANSWER_SYN_SYN_ACK &&
	       fact_answer(facts, QUESTION_SSH) == ANSWER_NONE;
}

static bool tell_absence(struct joining *j, const struct absence *absence)
{
	enum answer answer = ANSWER_NONE;
	const struct capture *other = j->other;
	struct line line = { .used = 0 };
	bool answered = is_answered(&j->facts);
	bool complete = other->lost == 0 && !other->given_away && !other->syns_missing;
	add(&line, "%u SYN%s of the client's in %s, and none in %s", absence->syns,
	    absence->syns == 1 ? "" : "s", j->capture->name, other->name);
	if (other->frames == 0 || (absence->covered > 0 && !other->from_outside)) {
		add(&line,
		    other->frames == 0
			    ? ", which is empty: it does not show that it was made at the time"
			    : ", which covers the time but has nothing else from outside "
			      "either: it does not show that it would have any");
		answer = answered ? ANSWER_ANSWERER_NOT_SEEN : ANSWER_CROSSING_NOT_SEEN;
	} else if (complete && absence->covered >= (answered ? 1 : 2) &&
		   !may_be_relayed(&j->facts)) {
		add(&line, ", which covers the time and shows what others send");
		bool known =
			shows_server(j->joint, j->near, (unsigned)(other - j->joint->captures));
		if (answered)
			add(&line, "; the client is answered all the same%s",
			    known ? "" : ", or it is another machine's capture");
		answer = !answered ? ANSWER_CROSSING_SYNS_NEVER_ARRIVE
			 : known   ? ANSWER_ANSWERER_ANOTHER
				   : ANSWER_ANSWERER_ABSENT;
	}
	if (answer == ANSWER_NONE)
		return false;
	set_fact(j, answer, line.text);
	struct fact *fact = &j->facts.fact[answer_question(answer)];
	for (unsigned i = 0; i < absence->packet_count; i++)
		fact->packets[fact->packet_count++] = absence->packets[i];
	return true;
}

static bool find_absence(struct joining *j)
{
	struct absence absence = { 0 };
	char text[160];
	for (size_t n = j->first; n < j->end; n++)
		look_for(j, (unsigned)n, &absence);
	if (absence.doubtful || absence.syns == 0)
		return false;
	if (absence.elsewhere) {
		snprintf(text, sizeof(text),
			 "its SYN is in %s too, to port %u: --port %u looks at that",
			 j->other->name, absence.port, absence.port);
		set_fact(j, ANSWER_JOINED_ON_THE_WAY, text);
		return true;
	}
	return tell_absence(j, &absence);
}

/* -- the report ---------------------------------------------------------------------------------
 */

static void stand_at_client(struct dossier *dossier, const char *other)
{
	size_t used = strlen(dossier->place_text);
	dossier->place = ANSWER_PLACE_CLIENT;
	dossier->vantage = VANTAGE_CLIENT;
	snprintf(dossier->place_text + used, sizeof(dossier->place_text) - used,
		 "; %s is the other end", other);
}

static void give_report(struct joining *j, struct report *report)
{
	const char *names[JOINT_CAPTURES_MAX];
	unsigned count = 0;
	report->attempts = j->base->dossier.conversation.attempts;
	report->capture = j->joint->captures[j->base->capture].name;
	for (unsigned i = 0; i < j->member_count; i++)
		names[count++] = j->joint->captures[j->members[i]->capture].name;
	if (j->far == NULL)
		names[count++] = j->other->name;
	report->captures = names;
	report->capture_count = count;
	report->clock = j->clock.capture != NULL ? &j->clock : NULL;
	j->joint->settled(j->joint->context, report);
}

/* As dossier_report(), with what the other capture adds. False: it adds nothing. */
static bool report_with(struct joining *j)
{
	struct dossier dossier = j->base->dossier;
	bool adds = false, tells = false;
	if (j->base == j->near && may_be_client_end(j->joint, j->near) &&
	    !is_client_end(j->joint, j->near) &&
	    (j->far == NULL || is_server_end(j->joint, j->far)))
		stand_at_client(&dossier, j->other->name);
	for (j->first = 0; !tells && j->first < dossier.flow_count; j->first++) {
		struct run run;
		struct track track;
		struct report report;
		dossier_run(&dossier, &run);
		j->run = &run;
		j->end = dossier_track(&dossier, j->first, j->joint->payload, &track, &run);
		observe(&track, dossier.now_ns, &run.arena, &j->facts);
		if (j->far != NULL)
			compare(j);
		else
			adds = find_absence(j);
		report_build_facts(&report, &track, &j->facts, &j->joint->report, &run.arena);
		tells = report.outcome != OUTCOME_UNKNOWN;
		adds |= j->far != NULL;
		if (adds && (tells || j->first + 1 == dossier.flow_count))
			give_report(j, &report);
		run_free(&run);
	}
	return adds;
}

const struct entry *report_joined(struct joint *joint, struct entry *const *members, unsigned count)
{
	struct entry *near = members[0], *far = members[count - 1];
	bool from_far = !may_be_client_end(joint, near) && is_server_end(joint, far);
	struct joining joining = { .joint = joint,
				   .near = near,
				   .far = far,
				   .base = from_far ? far : near,
				   .members = members,
				   .member_count = count,
				   .capture = &joint->captures[near->capture],
				   .other = &joint->captures[far->capture] };
	(void)report_with(&joining);
	return joining.base;
}

bool report_absent(struct joint *joint, struct entry *entry, unsigned capture)
{
	struct joining joining = { .joint = joint,
				   .near = entry,
				   .base = entry,
				   .members = &entry,
				   .member_count = 1,
				   .capture = &joint->captures[entry->capture],
				   .other = &joint->captures[capture] };
	if (!joining.other->read || !may_be_client_end(joint, entry) ||
	    !ought_to_show(joint, entry, capture))
		return false;
	return report_with(&joining);
}
