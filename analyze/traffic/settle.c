/* From what was written down of a conversation to its report, or to whoever keeps it. */
#include "traffic/dossier.h"
#include "traffic/state.h"

static int64_t as_of(const struct traffic *t, const struct conversation *c)
{
	int64_t now_ns = c->last_ns + CAPTURE_PATIENCE < t->clock_ns ? c->last_ns + CAPTURE_PATIENCE
								     : t->clock_ns;
	return now_ns < c->last_ns ? c->last_ns : now_ns;
}

static void find_place(const struct traffic *t, struct dossier *dossier)
{
	dossier->vantage = t->options.vantage;
	if (t->options.vantage_given)
		return;
	dossier->place = place_of_capture(&dossier->conversation, &t->locals, dossier->place_text);
	dossier->vantage = dossier->place == WORD_PLACE_CLIENT ? VANTAGE_CLIENT
			   : dossier->place == WORD_PLACE_VM   ? VANTAGE_VM
							       : VANTAGE_UNKNOWN;
}

static void fill_dossier(struct dossier *dossier, const struct traffic *t, uint32_t index,
			 bool hurried)
{
	const struct traffic_table *table = &t->table;
	*dossier = (struct dossier){
		.conversation = table->conversations[index],
		.pool = &table->pool,
		.interface = t->options.interface,
		.keys = t->options.keys,
		.lost = t->lost,
		.forgotten = t->tally.forgotten,
		.now_ns = as_of(t, &table->conversations[index]),
		.hurried = hurried,
	};
	for (uint32_t i = dossier->conversation.newest;
	     i != 0 && dossier->attempt_count < ATTEMPTS_KEPT; i = table->attempts[i].older)
		dossier->attempts[dossier->attempt_count++] = table->attempts[i];
	find_place(t, dossier);
}

/* A SYN that was not answered is marked where the SYNs are: a flood of them from one client would
 * push all else out of the seeds. */
void mark_seen(struct traffic *t, const struct attempt *attempt, int64_t now_ns)
{
	const unsigned answered = ATTEMPT_ANSWER | ATTEMPT_CONNECTED | ATTEMPT_MIDSTREAM;
	if (attempt->tag == 0)
		return;
	if (!(attempt->bits & answered)) {
		knocks_mark(&t->knocks, attempt->tag, attempt->client_sequence);
		return;
	}
	struct seed *seed = seeds_put(&t->seeds, attempt->tag, now_ns);
	seed->syn_sequence = attempt->client_sequence;
	seed->bits = SEED_SETTLED;
	if (attempt->bits & (ATTEMPT_SYN | ATTEMPT_ANSWER))
		seed->bits |= SEED_SYN;
	if (attempt->bits & ATTEMPT_CLIENT_LOW)
		seed->bits |= SEED_CLIENT_LOW;
}

static void mark_settled(struct traffic *t, const struct conversation *c)
{
	for (uint32_t i = c->newest; i != 0; i = t->table.attempts[i].older)
		if (t->table.attempts[i].bits & (ATTEMPT_CONNECTED | ATTEMPT_MIDSTREAM))
			mark_seen(t, &t->table.attempts[i], c->last_ns);
}

void settle(struct traffic *t, uint32_t index, bool hurried)
{
	struct dossier dossier;
	const struct traffic_heir *heir = t->options.heir;
	fill_dossier(&dossier, t, index, hurried);
	t->tally.conversations++;
	t->tally.hurried += hurried;
	if (heir == NULL || !heir->keep(heir->context, &dossier))
		dossier_report(&dossier, &t->options.report, t->payload, t->settled, t->context);
	mark_settled(t, &t->table.conversations[index]);
	table_remove(&t->table, index);
}
