/* dice: a small seeded generator (splitmix64, public domain, Steele and Vigna).
 * The same seed gives the same numbers on every machine. */
#ifndef SIM_DICE_H
#define SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

static inline uint64_t dice_next(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A stream of its own for each use of a seed: what one use draws moves no other. */
static inline struct dice dice_for(uint64_t seed, uint64_t use)
{
	struct dice dice = { seed * UINT64_C(0xd1342543de82ef95) + use };
	(void)dice_next(&dice);
	return dice;
}

static inline double dice_unit(struct dice *dice)
{
	return (double)(dice_next(dice) >> 11) * 0x1p-53;
}

static inline unsigned dice_below(struct dice *dice, unsigned limit)
{
	return (unsigned)((dice_next(dice) >> 32) * limit >> 32);
}

/* least..most, both possible */
static inline int64_t dice_between(struct dice *dice, int64_t least, int64_t most)
{
	return least + (int64_t)(dice_unit(dice) * (double)(most - least + 1));
}

static inline bool dice_chance(struct dice *dice, double probability)
{
	return probability > 0 && dice_unit(dice) < probability;
}

#endif
