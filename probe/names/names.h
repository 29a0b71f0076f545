/* names: what routers are called; the drive asks name servers while the probe goes on.
 *
 * getnameinfo() knows no deadlines, so each address is an errand (errand.h).
 */
#ifndef PROBE_NAMES_NAMES_H
#define PROBE_NAMES_NAMES_H

#include "sshwhy/address.h"

#define NAMES_MAX   24
#define NAME_LENGTH 256 /* RFC 1035 2.3.4: 255 octets */

struct names;

struct names *names_new(void); /* NULL: no memory; the others take it and do nothing */
void names_close(struct names *names);

/* Asks for the name of `address`, once; beyond NAMES_MAX addresses nothing is asked. */
void names_ask(struct names *names, const struct address *address);

/* Waits until all are answered, and at most `patience_ms` after the last was asked for. */
void names_wait(struct names *names, int patience_ms);

/* Name number `index` of those asked for; false beyond the last. name "": there is none,
 * or none yet. */
bool names_get(struct names *names, size_t index, struct address *address, char name[NAME_LENGTH]);

#endif
