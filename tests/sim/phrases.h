/* phrases: the bytes that SSH peers of the model say, valid for the SSH parser. */
#ifndef SIM_PHRASES_H
#define SIM_PHRASES_H

#include <stdint.h>

enum message {
	SAYS_NOTHING,
	SAYS_CLIENT_IDENT,
	SAYS_CLIENT_KEXINIT, /* in two segments, as long as OpenSSH's */
	SAYS_CLIENT_KEXINIT_REST,
	SAYS_CLIENT_KEX,
	SAYS_CLIENT_KEX_LARGE, /* ssh's: post-quantum */
	SAYS_CLIENT_NEWKEYS,   /* and what is encrypted behind it */
	SAYS_CLIENT_AUTH,
	SAYS_SERVER_IDENT,
	SAYS_SERVER_KEXINIT,
	SAYS_SERVER_KEXINIT_OLD,
	SAYS_SERVER_KEX,
	SAYS_SERVER_KEX_LARGE, /* the answer to it, in two segments */
	SAYS_SERVER_KEX_LARGE_REST,
	SAYS_SERVER_ACCEPT,
	SAYS_SERVER_METHODS,
	SAYS_TEXT,
	SAYS_LINE,
	SAYS_GREETING,
	SAYS_HTTP,
	MESSAGES
};

#define PHRASE_MAX 2048

struct phrases {
	struct phrase {
		uint16_t length;
		const uint8_t *bytes;
	} phrase[MESSAGES];
	uint8_t store[8 * PHRASE_MAX];
};

/* `segment`: the most bytes that a segment carries. */
void phrases_build(struct phrases *phrases, uint16_t segment);

#endif
