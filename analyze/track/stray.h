/* stray: packets that answer nothing which was sent; counted by track.c, which takes nothing of
 * them.
 */
#ifndef TRACK_STRAY_H
#define TRACK_STRAY_H

#include "sshwhy/exchange.h"

/* `target`: in whose name it may come; NULL: it is not for this machine. */
void strays_count(struct strays *strays, const struct packet *packet, const struct address *target);

/* EVENT_STRAY: those of a run that it does not hold. */
void strays_told(struct strays *strays, const struct event *event);

#endif
