/* sim: the prober and the analysis against a modelled network, a seed a diagnosis. */
#include <argp.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"
#include "lab.h"
#include "tally.h"

enum { JOBS_MAX = 64 };

enum mode { MODE_MANY, MODE_ONE, MODE_SHRINK };

struct settings {
	enum mode mode;
	uint64_t from, to;
	unsigned jobs;
	bool verbose, counts, facts, steady, check, each;
	struct draw_options draw;
	struct lab_weather weather;
};

/* -- one -------------------------------------------------------------------------------- */

static void describe(const struct diagnosis *d, FILE *out)
{
	const struct scenario *s = &d->scenario;
	const struct weather *w = &s->weather;
	const struct verdict *v = &d->verdict;
	fprintf(out, "seed %" PRIu64 ": %s (%s), %s, %s, IPv%u; way %u, edge %u, ecmp %d\n",
		s->seed, cause_name(s->cause), s->variant, vantage_names[s->vantage],
		deployment_names[s->deployment], s->target.family, s->trail[0].length, s->edge,
		(int)s->ecmp);
	fprintf(out,
		"  loss %.0f/%.0f %% at %u, jitter %.1f ms, duplicates %.0f %%, asymmetry %u, "
		"quotes %s, unseen %.0f %%\n",
		100 * w->loss_out, 100 * w->loss_back, w->lossy, (double)w->jitter_ns / 1e6,
		100 * w->duplicate, w->asymmetry, w->quotes_rewritten ? "rewritten" : "true",
		100 * w->unseen);
	fprintf(out, "  %s %s %.3f sources", outcome_name(v->outcome), cause_name(v->cause),
		v->confidence);
	for (size_t i = 0; i < v->source_count; i++)
		fprintf(out, " %u:%.3f", v->sources[i], v->source_probability[i]);
	fprintf(out, "; %.2f s, %u packets%s\n", (double)d->took_ns / 1e9, d->sent,
		diagnosis_inexcusable(d) ? "; WRONG"
		: diagnosis_wrong(d)	 ? "; wrong"
					 : "");
	fprintf(out, " ");
	for (int q = 0; q < QUESTIONS; q++)
		if (d->answer[q] != ANSWER_NONE)
			fprintf(out, " %s.%s", question_name((enum question)q),
				answer_name(d->answer[q]));
	fputc('\n', out);
}

static void describe_way(const struct scenario *s, FILE *out)
{
	char text[ADDRESS_TEXT];
	for (unsigned t = 0; t < (s->ecmp == ECMP_NONE ? 1 : 2); t++)
		for (unsigned p = 1; p <= s->trail[t].length; p++) {
			const struct node *node = &s->node[s->trail[t].node[p]];
			fprintf(out, "  %u.%u %s%s rate %d, %.2f ms\n", t, p,
				address_text(&node->address, text), node->silent ? " silent" : "",
				(int)node->rate, (double)node->delay_ns / 1e6);
		}
	for (unsigned i = 0; i < s->filter_count; i++)
		fprintf(out, "  filter at node %u: match %d act %d%s%s\n", s->filter[i].node,
			(int)s->filter[i].match, (int)s->filter[i].act,
			s->filter[i].back ? " back" : "",
			s->filter[i].before_ttl ? " before ttl" : "");
}

static int one(const struct settings *settings)
{
	struct workshop *workshop = workshop_new();
	struct diagnosis diagnosis;
	diagnose(workshop, settings->from, &settings->draw, settings->verbose ? stdout : NULL,
		 &diagnosis);
	describe(&diagnosis, stdout);
	if (settings->verbose) {
		describe_way(&diagnosis.scenario, stdout);
		for (int c = 0; c < CAUSES; c++)
			if (diagnosis.verdict.probability[c] >= 0.001)
				printf("  %-24s %.4f\n", cause_name((enum cause)c),
				       diagnosis.verdict.probability[c]);
	}
	workshop_free(workshop);
	return diagnosis_inexcusable(&diagnosis);
}

