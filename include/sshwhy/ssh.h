/* ssh: the unencrypted part of an SSH connection, bytes in, milestones out; fed by the tracker with
 * what each side says, read by the observation.
 *
 * RFC 4253: identification strings with the lines a server may send before its
 * own (4.2), the binary packet (6), KEXINIT and negotiation (7.1), the KEX reply
 * with the host key (8; RFC 4419 and RFC 5656 for their message numbers),
 * DISCONNECT (11.1). No I/O, no clock, no allocation. Reading stops for good at
 * NEWKEYS: what follows is encrypted.
 */
#ifndef SSHWHY_SSH_H
#define SSHWHY_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSH_PORT	  22   /* where a client goes that is told no other */
#define SSH_IDENT_MAX	  255  /* RFC 4253 4.2, CR LF included */
#define SSH_NAME_LIST_MAX 2048 /* longer lists are kept cut, `cut` says so */
#define SSH_HOST_KEY_MAX  4096
#define SSH_STREAM_MAX	  32768 /* bytes of each direction that are looked at */

/* The first bytes of one TCP direction, put in order. Segments may come in any
 * order, twice, overlapping; bytes beyond SSH_STREAM_MAX are ignored; bytes that
 * the capture cut off end the stream where they are missing. */
struct stream {
	bool started;
	uint32_t first;	 /* sequence number of byte 0 */
	uint32_t length; /* bytes in order from byte 0 */
	bool cut;	 /* the capture misses bytes at `length` */
	unsigned spans;
	struct {
		uint32_t from, to;
	} span[16]; /* islands beyond `length` */
	uint8_t bytes[SSH_STREAM_MAX];
};

void stream_start(struct stream *stream, uint32_t first_sequence);
/* `captured` bytes of a segment that is `length` long; returns whether `length` grew. */
bool stream_segment(struct stream *stream, uint32_t sequence, const uint8_t *bytes,
		    uint32_t captured, uint32_t length);

enum ssh_peer { SSH_CLIENT, SSH_SERVER };

/* How far one side has come. Ordered: a later milestone implies the earlier. */
enum ssh_milestone {
	SSH_SILENT,	/* not one byte */
	SSH_TALKING,	/* bytes, but no identification string yet (see `lines`) */
	SSH_IDENTIFIED, /* "SSH-2.0-..." complete */
	SSH_KEXINIT,	/* its KEXINIT complete */
	SSH_KEX,	/* server: the reply with its host key; client: its KEX init */
	SSH_NEWKEYS,
};

enum ssh_list { /* the name-lists of KEXINIT, in wire order */
		SSH_LIST_KEX,
		SSH_LIST_HOST_KEY,
		SSH_LIST_CIPHER_C2S,
		SSH_LIST_CIPHER_S2C,
		SSH_LIST_MAC_C2S,
		SSH_LIST_MAC_S2C,
		SSH_LIST_COMPRESSION_C2S,
		SSH_LIST_COMPRESSION_S2C,
		SSH_LIST_LANGUAGE_C2S,
		SSH_LIST_LANGUAGE_S2C,
		SSH_LISTS
};
extern const char *const ssh_list_names[SSH_LISTS]; /* "key exchange", "host key", ... */

struct ssh_side {
	enum ssh_milestone milestone;
	bool not_ssh;		       /* its first bytes can never become an SSH identification */
	bool malformed;		       /* a binary packet with an impossible length or list */
	bool cut;		       /* the capture misses bytes it would need */
	unsigned lines;		       /* complete lines before the identification string */
	char first_line[256];	       /* the first of them, or of what came instead, raw bytes,
					  NUL-terminated */
	char ident[SSH_IDENT_MAX + 1]; /* without CR LF; "" until identified; raw bytes */
	char list[SSH_LISTS][SSH_NAME_LIST_MAX];
	bool list_cut;
	bool guess_follows; /* first_kex_packet_follows */
	uint32_t host_key_length;
	uint8_t host_key[SSH_HOST_KEY_MAX]; /* the public key blob K_S; server only */
	bool disconnected;
	uint32_t disconnect_reason;
	char disconnect_text[256];
	size_t consumed; /* bytes of the stream that are parsed */
};

struct ssh_dialog {
	struct ssh_side side[2]; /* by enum ssh_peer */
};

/* Parses what `stream` holds beyond what was parsed before. Returns whether a
 * milestone or a flag changed. */
bool ssh_dialog_read(struct ssh_dialog *dialog, enum ssh_peer peer, const struct stream *stream);

/* RFC 4253 7.1: the algorithm agreed on for `list` written into `name`, or false
 * when the two lists share none. AEAD ciphers make the MAC lists irrelevant: a
 * MAC list is then agreed on with the name "". Both sides must have KEXINIT. */
bool ssh_negotiate(const struct ssh_dialog *dialog, enum ssh_list list, char name[128]);

#endif
