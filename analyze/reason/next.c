#include "reason/next.h"

#include <math.h>

#include "report/template.h"

#define SHOWN	   4
#define WORTHWHILE 0.05 /* bits */
#define LEFT	   0.01 /* a cause counts as left from here on, as in the report */

enum observation {
#define OBSERVATION(id, vantage, models, purpose, shell, text, command) OBSERVATION_##id,
#define EXPECT(id, cause, p)
#define EXPECT_REST(id, p)
#include "reason/next.def"
#undef OBSERVATION
#undef EXPECT
#undef EXPECT_REST
	OBSERVATIONS
};

enum models { MODELS_ANY, MODELS_ARM, MODELS_CLASSIC };

static const struct {
	enum vantage vantage;
	enum models models;
	enum purpose purpose;
	const char *shell, *text, *command;
} observations[OBSERVATIONS] = {
#define OBSERVATION(id, vantage_, models_, purpose_, shell_, text_, command_)                               \
	[OBSERVATION_##id] = { .vantage = vantage_,                                                \
			       .models = MODELS_##models_,                                         \
			       .purpose = purpose_,                                                \
			       .shell = shell_,                                                    \
			       .text = text_,                                                      \
			       .command = command_ },
#define EXPECT(id, cause, p)
#define EXPECT_REST(id, p)
#include "reason/next.def"
#undef OBSERVATION
#undef EXPECT
#undef EXPECT_REST
};

static const struct {
	enum observation observation;
	enum cause cause; /* CAUSES: the rest */
	double p;
} expectations[] = {
#define OBSERVATION(id, vantage, models, purpose, shell, text, command)
#define EXPECT(id, cause_, p_)                                                                     \
	{ .observation = OBSERVATION_##id, .cause = CAUSE_##cause_, .p = p_ },
#define EXPECT_REST(id, p_) { .observation = OBSERVATION_##id, .cause = CAUSES, .p = p_ },
#include "reason/next.def"
#undef OBSERVATION
#undef EXPECT
#undef EXPECT_REST
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
	double well[CAUSES], badly[CAUSES], share = 0;
	for (int c = 0; c < CAUSES; c++) {
		double p = comes_out_well(observation, (enum cause)c);
		well[c] = verdict->probability[c] * p;
		badly[c] = verdict->probability[c] * (1 - p);
		share += well[c];
	}
	return doubt(verdict->probability) - share * doubt(well) - (1 - share) * doubt(badly);
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
		for (size_t n = i; n > 0 && comes_out_well(observation, causes[n]) >
						    comes_out_well(observation, causes[n - 1]);
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

/* Whether it can be made at all, where the VM is. */
static bool offered(enum observation observation, const struct run *run)
{
	enum models models = observations[observation].models;
	bool classic = run->deployment == DEPLOYMENT_CLASSIC;
	if (models != MODELS_ANY && (models == MODELS_CLASSIC) != classic)
		return false;
	return observations[observation].vantage != VANTAGE_INTERNET ||
	       !address_is_private(&run->address);
}

const struct report_next *next_rank(struct arena *arena, const struct verdict *verdict,
				    const struct run *run, const struct explain_values *values,
				    size_t *count)
{
	struct report_next *next = arena_alloc(arena, SHOWN * sizeof(*next));
	bool given[OBSERVATIONS] = { false };
	for (*count = 0; *count < SHOWN; ++*count) {
		int best = -1;
		double most = WORTHWHILE;
		for (int i = 0; i < OBSERVATIONS; i++) {
			double bits = information((enum observation)i, verdict);
			if (given[i] || bits <= most || !offered((enum observation)i, run) ||
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
