/* What another capture ought to show of a connection, and does not. */
#include <stdio.h>

#include "joint/joining.h"

/* So far off may a packet be seen where the clocks were compared, besides what that leaves open. */
#define CLOCKS_KNOWN MILLISECONDS(500)

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
		for (unsigned n = 0; n < other->dossier.attempt_count; n++)
			if (other->capture == entry->capture &&
			    is_in(joint, index, other->thread[n]))
				return true;
	}
	return false;
}

/* Whether the capture was made where the VM is, as far as that is known. */
bool ought_to_show(const struct joint *joint, const struct entry *entry, unsigned index)
{
	const struct joint_capture *capture = &joint->captures[index];
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

/* Whether the other capture's connections to that port were looked at: then the one of this SYN is
 * among them, and was not recognised. */
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

/* Somebody answered in the VM's name. */
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
	const struct joint_capture *other = j->other;
	struct line line = { .used = 0 };
	bool answered = is_answered(&j->facts);
	bool complete = other->lost == 0 && !other->given_away && !other->syns_missing;
	line_add(&line, "%u SYN%s of the client's in %s, and none in %s", absence->syns,
		 absence->syns == 1 ? "" : "s", j->capture->name, other->name);
	if (other->frames == 0 || (absence->covered > 0 && !other->from_outside)) {
		line_add(&line,
			 other->frames == 0
				 ? ", which is empty: it does not show that it was made at the time"
				 : ", which covers the time but has nothing else from outside "
				   "either: it does not show that it would have any");
		answer = answered ? ANSWER_ANSWERER_NOT_SEEN : ANSWER_CROSSING_NOT_SEEN;
	} else if (complete && absence->covered >= (answered ? 1 : 2) &&
		   !may_be_relayed(&j->facts)) {
		line_add(&line, ", which covers the time and shows what others send");
		bool known =
			shows_server(j->joint, j->near, (unsigned)(other - j->joint->captures));
		if (answered)
			line_add(&line, "; the client is answered all the same%s",
				 known ? "" : ", or it is another machine's capture");
		answer = !answered ? ANSWER_CROSSING_SYNS_NEVER_ARRIVE
			 : known   ? ANSWER_ANSWERER_ANOTHER
				   : ANSWER_ANSWERER_ABSENT;
	}
	if (answer == ANSWER_NONE)
		return false;
	joining_set(j, answer, line.text);
	struct fact *fact = &j->facts.fact[answer_question(answer)];
	for (unsigned i = 0; i < absence->packet_count; i++)
		fact->packets[fact->packet_count++] = absence->packets[i];
	return true;
}

bool find_absence(struct joining *j)
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
		joining_set(j, ANSWER_JOINED_ON_THE_WAY, text);
		return true;
	}
	return tell_absence(j, &absence);
}
