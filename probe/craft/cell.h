/* cell: where the courier is locked in; entered by courier.c before it takes its first letter.
 *
 * Of the descriptors that it was born with it keeps its own. It has no privilege, can open nothing,
 * start nothing, write no file, and take hardly more memory than it has. seccomp leaves it the six
 * system calls that it works with, each on its own descriptors only; any other kills it.
 */
#ifndef PROBE_CRAFT_CELL_H
#define PROBE_CRAFT_CELL_H

#include "user/person.h"

/* What may be done with a descriptor. */
enum cell_use {
	CELL_CHANNEL,	 /* recv() and send() */
	CELL_SENDER,	 /* sendto() */
	CELL_CONNECTION, /* connect(), TCP_MAXSEG, close() */
};

#define CELL_DESCRIPTORS 24

struct cell {
	pid_t parent; /* ends the courier when it ends */
	struct cell_descriptor {
		enum cell_use use;
		int *fd;
	} kept[CELL_DESCRIPTORS];
	size_t count;
};

/* *fd is to be kept; -1: it is not there. cell_enter() gives it another number. */
void cell_keep(struct cell *cell, enum cell_use use, int *fd);

/* As the person to whom privilege_drop() goes. False: it could not be locked in. */
bool cell_enter(const struct cell *cell, const struct person *person);

#endif
