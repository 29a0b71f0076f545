/* carry: the connection on which the person's ssh talks, not the library; begun and gone on with by
 * loop.c. */
#ifndef DRIVE_CARRY_H
#define DRIVE_CARRY_H

#include "drive/session.h"

/* Starts one for each of `count` sessions; NULL: it cannot be run, or ssh would connect to
 * something else. Before privilege is dropped, where it is not dropped to that person. */
void carry_prepare(const struct consulted *consulted, const char *host_keys_first,
		   const struct person *person, size_t count, struct opinion *opinion[]);

/* The session has such an ssh. */
void carry_begin(struct session_socket *s);

/* Carries what waits; tells when there is nothing more to carry. */
void carry_on(struct session *session, struct session_socket *s);

#endif