/* Calms the weather piece by piece, as long as the verdict stays wrong. */
static int shrink(const struct settings *settings)
{
	struct workshop *workshop = workshop_new();
	struct draw_options draw = settings->draw;
	struct diagnosis diagnosis;
	diagnose(workshop, settings->from, &draw, NULL, &diagnosis);
	if (!diagnosis_wrong(&diagnosis)) {
		describe(&diagnosis, stdout);
		puts("not wrong: nothing to shrink");
		workshop_free(workshop);
		return 0;
	}
	printf("--calm ");
	for (int c = 0; c < CALM_COUNT; c++) {
		struct diagnosis calmer;
		draw.calm[c] = true;
		diagnose(workshop, settings->from, &draw, NULL, &calmer);
		if (diagnosis_wrong(&calmer)) {
			diagnosis = calmer;
			printf("%s,", calm_names[c]);
		} else {
			draw.calm[c] = false;
		}
	}
	putchar('\n');
	describe(&diagnosis, stdout);
	describe_way(&diagnosis.scenario, stdout);
	workshop_free(workshop);
	return 1;
}

/* -- many ------------------------------------------------------------------------------- */

static void work(const struct settings *settings, unsigned job, struct tally *tally)
{
	struct workshop *workshop = workshop_new();
	struct draw_options calm = settings->draw;
	calm.calm[CALM_LOSS_OUT] = calm.calm[CALM_LOSS_BACK] = true;
	for (uint64_t seed = settings->from + job; seed <= settings->to; seed += settings->jobs) {
		struct diagnosis diagnosis, without_loss;
		diagnose(workshop, seed, &settings->draw, NULL, &diagnosis);
		tally_add(tally, &diagnosis);
		if (settings->each) {
			describe(&diagnosis, stdout);
			fflush(stdout); /* the jobs share it: whole diagnoses only */
		}
		if (settings->verbose && diagnosis_inexcusable(&diagnosis))
			describe(&diagnosis, stderr);
		if (!settings->steady || diagnosis.scenario.loss_class == 0)
			continue;
		diagnose(workshop, seed, &calm, NULL, &without_loss);
		tally_compare(tally, &diagnosis, &without_loss);
	}
	workshop_free(workshop);
}

