/* offers: which algorithms our KEXINIT names: what ssh offers, as far as the library knows it; used
 * by handshake.c alone. */
#ifndef PROBE_OFFERS_H
#define PROBE_OFFERS_H

#include "handshake/handshake.h"
#include "handshake/listen.h"

/* What a client chooses; KEXINIT has most of it twice, once for each direction. */
enum offer { OFFER_KEX, OFFER_HOST_KEYS, OFFER_CIPHERS, OFFER_MACS, OFFER_COMPRESSION, OFFERS };

struct offers {
	char *of_ssh[OFFERS];
	char *host_keys_first; /* may be NULL */
	struct offered {
		char names[2 * EAVESDROPPER_NAMES];
		bool stands_in; /* the library knows nothing of what ssh offers */
	} ours[EAVESDROPPER_LISTS];
	bool stands_in; /* of one of them at least */
};

/* Copies what ssh offers; false: no memory. offers_free() is due in any case. */
bool offers_set(struct offers *offers, const struct handshake_options *options);

/* Fills `ours`. `knows`: whether the library knows an algorithm of KEXINIT's list number `list`. */
void offers_choose(struct offers *offers, bool (*knows)(void *context, int list, const char *name),
		   void *context);

/* The first of the server's lists that leads to no agreement, and what it is a list of; NULL: they
 * agree on all, or no KEXINIT was heard. `ssh_agrees`: the library alone has nothing in common with
 * it. */
const char *offers_unshared(const struct offers *offers, const struct eavesdropper *eavesdropper,
			    const char **what, bool *ssh_agrees);

void offers_free(struct offers *offers);

#endif
