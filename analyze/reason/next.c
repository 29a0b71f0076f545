#include "reason/next.h"

#include <math.h>

#include "guide/template.h"

#define SHOWN	   5
#define WORTHWHILE 0.05 /* bits */
#define LEFT	   0.01 /* a cause counts as left from here on, as in the report */

enum models { MODELS_ANY, MODELS_ARM, MODELS_CLASSIC };

#define NEEDS_MAX 4

static const struct observation_row {
	enum vantage vantage;
	enum models models;
	enum purpose purpose;
	enum shell shell;
	const char *text, *command;
	bool tells;
	enum question question;
	enum answer needs[NEEDS_MAX];
	bool ipv4_only;
	double works[CAUSES], otherwise;
} observations[] = {
#define OBSERVATION(id, vantage_, ...) { .vantage = (vantage_), __VA_ARGS__ },
#include "reason/next.def"
};

#define OBSERVATIONS (sizeof(observations) / sizeof(observations[0]))

static double comes_out_well(const struct observation_row *observation, enum cause cause)
{
	if (observation->works[cause] > 0)
		return observation->works[cause];
	return observation->otherwise > 0 ? observation->otherwise : 0.5;
}

/* In how many ways it can turn out, and how likely each is under a cause: the first is the
 * good one. */
static int outcome_count(const struct observation_row *observation)
{
	if (!observation->tells)
		return 2;
	struct answer_range range = answers_of(observation->question);
	return (int)range.last - (int)range.first + 1;
}

static double turns_out(const struct observation_row *observation, int outcome, enum cause cause)
{
	if (observation->tells) {
		enum answer first = answers_of(observation->question).first;
		return likelihood(cause, (enum answer)((int)first + outcome));
	}
	double well = comes_out_well(observation, cause);
	return outcome == 0 ? well : 1 - well;
}

/* Entropy of the sources, in bits, for unnormalised probabilities of causes. */
static double doubt_bits(const double probability[CAUSES])
{
	double source[SOURCES] = { 0 }, sum = 0, bits = 0;
	for (int c = 0; c < CAUSES; c++) {
		source[cause_source((enum cause)c)] += probability[c];
		sum += probability[c];
	}
	for (int s = 0; s < SOURCES && sum > 0; s++)
		if (source[s] > 0)
			bits -= source[s] / sum * log2(source[s] / sum);
	return bits;
}

static double information_bits(const struct observation_row *observation,
			       const struct verdict *verdict)
{
	double bits = doubt_bits(verdict->probability);
	for (int outcome = 0; outcome < outcome_count(observation); outcome++) {
		double after[CAUSES], share = 0;
		for (int c = 0; c < CAUSES; c++) {
			after[c] = verdict->probability[c] *
				   turns_out(observation, outcome, (enum cause)c);
			share += after[c];
		}
		bits -= share * doubt_bits(after);
	}
	return bits;
}

/* The causes left whose chances the observation moves, up or down. */
static void add_separated(struct arena *arena, const struct observation_row *observation,
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
static bool made_already(const struct observation_row *observation, const struct run *run)
{
	enum purpose purpose = observation->purpose;
	if (observation->vantage != VANTAGES && observation->vantage == run->vantage)
		return true;
	for (size_t i = 0; purpose != PURPOSE_NONE && i < run->event_count; i++)
		if (run->events[i].kind == EVENT_OPEN && run->events[i].purpose == purpose)
			return true;
	return false;
}

/* Whether it can be made at all, where the VM is, and would tell something. */
static bool can_be_made(const struct observation_row *observation, const struct run *run,
			const struct facts *facts)
{
	enum models models = observation->models;
	bool classic = run->deployment == DEPLOYMENT_CLASSIC;
	for (size_t i = 0; i < NEEDS_MAX && observation->needs[i] != ANSWER_NONE; i++)
		if (fact_answer(facts, answer_question(observation->needs[i])) !=
		    observation->needs[i])
			return false;
	if ((models != MODELS_ANY && (models == MODELS_CLASSIC) != classic) ||
	    (observation->ipv4_only && run->address.family != 4))
		return false;
	return observation->vantage != VANTAGE_INTERNET || !address_is_private(&run->address);
}

const struct report_next *next_rank(struct arena *arena, const struct verdict *verdict,
				    const struct facts *facts, const struct run *run,
				    const struct guide_values *values, size_t *count)
{
	struct report_next *next = arena_alloc(arena, SHOWN * sizeof(*next));
	bool given[OBSERVATIONS] = { false };
	for (*count = 0; *count < SHOWN; ++*count) {
		const struct observation_row *best = NULL;
		double most = WORTHWHILE;
		for (size_t i = 0; i < OBSERVATIONS; i++) {
			const struct observation_row *observation = &observations[i];
			double bits = information_bits(observation, verdict);
			if (given[i] || bits <= most || !can_be_made(observation, run, facts) ||
			    made_already(observation, run))
				continue;
			best = observation;
			most = bits;
		}
		if (best == NULL)
			break;
		given[best - observations] = true;
		next[*count].text = best->text;
		next[*count].command = template_fill(arena, best->command, best->shell, values);
		add_separated(arena, best, verdict, &next[*count]);
	}
	return next;
}
