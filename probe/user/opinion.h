/* opinion: the person's own ssh, which talks to the server after the library did; started by
 * machine.c, its bytes carried by the loop.
 *
 * The library cannot say all that ssh says: where it has no post-quantum key exchange, the server's
 * reply is smaller than the one ssh gets. ssh is given the algorithms that `ssh -G` told and none
 * of its files, so nothing else of the configuration runs. It offers no key, asks nobody and
 * believes any host key. It runs as that person (nobody stands in for root), on a leash
 * (command.h), and is started early: it has identified itself before there is a connection.
 */
#ifndef PROBE_USER_OPINION_H
#define PROBE_USER_OPINION_H

#include <stdbool.h>

#include "user/person.h"
#include "user/settings.h"

struct opinion;

/* `first`: the host keys to ask for first, since they are known; "": none. NULL: it cannot be run.
 */
struct opinion *opinion_start(const struct settings *settings, const char *first,
			      const struct person *person);

int opinion_words_fd(const struct opinion *opinion); /* what it says to the server */
int opinion_end_fd(const struct opinion *opinion);   /* becomes readable when it has ended */

/* Carries all that waits, from ssh to `fd` and back, without waiting. False: there is nothing more
 * to carry, for ssh or the server has ended, or they say more than a handshake takes. */
bool opinion_carry(struct opinion *opinion, int fd);

/* It has said something so far. */
bool opinion_spoke(const struct opinion *opinion);

void opinion_end(struct opinion *opinion); /* NULL: nothing */

#endif
