/* Which attempts of different captures are the same connection.
 *
 * A NAT changes addresses, ports and TTLs, a firewall perhaps the sequence numbers, a router
 * the MSS; a proxy makes another connection that carries the same words. What all of them
 * leave as it was is counted; a pair is one when it has enough of that, and more than either
 * has with any other.
 */
#include "joint/state.h"

#define ENOUGH 6

/* Random numbers of 32 bits: to agree on two of them is no accident. */
#define NUMBER 4
/* 64 bits, and nobody else says them. */
#define COOKIE 6

static unsigned points_alike(const struct entry *a, const struct marks *x, const struct entry *b,
			     const struct marks *y)
{
	unsigned points = 0;
	if (x->syn && y->syn) {
		points += x->client_isn == y->client_isn ? NUMBER : 0;
		points += x->stamped && y->stamped && x->timestamp == y->timestamp ? NUMBER : 0;
		points += x->ip_id != 0 && x->ip_id == y->ip_id;
		points += x->window == y->window;
	}
	if (x->answer && y->answer) {
		points += x->server_isn == y->server_isn ? NUMBER : 0;
		points += x->answer_stamped && y->answer_stamped &&
					  x->answer_timestamp == y->answer_timestamp
				  ? NUMBER
				  : 0;
	}
	for (int peer = SSH_CLIENT; peer <= SSH_SERVER; peer++)
		points += x->cookie[peer] != 0 && x->cookie[peer] == y->cookie[peer] ? COOKIE : 0;
	points += x->client_port == y->client_port;
	points += address_equal(&a->dossier.conversation.server, &b->dossier.conversation.server);
	return points;
}

struct likeness {
	struct entry *entry;
	unsigned attempt;
};

/* The attempt of `capture` that is most like this one, when no other is as much. */
static struct likeness most_alike(struct joint *joint, const struct entry *entry, unsigned attempt,
				  unsigned capture)
{
	struct likeness best = { NULL, 0 };
	unsigned most = ENOUGH - 1;
	for (uint32_t i = 0; i < joint->entry_count; i++) {
		struct entry *other = &joint->entries[i];
		if (!other->used || other->capture != capture)
			continue;
		for (unsigned n = 0; n < other->dossier.attempt_count; n++) {
			unsigned points = points_alike(entry, &entry->marks[attempt], other,
						       &other->marks[n]);
			if (points < most || points < ENOUGH)
				continue;
			best = points > most ? (struct likeness){ other, n }
					     : (struct likeness){ NULL, 0 };
			most = points;
		}
	}
	return best;
}

static void join_threads(struct joint *joint, struct entry *entry, unsigned attempt,
			 unsigned capture)
{
	struct likeness other = most_alike(joint, entry, attempt, capture);
	if (other.entry == NULL)
		return;
	struct likeness back = most_alike(joint, other.entry, other.attempt, entry->capture);
	if (back.entry != entry || back.attempt != attempt)
		return;
	uint32_t *mine = &entry->thread[attempt], *its = &other.entry->thread[other.attempt];
	if (*mine == NO_THREAD && *its == NO_THREAD)
		*mine = *its = ++joint->threads;
	else if (*mine == NO_THREAD)
		*mine = *its;
	else if (*its == NO_THREAD)
		*its = *mine;
}

static void learn_shift(struct joint *joint, const struct entry *entry, unsigned attempt,
			struct trace *first, struct trace *second)
{
	trace_read(&entry->dossier, attempt, joint->reading, first);
	for (uint32_t i = 0; i < joint->entry_count; i++) {
		const struct entry *other = &joint->entries[i];
		unsigned n =
			other->used ? attempt_of(other, entry->thread[attempt]) : ATTEMPTS_KEPT;
		if (n == ATTEMPTS_KEPT || other->capture <= entry->capture)
			continue;
		trace_read(&other->dossier, n, joint->reading, second);
		shift_learn(&joint->shifts[entry->capture][other->capture], first, second);
		/* the other way round, a client's packet goes from the second to the first */
		shift_learn(&joint->shifts[other->capture][entry->capture], second, first);
	}
}

static void read_marks(struct joint *joint)
{
	struct trace trace;
	for (uint32_t i = 0; i < joint->entry_count; i++) {
		struct entry *entry = &joint->entries[i];
		for (unsigned n = 0; entry->used && n < entry->dossier.attempt_count; n++) {
			trace_read(&entry->dossier, n, joint->reading, &trace);
			entry->marks[n] = trace.marks;
		}
	}
}

unsigned attempt_of(const struct entry *entry, uint32_t thread)
{
	for (unsigned n = 0; thread != NO_THREAD && n < entry->dossier.attempt_count; n++)
		if (entry->thread[n] == thread)
			return n;
	return ATTEMPTS_KEPT;
}

void match(struct joint *joint)
{
	struct trace traces[2];
	read_marks(joint);
	for (uint32_t i = 0; i < joint->entry_count; i++) {
		struct entry *entry = &joint->entries[i];
		for (unsigned n = 0; entry->used && n < entry->dossier.attempt_count; n++)
			for (unsigned c = entry->capture + 1; c < joint->capture_count; c++)
				join_threads(joint, entry, n, c);
	}
	for (uint32_t i = 0; i < joint->entry_count; i++) {
		struct entry *entry = &joint->entries[i];
		for (unsigned n = 0; entry->used && n < entry->dossier.attempt_count; n++)
			if (entry->thread[n] != NO_THREAD)
				learn_shift(joint, entry, n, &traces[0], &traces[1]);
	}
}
