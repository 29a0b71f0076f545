/* budget: how much of one kind of thing is kept, and how often there was no room for more; counted
 * by run, tracker and savefile, read by whoever tells what was left out.
 *
 * Whoever sends us packets or a file decides how many they are, so that everything that is kept
 * of them has a bound. Beyond it a thing is counted and left alone: it is neither looked at nor
 * taken for something that did not happen. A zeroed struct is one of which nothing is spent.
 */
#ifndef SSHWHY_BUDGET_H
#define SSHWHY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
	size_t spent;	  /* bytes */
	uint64_t refused; /* things, not bytes */
};

/* Whether `amount` of the `most` bytes that there are is left; counts when it is not. */
static inline bool budget_allows(struct budget *budget, size_t amount, size_t most)
{
	bool allows = amount <= most - budget->spent;
	budget->refused += !allows;
	return allows;
}

/* The same, and spends it. */
static inline bool budget_spend(struct budget *budget, size_t amount, size_t most)
{
	bool allows = budget_allows(budget, amount, most);
	budget->spent += allows ? amount : 0;
	return allows;
}

#endif
