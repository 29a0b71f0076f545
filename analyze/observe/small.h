/* small: the second conversation, in small segments; had by the plan when the first stands still,
 * judged by sizes.c, asked for by kex.c and key.c.
 */
#ifndef OBSERVE_SMALL_H
#define OBSERVE_SMALL_H

#include "observe/observation.h"

/* NULL: it was not tried. */
const struct exchange *small_conversation(const struct observation *o);

/* What became of it, beside the first. */
enum small_outcome { SMALL_UNTRIED, SMALL_OPEN, SMALL_FURTHER, SMALL_NO_FURTHER };
enum small_outcome small_outcome(const struct observation *o);

#endif
