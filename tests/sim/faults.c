#include "faults.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "breaks.h"

#define CLOUD_SILENCE (1u << 3 | 1u << 4 | 1u << 5)
#define S(n)	      (1u << (n))

static const struct variant {
	enum cause cause;
	double weight; /* among its cause's; 0: only when it is asked for */
	const char *words;
	void (*apply)(struct scenario *s, struct dice *dice, int how);
	int how;
	unsigned allowed; /* sources besides its own that packets cannot exclude */
} variants[] = {
#define VARIANT(cause, weight, words, apply, how, allowed)                                         \
	{ cause, weight, words, apply, how, allowed },
#include "variants.def"
};

#define VARIANTS (sizeof(variants) / sizeof(*variants))

bool fault_exists(enum cause cause)
{
	for (size_t i = 0; i < VARIANTS; i++)
		if (variants[i].cause == cause)
			return true;
	return false;
}

bool faults_are_whole(FILE *out)
{
	bool whole = true;
	for (int c = 0; c < CAUSES; c++) {
		if (c == CAUSE_UNKNOWN || fault_exists((enum cause)c))
			continue;
		fprintf(out, "variants.def has no row for %s\n", cause_name((enum cause)c));
		whole = false;
	}
	return whole;
}

bool fault_has_variant(enum cause cause, const char *words)
{
	for (size_t i = 0; i < VARIANTS; i++)
		if (variants[i].cause == cause && strcmp(variants[i].words, words) == 0)
			return true;
	return false;
}

static void apply(struct scenario *s, struct dice *dice, const struct variant *variant)
{
	s->variant = variant->words;
	s->allowed = variant->allowed | S(cause_source(s->cause));
	variant->apply(s, dice, variant->how);
}

/* One of the cause's, by weight. */
static const struct variant *draw(const struct scenario *s, struct dice *dice)
{
	const struct variant *last = NULL;
	double sum = 0;
	for (size_t i = 0; i < VARIANTS; i++)
		sum += variants[i].cause == s->cause ? variants[i].weight : 0;
	double at = dice_unit(dice) * sum;
	for (size_t i = 0; i < VARIANTS; i++) {
		if (variants[i].cause != s->cause || variants[i].weight <= 0)
			continue;
		last = &variants[i];
		at -= last->weight;
		if (at < 0)
			break;
	}
	return last;
}

/* A second fault behind one that shows first, whatever lies behind it. */
static void apply_behind(struct scenario *s, struct dice *dice)
{
	static const struct {
		void (*apply)(struct scenario *s, struct dice *dice, int how);
		int how;
	} behind[] = {
		{ nsg_ssh, 0 },
		{ vm_closed, 0 },
		{ vm_drop, 0 },
		{ hung, SERVICE_MUTE },
	};
	bool first = s->cause == CAUSE_CLIENT_FIREWALL_OUT || s->cause == CAUSE_CLIENT_PROXY ||
		     s->cause == CAUSE_EDGE_FIREWALL || s->cause == CAUSE_EDGE_PROXY ||
		     s->cause == CAUSE_EDGE_ROUTE;
	unsigned which = dice_below(dice, 4);
	if (first && perhaps(s, dice, 0.05))
		behind[which].apply(s, dice, behind[which].how);
}

void fault_apply(struct scenario *s, struct dice *dice, const char *words)
{
	const struct variant *variant = draw(s, dice);
	for (size_t i = 0; words != NULL && i < VARIANTS; i++)
		if (variants[i].cause == s->cause && strcmp(variants[i].words, words) == 0)
			variant = &variants[i];
	apply_behind(s, dice);
	if (variant != NULL)
		apply(s, dice, variant);
}

void fault_list(FILE *out)
{
	for (size_t i = 0; i < VARIANTS; i++)
		fprintf(out, "%-24s %s\n", cause_name(variants[i].cause), variants[i].words);
}
