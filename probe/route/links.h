/* links: the kernel's word that an interface went down or away; heard by drive/wire.c. What is
 * silent or refused from then on tells nothing about the network. */
#ifndef PROBE_ROUTE_LINKS_H
#define PROBE_ROUTE_LINKS_H

#include <stdbool.h>

#include "sshwhy/error.h"

/* A descriptor that becomes readable when an interface changes; the caller closes it. Needs no
 * privilege. -1 after filling `error`. */
int links_open(struct error *error);

/* Reads what came, without waiting: calls `gone` for the index of each interface that is down,
 * or no longer there. */
void links_read(int fd, void (*gone)(void *context, unsigned index), void *context);

#endif