/* A process for each job: nothing is shared but the page of its tally. */
static bool work_apart(const struct settings *settings, struct tally *tallies)
{
	bool sound = true;
	for (unsigned job = 0; job < settings->jobs; job++) {
		pid_t child = fork();
		if (child < 0)
			return false;
		if (child == 0) {
			work(settings, job, &tallies[job]);
			fflush(NULL);
			_exit(0);
		}
	}
	int status;
	while (wait(&status) > 0)
		sound &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return sound;
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int many(const struct settings *settings)
{
	size_t size = sizeof(struct tally) * (settings->jobs + 1);
	struct tally *tallies =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double start = seconds();
	if (tallies == MAP_FAILED || !work_apart(settings, tallies)) {
		fputs("sim: a job failed\n", stderr);
		return 70;
	}
	double took = seconds() - start;
	struct tally *all = &tallies[settings->jobs];
	for (unsigned job = 0; job < settings->jobs; job++)
		tally_join(all, &tallies[job]);
	if (settings->counts) {
		tally_print_counts(all, stdout);
	} else if (settings->facts) {
		tally_print_facts(all, stdout);
	} else {
		tally_print(all, stdout);
		printf("%.1f s: %.0f diagnoses a minute\n", took,
		       (double)(settings->to - settings->from + 1) / took * 60);
	}
	int status = settings->check ? tally_check(all, stdout) | !faults_are_whole(stdout) : 0;
	munmap(tallies, size);
	return status;
}

/* -- command line ----------------------------------------------------------------------- */

enum {
	KEY_SEEDS = 256,
	KEY_SEED,
	KEY_SHRINK,
	KEY_UNIFORM,
	KEY_LOSS,
	KEY_CAUSE,
	KEY_VARIANT,
	KEY_VARIANTS,
	KEY_FAMILY,
	KEY_DEPLOYMENT,
	KEY_LAB,
	KEY_WEATHER,
	KEY_CALM,
	KEY_COUNTS,
	KEY_FACTS,
	KEY_EACH,
	KEY_STEADY,
	KEY_CHECK,
	KEY_DEEP,
	KEY_REFERENCE
};

static const struct argp_option options[] = {
	{ "seeds", KEY_SEEDS, "A..B", 0, "diagnose these and print tables (default 1..10000)", 0 },
	{ "seed", KEY_SEED, "N", 0, "replay one; -v traces it", 0 },
	{ "shrink", KEY_SHRINK, "N", 0, "calm the weather of a wrong one as far as it stays wrong",
	  0 },
	{ "jobs", 'j', "N", 0, "processes (default: one for each core)", 0 },
	{ "uniform", KEY_UNIFORM, NULL, 0, "each cause as often as another", 0 },
	{ "cause", KEY_CAUSE, "NAME", 0, "only this cause", 0 },
	{ "variant", KEY_VARIANT, "WORDS", 0, "only this way in which the cause comes", 0 },
	{ "variants", KEY_VARIANTS, NULL, 0, "print all causes and their variants", 0 },
	{ "family", KEY_FAMILY, "4|6", 0, "only this IP", 0 },
	{ "deployment", KEY_DEPLOYMENT, "NAME", 0, "only this one", 0 },
	{ "lab", KEY_LAB, NULL, 0, "the network of tests/lab, not a random one", 0 },
	{ "weather", KEY_WEATHER, "WORDS", 0,
	  "of the lab, as `lab weather` has it; delay=1..150 is drawn", 0 },
	{ "loss", KEY_LOSS, "PERCENT", 0, "0, 5, 10, 20 or 30 each way, for all", 0 },
	{ "calm", KEY_CALM, "LIST", 0, "weather to leave out, as --shrink prints it", 0 },
	{ "facts", KEY_FACTS, NULL, 0, "print how often each fact came instead", 0 },
	{ "each", KEY_EACH, NULL, 0, "tell of every one, before the tables", 0 },
	{ "steady", KEY_STEADY, NULL, 0, "compare each verdict with that of the run without loss",
	  0 },
	{ "deep", KEY_DEEP, NULL, 0, "with the heavier tests", 0 },
	{ "reference", KEY_REFERENCE, NULL, 0, "with another SSH host to compare with", 0 },
	{ "counts", KEY_COUNTS, NULL, 0, "print COUNTED rows instead", 0 },
	{ "check", KEY_CHECK, NULL, 0, "fail when a promise is broken", 0 },
	{ "verbose", 'v', NULL, 0, "tell of each wrong verdict; with --seed, of everything", 0 },
	{ 0 }
};

static bool parse_calm(const char *list, bool calm[CALM_COUNT])
{
	while (*list != '\0') {
		size_t length = strcspn(list, ",");
		bool known = length == 0;
		for (int c = 0; c < CALM_COUNT; c++) {
			if (strlen(calm_names[c]) != length ||
			    strncmp(calm_names[c], list, length) != 0)
				continue;
			calm[c] = known = true;
		}
		if (!known)
			return false;
		list += length;
		list += *list == ',';
	}
	return true;
}

static void parse_range(struct settings *settings, const char *text, struct argp_state *state)
{
	if (sscanf(text, "%" SCNu64 "..%" SCNu64, &settings->from, &settings->to) != 2 ||
	    settings->to < settings->from)
		argp_error(state, "not a range of seeds: %s", text);
}

static int loss_class(const char *text)
{
	for (int l = 0; l < LOSS_CLASSES; l++)
		if (strtod(text, NULL) == loss_steps[l] * 100)
			return l;
	return -1;
}

static int deployment(const char *text)
{
	for (int d = 0; d < DEPLOYMENTS; d++)
		if (strcmp(deployment_names[d], text) == 0)
			return d;
	return -1;
}

/* What is to be drawn; false: the key is about something else. */
static bool parse_draw(int key, char *text, struct settings *settings, struct argp_state *state)
{
	struct draw_options *draw = &settings->draw;
	enum cause cause;
	switch (key) {
	case KEY_UNIFORM:
		draw->uniform = true;
		break;
	case KEY_CAUSE:
		if (!cause_by_name(text, &cause))
			argp_error(state, "no such cause: %s", text);
		draw->cause = (int)cause;
		break;
	case KEY_VARIANT:
		draw->variant = text;
		break;
	case KEY_FAMILY:
		draw->family = atoi(text);
		if (draw->family != 4 && draw->family != 6)
			argp_error(state, "4 or 6, not %s", text);
		break;
	case KEY_DEPLOYMENT:
		draw->deployment = deployment(text);
		if (draw->deployment < 0)
			argp_error(state, "no such deployment: %s", text);
		break;
	case KEY_LAB:
		draw->lab = &settings->weather;
		break;
	case KEY_WEATHER:
		draw->lab = &settings->weather;
		if (!lab_weather_read(text, &settings->weather))
			argp_error(state, "not a weather of the lab: %s", text);
		break;
	case KEY_LOSS:
		draw->loss_class = loss_class(text);
		if (draw->loss_class < 0)
			argp_error(state, "not a step of loss: %s", text);
		break;
	case KEY_CALM:
		if (!parse_calm(text, draw->calm))
			argp_error(state, "unknown weather: %s", text);
		break;
	default:
		return false;
	}
	return true;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct settings *settings = state->input;
	const struct draw_options *draw = &settings->draw;
	if (parse_draw(key, text, settings, state))
		return 0;
	switch (key) {
	case KEY_SEEDS:
		parse_range(settings, text, state);
		break;
	case KEY_SEED:
	case KEY_SHRINK:
		settings->mode = key == KEY_SEED ? MODE_ONE : MODE_SHRINK;
		settings->from = strtoull(text, NULL, 10);
		break;
	case 'j':
		settings->jobs = (unsigned)strtoul(text, NULL, 10);
		if (settings->jobs < 1 || settings->jobs > JOBS_MAX)
			argp_error(state, "1 to %d jobs", JOBS_MAX);
		break;
	case KEY_VARIANTS:
		fault_list(stdout);
		exit(0);
	case KEY_STEADY:
		settings->steady = true;
		break;
	case KEY_COUNTS:
		settings->counts = true;
		break;
	case KEY_DEEP:
		settings->draw.deep = true;
		break;
	case KEY_REFERENCE:
		settings->draw.reference = true;
		break;
	case KEY_EACH:
		settings->each = true;
		break;
	case KEY_FACTS:
		settings->facts = true;
		break;
	case KEY_CHECK:
		settings->check = true;
		break;
	case 'v':
		settings->verbose = true;
		break;
	case ARGP_KEY_END:
		if (draw->variant != NULL &&
		    (draw->cause < 0 || !fault_has_variant((enum cause)draw->cause, draw->variant)))
			argp_error(state, "the cause has no such variant: %s", draw->variant);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, NULL, "The prober and the analysis against a modelled network.",
		NULL,	 NULL,	NULL
	};
	struct settings settings = { .from = 1,
				     .to = 10000,
				     .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
				     .draw = { .loss_class = -1, .cause = -1, .deployment = -1 } };
	argp_parse(&argp, argc, argv, 0, NULL, &settings);
	/* Each diagnosis frees all it took: the pages shall stay for the next. */
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_MMAP_THRESHOLD, 16 << 20);
	switch (settings.mode) {
	case MODE_ONE:
		return one(&settings);
	case MODE_SHRINK:
		return shrink(&settings);
	case MODE_MANY:
		break;
	}
	return many(&settings);
}
