/* asked: the functions that answer questions, one or a few each; made by the question files,
 * called by the conductor (observe.c) alone, in the order of order.def, and by unit tests.
 */
#ifndef OBSERVE_ASKED_H
#define OBSERVE_ASKED_H

#include "observe/observation.h"

#define ASK(function) void function(struct observation *o);
#include "observe/order.def"

#endif
