#include <string.h>

#include "sshwhy/verdict.h"

#define FLOOR 0.05 /* share of 100 that every answer has under every cause */
/* The shares of likelihood.def weigh as much as this many counted runs. */
#define STRENGTH     30.0
#define SOURCE_SHOWN 0.05
#define RARE	     0.003 /* what shows so seldom in health is not called healthy */

/* Shares of 100 and counted runs, as the .def lists have them; 0 where there is no row. A
 * pair that two rows name does not compile (-Woverride-init). */
static const double every[ANSWERS] = {
/* causes without rows of their own */
#define EVERY(question, answer, weight) [ANSWER_##question##_##answer] = weight,
#include "reason/likelihood.def"
};

static const double likely[CAUSES][ANSWERS] = {
#define LIKELY(cause, question, answer, weight)                                                    \
	[CAUSE_##cause][ANSWER_##question##_##answer] = weight,
#include "reason/likelihood.def"
};

static const double behind[CAUSES][ANSWERS] = {
/* what lies deeper tells nothing of the cause */
#define BEHIND(cause, question, answer, weight)                                                    \
	[CAUSE_##cause][ANSWER_##question##_##answer] = weight,
#include "reason/likelihood.def"
};

static const double counted[CAUSES][ANSWERS] = {
#define COUNTED(cause, question, answer, runs) [CAUSE_##cause][ANSWER_##question##_##answer] = runs,
#include "reason/counts.def"
};

enum { INTERNET_PATH, PRIVATE_PATH };

#define FROM(client_, internet_, vnet_, vm_)                                                       \
	.vantage = { [VANTAGE_CLIENT] = client_,                                                   \
		     [VANTAGE_INTERNET] = internet_,                                               \
		     [VANTAGE_VNET] = vnet_,                                                       \
		     [VANTAGE_VM] = vm_ }
#define MODEL(unknown_, arm_, classic_)                                                            \
	.deployment = { [DEPLOYMENT_UNKNOWN] = unknown_,                                           \
			[DEPLOYMENT_ARM] = arm_,                                                   \
			[DEPLOYMENT_CLASSIC] = classic_ }
#define PATH(internet_, private_) .path = { [INTERNET_PATH] = internet_, [PRIVATE_PATH] = private_ }

static const struct {
	double base, vantage[VANTAGES], deployment[DEPLOYMENTS], path[2];
} priors[CAUSES] = {
#define PRIOR(cause, base_, from_, model_, path_)                                                  \
	[CAUSE_##cause] = { .base = base_, from_, model_, path_ },
#include "reason/prior.def"
};

/* A cause without a prior would never win: it does not compile ("HAS_PRIOR_..." is missing). */
enum {
#define PRIOR(cause, base, from, model, path) HAS_PRIOR_##cause,
#include "reason/prior.def"
#define CAUSE(id, name, source, title) PRIOR_OF_##id = HAS_PRIOR_##id,
#include "sshwhy/causes.def"
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
	       priors[cause].path[run->path == PATH_INTERNET ? INTERNET_PATH : PRIVATE_PATH];
}

/* -- likelihood ------------------------------------------------------------------------ */

static double sum_of(const double weights[ANSWERS], struct answer_range range)
{
	double sum = 0;
	for (int answer = (int)range.first; answer <= (int)range.last; answer++)
		sum += weights[answer];
	return sum;
}

/* What is expected of the cause, as a share of 1. */
static double expected_share(enum cause cause, enum answer answer, struct answer_range range)
{
	unsigned possible = (unsigned)(range.last - range.first) + 1;
	double total = sum_of(likely[cause], range) + sum_of(behind[cause], range);
	double own = likely[cause][answer] + behind[cause][answer];
	if (total <= 0) {
		total = sum_of(every, range);
		own = every[answer];
	}
	double share = total > 0 ? own * 100 / total : 0;
	return (share + FLOOR) / (100 + FLOOR * possible);
}

double likelihood(enum cause cause, enum answer answer)
{
	struct answer_range range = answers_of(answer_question(answer));
	if (cause == CAUSE_UNKNOWN)
		return 1.0 / ((range.last - range.first) + 1);
	double expected = STRENGTH * expected_share(cause, answer, range);
	double mean =
		(expected + counted[cause][answer]) / (STRENGTH + sum_of(counted[cause], range));
	return mean > FLOOR / 100 ? mean : FLOOR / 100;
}

/* Loss may have turned `instead` into the answer that is seen: a cause under which `instead` is
 * likely then explains it too, as often as that accident happens. */
static double likelihood_of(enum cause cause, const struct fact *fact)
{
	double own = likelihood(cause, fact->answer);
	return fact->accident > 0 ? own + fact->accident * likelihood(cause, fact->instead) : own;
}

/* -- posterior ------------------------------------------------------------------------- */

bool decides_of(enum cause cause, enum question question)
{
	return sum_of(likely[cause], answers_of(question)) > 0;
}

static void normalise_sum(double probability[CAUSES])
{
	double sum = 0;
	for (int c = 0; c < CAUSES; c++)
		sum += probability[c];
	for (int c = 0; c < CAUSES; c++)
		probability[c] = sum > 0 ? probability[c] / sum : 0;
}

static bool is_asked(const struct facts *facts, const struct question_set *use, int question)
{
	return (use == NULL || use->use[question]) && facts->fact[question].answer != ANSWER_NONE;
}

/* A cause is in the running once a question with rows of its own was answered: what
 * nobody looked for can be neither blamed nor cleared. Health explains whatever it has no
 * rows of its own for, so it is never out of it; whether it was looked for is another
 * matter (health_asked). */
static void find_running(const struct facts *facts, const struct question_set *use,
			 bool running[CAUSES])
{
	memset(running, 0, CAUSES * sizeof(*running));
	for (int q = 0; q < QUESTIONS; q++)
		for (int c = 0; c < CAUSES && is_asked(facts, use, q); c++)
			running[c] |= decides_of((enum cause)c, (enum question)q);
	running[CAUSE_UNKNOWN] = running[CAUSE_HEALTHY] = true;
}

static void posterior(const struct facts *facts, const struct run *run,
		      const struct question_set *use, const bool running[CAUSES],
		      double probability[CAUSES])
{
	for (int c = 0; c < CAUSES; c++)
		probability[c] = running[c] ? prior((enum cause)c, run) : 0;
	for (int q = 0; q < QUESTIONS; q++)
		for (int c = 0; c < CAUSES && is_asked(facts, use, q); c++)
			if (running[c])
				probability[c] *= likelihood_of((enum cause)c, &facts->fact[q]);
	normalise_sum(probability);
}

/* Sources with their share of the probability that any source has; most first. */
static void rank_sources(struct verdict *verdict)
{
	double share[SOURCES] = { 0 };
	for (int c = 0; c < CAUSES; c++)
		share[cause_source((enum cause)c)] += verdict->probability[c];
	verdict->source_count = 0;
	for (;;) {
		uint8_t best = 0;
		for (uint8_t s = 1; s < SOURCES; s++)
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
static bool is_decisive(enum question question)
{
	for (int c = 0; c < CAUSES; c++)
		if (decides_of((enum cause)c, question))
			return true;
	return false;
}

/* Whether health was looked for; `seen`: and what was found may be health. */
static bool health_asked(const struct facts *facts, const struct question_set *use, bool seen)
{
	for (int q = 0; q < QUESTIONS; q++)
		if (is_asked(facts, use, q) && decides_of(CAUSE_HEALTHY, (enum question)q))
			return !seen || likelihood(CAUSE_HEALTHY, facts->fact[q].answer) > RARE;
	return false;
}

/* Whether health can be told, or anything was seen that health would not show: without
 * that there is nothing to reason from. */
static bool evidence_enough(const struct facts *facts, const struct question_set *use)
{
	if (health_asked(facts, use, false))
		return true;
	for (int q = 0; q < QUESTIONS; q++)
		if (is_asked(facts, use, q) && is_decisive((enum question)q) &&
		    likelihood(CAUSE_HEALTHY, facts->fact[q].answer) < 0.5)
			return true;
	return false;
}

/* Of a way over a jump host its first leg is probed: that it is well says nothing of the others. */
static bool whole_way_seen(const struct facts *facts, const struct run *run)
{
	return run->via == NULL || fact_answer(facts, QUESTION_CONFIG) == ANSWER_CONFIG_WORKS;
}

static enum outcome outcome_of(const struct verdict *verdict, const struct facts *facts,
			       const struct run *run, const struct question_set *use)
{
	if (!evidence_enough(facts, use) || verdict->cause == CAUSE_UNKNOWN)
		return OUTCOME_UNKNOWN;
	if (verdict->cause == CAUSE_HEALTHY)
		return verdict->probability[CAUSE_HEALTHY] > 0.5 &&
				       health_asked(facts, use, true) && whole_way_seen(facts, run)
			       ? OUTCOME_HEALTHY
			       : OUTCOME_UNKNOWN;
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
	verdict->outcome = outcome_of(verdict, facts, run, use);
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

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_HEALTHY] = "healthy",
		[OUTCOME_FAULT] = "fault",
		[OUTCOME_AMBIGUOUS] = "ambiguous",
		[OUTCOME_UNKNOWN] = "unknown",
	};
	return names[outcome];
}
