#include "reason/next.h"

#include <math.h>

#include "guide/template.h"

#define SHOWN	   5
#define WORTHWHILE 0.05 /* bits */
#define LEFT	   0.01 /* a cause counts as left from here on, as in the report */

/* The list is read once for each kind of row; the other kinds are nothing then. */
#define OBSERVATION(id, vantage, models, purpose, shell, text, command)
#define EXPECT(id, cause, p)
#define EXPECT_REST(id, p)
#define TELLS(id, question)
#define NEEDS(id, question, answer)
#define IPV4_ONLY(id)

enum observation {
#undef OBSERVATION
#define OBSERVATION(id, vantage, models, purpose, shell, text, command) OBSERVATION_##id,
#include "reason/next.def"
#undef OBSERVATION
#define OBSERVATION(id, vantage, models, purpose, shell, text, command)
	OBSERVATIONS
};

enum models { MODELS_ANY, MODELS_ARM, MODELS_CLASSIC };

static const struct {
	enum vantage vantage;
	enum models models;
	enum purpose purpose;
	const char *shell, *text, *command;
} observations[OBSERVATIONS] = {
#undef OBSERVATION
#define OBSERVATION(id, vantage_, models_, purpose_, shell_, text_, command_)                      \
	[OBSERVATION_##id] = { .vantage = vantage_,                                                \
			       .models = MODELS_##models_,                                         \
			       .purpose = purpose_,                                                \
			       .shell = shell_,                                                    \
			       .text = text_,                                                      \
			       .command = command_ },
#include "reason/next.def"
#undef OBSERVATION
#define OBSERVATION(id, vantage, models, purpose, shell, text, command)
};

