/* listen: what a server says, read over libssh's shoulder; used by handshake.c alone.
 *
 * Up to the identification string the eavesdropper is alone with the socket: lines
 * before it are taken out, it and all behind it stay in, for libssh to find. From
 * then on it looks into the socket before each of libssh's reads, which says more
 * about the key exchange than libssh tells: what FIN and reset are, the server's
 * lists, its host key before the signature is checked.
 */
#ifndef PROBE_LISTEN_H
#define PROBE_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

enum heard {
	HEARD_NOTHING, /* not one byte so far */
	HEARD_TEXT,    /* bytes, and they may still become SSH */
	HEARD_IDENT,   /* the socket's next bytes are the identification string, complete */
	HEARD_OTHER,   /* never will */
	HEARD_ENDLESS, /* lines and lines (SSH_STREAM_MAX bytes of them) */
	HEARD_CLOSED,  /* the server hung up (FIN) */
	HEARD_RESET,   /* or the connection broke: `error` says how */
};

struct eavesdropper;

#define EAVESDROPPER_LISTS 8	/* the name-lists of KEXINIT, in its order, without languages */
#define EAVESDROPPER_NAMES 2048 /* bytes of each of ours that are looked at */

/* Borrows `fd`. `ours`: the lists that our KEXINIT will carry; copied. NULL: out of
 * memory. */
struct eavesdropper *eavesdropper_new(int fd, const char *const ours[EAVESDROPPER_LISTS]);
void eavesdropper_free(struct eavesdropper *eavesdropper);

/* Before HEARD_IDENT: hears what is there now; never waits. */
enum heard eavesdropper_hear(struct eavesdropper *eavesdropper, int *error);

/* After it: looks at what is there now; `read` bytes from the identification string
 * on are out of the socket. HEARD_TEXT, HEARD_CLOSED or HEARD_RESET. */
enum heard eavesdropper_overhear(struct eavesdropper *eavesdropper, uint64_t read, int *error);

bool eavesdropper_has_bytes(const struct eavesdropper *eavesdropper);
bool eavesdropper_has_version_2(const struct eavesdropper *eavesdropper);
unsigned eavesdropper_lines(const struct eavesdropper *eavesdropper);

/* What these return lives as long as the eavesdropper. */
const char *eavesdropper_first_line(const struct eavesdropper *eavesdropper);
const char *eavesdropper_ident(const struct eavesdropper *eavesdropper);
const char *eavesdropper_disconnect(const struct eavesdropper *eavesdropper,
				    uint32_t *reason); /* its text; NULL: none was seen */

/* The first of the server's lists that shares nothing with `ours`, and what it is a list of; NULL
 * when there is none, or no KEXINIT was seen. */
const char *eavesdropper_unshared(const struct eavesdropper *eavesdropper,
				  const char *const ours[EAVESDROPPER_LISTS], const char **what);

/* "" when they are not known. */
void eavesdropper_kex(const struct eavesdropper *eavesdropper, char name[128]);
void eavesdropper_host_key(const struct eavesdropper *eavesdropper, char type[64],
			   char fingerprint[64]);

#endif
