/* key_order: which host keys ssh asks the server for first; asked by the machine before a handshake
 * begins.
 *
 * As order_hostkeyalgs() of OpenSSH's sshconnect2.c: those of the known keys come first, unless the
 * person says in which order.
 */
#ifndef PROBE_USER_KEY_ORDER_H
#define PROBE_USER_KEY_ORDER_H

#include <stddef.h>

#include "user/known.h"

/* Names with commas between, "" for none. `offered`: those that ssh offers at all (ssh -G; "": not
 * told); `quote`: the line or option that sets HostKeyAlgorithms, "" where none does. */
void key_order(const struct known *known, const char *offered, const char *quote, char *list,
	       size_t room);

#endif
