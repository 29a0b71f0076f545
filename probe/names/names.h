/* names: what routers are called; the drive asks while the probe goes on. */
#ifndef PROBE_NAMES_NAMES_H
#define PROBE_NAMES_NAMES_H

#include "names/resolver.h"
#include "sshwhy/address.h"

#define NAMES_MAX 24

struct names {
	struct resolver *resolver; /* borrowed; NULL: nobody is asked */
	size_t count;
	int64_t asked_ms; /* when the last was */
	struct address address[NAMES_MAX];
	int question[NAMES_MAX]; /* its number; -1: nobody will answer it */
};

/* Asks for the name of `address`, once; beyond NAMES_MAX addresses nothing is asked. */
void names_ask(struct names *names, const struct address *address);

/* Waits until all are answered, and at most `patience_ms` after the last was asked for. */
void names_wait(struct names *names, int patience_ms);

/* Name number `index` of those asked for; false beyond the last. name "": there is none,
 * or none yet. */
bool names_get(struct names *names, size_t index, struct address *address, char name[NAME_LENGTH],
	       bool *confirmed);

#endif
