#include <string.h>

#include "sshwhy/verdict.h"

#define FLOOR 0.05 /* share of 100 that every answer has under every cause */
/* The shares of likelihood.def weigh as much as this many counted runs. */
#define STRENGTH     30.0
#define SOURCE_SHOWN 0.05

/* Every report reads all of them many times: no wider than need be. */
struct share {
	double weight;
	uint16_t answer;
	uint8_t cause; /* CAUSES: every cause without rows of its own */
	bool behind;   /* tells of what lies behind the cause, not of the cause */
};

_Static_assert(CAUSES <= UINT8_MAX && ANSWERS <= UINT16_MAX, "a row has room for each");

static const struct share shares[] = {
#define EVERY(question, answer_, weight_)                                                          \
	{ .cause = CAUSES, .answer = ANSWER_##question##_##answer_, .weight = weight_ },
#define LIKELY(cause_, question, answer_, weight_)                                                 \
	{ .cause = CAUSE_##cause_, .answer = ANSWER_##question##_##answer_, .weight = weight_ },
#define BEHIND(cause_, question, answer_, weight_)                                                 \
	{ .cause = CAUSE_##cause_,                                                                 \
	  .answer = ANSWER_##question##_##answer_,                                                 \
	  .weight = weight_,                                                                       \
	  .behind = true },
#include "reason/likelihood.def"
#undef EVERY
#undef LIKELY
#undef BEHIND
};

static const struct share counts[] = {
#define COUNTED(cause_, question, answer_, runs)                                                   \
	{ .cause = CAUSE_##cause_, .answer = ANSWER_##question##_##answer_, .weight = runs },
#include "reason/counts.def"
#undef COUNTED
	{ .cause = CAUSES }, /* a table is never empty */
};

static const struct {
	double base, vantage[VANTAGES], deployment[DEPLOYMENTS], path[2];
} priors[CAUSES] = {
#define PRIOR(cause, base_, client, internet, vnet, vm, unknown, arm, classic, public_path,        \
	      private_path)                                                                        \
	[CAUSE_##cause] = { .base = base_,                                                         \
			    .vantage = { client, internet, vnet, vm },                             \
			    .deployment = { unknown, arm, classic },                               \
			    .path = { public_path, private_path } },
#include "reason/prior.def"
#undef PRIOR
};

/* The probe of a machine on the way passes only what lies behind it. A capture made there
 * shows somebody else's connection, which has passed the rest before. */
static enum vantage connected_from(const struct run *run)
{
	bool on_the_way = run->vantage == VANTAGE_VM || run->vantage == VANTAGE_UNKNOWN;
	return !run->planned && on_the_way ? VANTAGE_CLIENT : run->vantage;
}

double prior(enum cause cause, const struct run *run)
{
	return priors[cause].base * priors[cause].vantage[connected_from(run)] *
	       priors[cause].deployment[run->deployment] *
	       priors[cause].path[run->path == PATH_INTERNET ? 0 : 1];
}

/* -- likelihood ------------------------------------------------------------------------ */

/* The answers of one question are numbered in a row. */
struct answers {
	enum answer first, last;
};

static struct answers answers_of(enum question question)
{
	struct answers answers = { ANSWER_NONE, ANSWER_NONE };
	for (int answer = ANSWER_NONE + 1; answer < ANSWERS; answer++) {
		if (answer_question((enum answer)answer) != question)
			continue;
		if (answers.first == ANSWER_NONE)
			answers.first = (enum answer)answer;
		answers.last = (enum answer)answer;
	}
	return answers;
}

/* For each cause (and CAUSES: those without rows) the weight of `answer`, and of all the
 * rows of its question. */
struct weights {
	double answer[CAUSES + 1], total[CAUSES + 1];
};

static void weigh(const struct share *table, size_t rows, const struct answers *question,
		  enum answer answer, struct weights *weights)
{
	unsigned first = question->first, others = (unsigned)(question->last - question->first);
	*weights = (struct weights){ 0 };
	for (size_t i = 0; i < rows; i++) {
		const struct share *row = &table[i];
		/* (what is less than the first wraps round to more than all) */
		if ((unsigned)row->answer - first > others || row->weight <= 0)
			continue;
		weights->total[row->cause] += row->weight;
		if (row->answer == answer)
			weights->answer[row->cause] += row->weight;
	}
}

/* In one reading of the tables. */
void likelihoods(enum answer answer, double p[CAUSES])
{
	struct answers question = answers_of(answer_question(answer));
	struct weights expected, seen;
	weigh(shares, sizeof(shares) / sizeof(*shares), &question, answer, &expected);
	weigh(counts, sizeof(counts) / sizeof(*counts), &question, answer, &seen);
	unsigned possible = (unsigned)(question.last - question.first) + 1;
	for (int c = 0; c < CAUSES; c++) {
		int row = expected.total[c] > 0 ? c : CAUSES;
		double share = expected.answer[row] * 100 / expected.total[row];
		share = (share + FLOOR) / (100 + FLOOR * possible);
		double mean = (STRENGTH * share + seen.answer[c]) / (STRENGTH + seen.total[c]);
		p[c] = mean > FLOOR / 100 ? mean : FLOOR / 100;
	}
	p[CAUSE_UNKNOWN] = 1.0 / possible;
}

double likelihood(enum cause cause, enum answer answer)
{
	double p[CAUSES];
	likelihoods(answer, p);
	return p[cause];
}

/* -- posterior ------------------------------------------------------------------------- */

bool decides_of(enum cause cause, enum question question)
{
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		if (shares[i].cause == cause && !shares[i].behind &&
		    answer_question(shares[i].answer) == question)
			return true;
	return false;
}

static void normalise(double probability[CAUSES])
{
	double sum = 0;
	for (int c = 0; c < CAUSES; c++)
		sum += probability[c];
	for (int c = 0; c < CAUSES; c++)
		probability[c] = sum > 0 ? probability[c] / sum : 0;
}

static bool asked(const struct facts *facts, const struct question_set *use, int question)
{
	return (use == NULL || use->use[question]) && facts->fact[question].answer != ANSWER_NONE;
}

/* A cause is in the running once a question with rows of its own was answered: what
 * nobody looked for can be neither blamed nor cleared. */
static void find_running(const struct facts *facts, const struct question_set *use,
			 bool running[CAUSES])
{
	memset(running, 0, CAUSES * sizeof(*running));
	running[CAUSE_UNKNOWN] = true;
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		if (shares[i].cause != CAUSES && !shares[i].behind && !running[shares[i].cause])
			running[shares[i].cause] =
				asked(facts, use, (int)answer_question(shares[i].answer));
}

static void posterior(const struct facts *facts, const struct run *run,
		      const struct question_set *use, const bool running[CAUSES],
		      double probability[CAUSES])
{
	for (int c = 0; c < CAUSES; c++)
		probability[c] = running[c] ? prior((enum cause)c, run) : 0;
	for (int q = 0; q < QUESTIONS; q++) {
		double p[CAUSES];
		if (!asked(facts, use, q))
			continue;
		likelihoods(facts->fact[q].answer, p);
		for (int c = 0; c < CAUSES; c++)
			probability[c] *= p[c];
	}
	normalise(probability);
}

/* Sources with their share of the probability that any source has; most first. */
static void rank_sources(struct verdict *verdict)
{
	double share[6] = { 0 };
	for (int c = 0; c < CAUSES; c++)
		share[cause_source((enum cause)c)] += verdict->probability[c];
	verdict->source_count = 0;
	for (;;) {
		uint8_t best = 0;
		for (uint8_t s = 1; s < 6; s++)
			if (share[s] >= SOURCE_SHOWN && (best == 0 || share[s] > share[best]))
				best = s;
		if (best == 0)
			return;
		verdict->source_probability[verdict->source_count] = share[best];
		verdict->sources[verdict->source_count++] = best;
		share[best] = 0;
	}
}

/* Whether any cause has an opinion of its own about the question. */
static bool decides(enum question question)
{
	for (int c = 0; c < CAUSES; c++)
		if (decides_of((enum cause)c, question))
			return true;
	return false;
}

/* Whether health can be told, or anything was seen that health would not show: without
 * that there is nothing to reason from. */
static bool evidence_enough(const struct facts *facts, const struct question_set *use,
			    const bool running[CAUSES])
{
	if (running[CAUSE_HEALTHY])
		return true;
	for (int q = 0; q < QUESTIONS; q++)
		if (asked(facts, use, q) && decides((enum question)q) &&
		    likelihood(CAUSE_HEALTHY, facts->fact[q].answer) < 0.5)
			return true;
	return false;
}

static enum outcome decide(const struct verdict *verdict, const struct facts *facts,
			   const struct question_set *use, const bool running[CAUSES])
{
	if (!evidence_enough(facts, use, running) || verdict->cause == CAUSE_UNKNOWN)
		return OUTCOME_UNKNOWN;
	if (verdict->cause == CAUSE_HEALTHY)
		return verdict->probability[CAUSE_HEALTHY] > 0.5 ? OUTCOME_HEALTHY : OUTCOME_UNKNOWN;
	return verdict->source_count == 1 ? OUTCOME_FAULT : OUTCOME_AMBIGUOUS;
}

void reason(const struct facts *facts, const struct run *run, const struct question_set *use,
	    struct verdict *verdict)
{
	bool running[CAUSES];
	memset(verdict, 0, sizeof(*verdict));
	find_running(facts, use, running);
	posterior(facts, run, use, running, verdict->probability);
	rank_sources(verdict);
	for (int c = 0; c < CAUSES; c++)
		if (verdict->probability[c] > verdict->probability[verdict->cause])
			verdict->cause = (enum cause)c;
	verdict->outcome = decide(verdict, facts, use, running);
	/* The first cause belongs to the first source, so that the two never disagree. */
	bool blames = verdict->outcome == OUTCOME_FAULT || verdict->outcome == OUTCOME_AMBIGUOUS;
	if (!blames) {
		verdict->source_count = 0;
		verdict->confidence = verdict->probability[verdict->cause];
		return;
	}
	double best = -1;
	for (int c = 0; c < CAUSES; c++)
		if (cause_source((enum cause)c) == verdict->sources[0] &&
		    verdict->probability[c] > best) {
			best = verdict->probability[c];
			verdict->cause = (enum cause)c;
		}
	verdict->confidence = verdict->source_probability[0];
}