static const struct {
	enum observation observation;
	enum cause cause; /* CAUSES: the rest */
	double p;
} expectations[] = {
#undef EXPECT
#undef EXPECT_REST
#define EXPECT(id, cause_, p_)                                                                     \
	{ .observation = OBSERVATION_##id, .cause = CAUSE_##cause_, .p = p_ },
#define EXPECT_REST(id, p_) { .observation = OBSERVATION_##id, .cause = CAUSES, .p = p_ },
#include "reason/next.def"
#undef EXPECT
#undef EXPECT_REST
#define EXPECT(id, cause, p)
#define EXPECT_REST(id, p)
};

static const struct {
	bool tells;
	enum question question;
} told[OBSERVATIONS] = {
#undef TELLS
#define TELLS(id, question_)                                                                       \
	[OBSERVATION_##id] = { .tells = true, .question = QUESTION_##question_ },
#include "reason/next.def"
#undef TELLS
#define TELLS(id, question)
};

static const struct {
	enum observation observation;
	enum answer answer;
} needs[] = {
#undef NEEDS
#define NEEDS(id, question, answer_)                                                               \
	{ .observation = OBSERVATION_##id, .answer = ANSWER_##question##_##answer_ },
#include "reason/next.def"
#undef NEEDS
#define NEEDS(id, question, answer)
};

static const bool ipv4_only[OBSERVATIONS] = {
#undef IPV4_ONLY
#define IPV4_ONLY(id) [OBSERVATION_##id] = true,
#include "reason/next.def"
};

static double comes_out_well(enum observation observation, enum cause cause)
{
	double rest = 0.5;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(*expectations); i++) {
		if (expectations[i].observation != observation)
			continue;
		if (expectations[i].cause == cause)
			return expectations[i].p;
		if (expectations[i].cause == CAUSES)
			rest = expectations[i].p;
	}
	return rest;
}

/* In how many ways it can turn out, and how likely each is under a cause: the first is the
 * good one. */
static int outcomes(enum observation observation)
{
	if (!told[observation].tells)
		return 2;
	struct answer_range range = answers_of(told[observation].question);
	return (int)range.last - (int)range.first + 1;
}

static double turns_out(enum observation observation, int outcome, enum cause cause)
{
	if (told[observation].tells) {
		enum answer first = answers_of(told[observation].question).first;
		return likelihood(cause, (enum answer)((int)first + outcome));
	}
	double well = comes_out_well(observation, cause);
	return outcome == 0 ? well : 1 - well;
}

/* Entropy of the sources, in bits, for unnormalised probabilities of causes. */
static double doubt(const double probability[CAUSES])
{
	double source[6] = { 0 }, sum = 0, bits = 0;
	for (int c = 0; c < CAUSES; c++) {
		source[cause_source((enum cause)c)] += probability[c];
		sum += probability[c];
	}
	for (int s = 0; s < 6 && sum > 0; s++)
		if (source[s] > 0)
			bits -= source[s] / sum * log2(source[s] / sum);
	return bits;
}

static double information(enum observation observation, const struct verdict *verdict)
{
	double bits = doubt(verdict->probability);
	for (int outcome = 0; outcome < outcomes(observation); outcome++) {
		double after[CAUSES], share = 0;
		for (int c = 0; c < CAUSES; c++) {
			after[c] = verdict->probability[c] *
				   turns_out(observation, outcome, (enum cause)c);
			share += after[c];
		}
		bits -= share * doubt(after);
	}
	return bits;
}

/* The causes left whose chances the observation moves, up or down. */
static void separated(struct arena *arena, enum observation observation,
		      const struct verdict *verdict, struct report_next *next)
{
	enum cause *causes = arena_alloc(arena, CAUSES * sizeof(*causes));
	for (int c = 0; c < CAUSES; c++)
		if (verdict->probability[c] >= LEFT && c != CAUSE_HEALTHY && c != CAUSE_UNKNOWN)
			causes[next->separates_count++] = (enum cause)c;
	for (size_t i = 1; i < next->separates_count; i++) /* most telling result first */
		for (size_t n = i; n > 0 && turns_out(observation, 0, causes[n]) >
						    turns_out(observation, 0, causes[n - 1]);
		     n--) {
			enum cause swap = causes[n];
			causes[n] = causes[n - 1];
			causes[n - 1] = swap;
		}
	next->separates = causes;
}

/* Whether this run was made there, or holds what would be made. */
static bool made_already(enum observation observation, const struct run *run)
{
	enum purpose purpose = observations[observation].purpose;
	if (observations[observation].vantage == run->vantage)
		return true;
	for (size_t i = 0; purpose != PURPOSE_NONE && i < run->event_count; i++)
		if (run->events[i].kind == EVENT_OPEN && run->events[i].purpose == purpose)
			return true;
	return false;
}

/* Whether it can be made at all, where the VM is, and would tell something. */
static bool offered(enum observation observation, const struct run *run, const struct facts *facts)
{
	enum models models = observations[observation].models;
	bool classic = run->deployment == DEPLOYMENT_CLASSIC;
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (needs[i].observation == observation &&
		    fact_answer(facts, answer_question(needs[i].answer)) != needs[i].answer)
			return false;
	if ((models != MODELS_ANY && (models == MODELS_CLASSIC) != classic) ||
	    (ipv4_only[observation] && run->address.family != 4))
		return false;
	return observations[observation].vantage != VANTAGE_INTERNET ||
	       !address_is_private(&run->address);
}

const struct report_next *next_rank(struct arena *arena, const struct verdict *verdict,
				    const struct facts *facts, const struct run *run,
				    const struct guide_values *values, size_t *count)
{
	struct report_next *next = arena_alloc(arena, SHOWN * sizeof(*next));
	bool given[OBSERVATIONS] = { false };
	for (*count = 0; *count < SHOWN; ++*count) {
		int best = -1;
		double most = WORTHWHILE;
		for (int i = 0; i < OBSERVATIONS; i++) {
			double bits = information((enum observation)i, verdict);
			if (given[i] || bits <= most || !offered((enum observation)i, run, facts) ||
			    made_already((enum observation)i, run))
				continue;
			best = i;
			most = bits;
		}
		if (best < 0)
			break;
		given[best] = true;
		next[*count].text = observations[best].text;
		next[*count].command = template_fill(arena, observations[best].command,
						     observations[best].shell, values);
		separated(arena, (enum observation)best, verdict, &next[*count]);
	}
	return next;
}
