/* dialog: from the identification string to NEWKEYS, one binary packet at a time. */
#include <string.h>

#include "ssh/ident.h"
#include "ssh/kexinit.h"

enum { /* RFC 4250 4.1.2; from 30 on the key exchange method gives the meaning */
       MSG_DISCONNECT = 1,
       MSG_KEXINIT = 20,
       MSG_NEWKEYS = 21,
       MSG_KEX_FIRST = 30,
       MSG_KEX_LAST = 49,
};

/* RFC 4253 6.1: "a total packet size of 35000 bytes or less"; 6: "The minimum size
 * of a packet is 16 (or the cipher block size, whichever is larger) bytes". */
enum { PACKET_MIN = 16, PACKET_MAX = 35000, PACKET_BLOCK = 8, PADDING_MIN = 4 };

/* What the messages 30 to 49 mean depends on the method agreed on. */
enum kex_family {
	KEX_UNKNOWN, /* not both lists were seen whole */
	KEX_PLAIN,   /* 31 is the reply: RFC 4253 8 (DH), RFC 5656 4 (ECDH), and all since */
	KEX_GROUP,   /* 31 is the group, 33 the reply: RFC 4419 5 */
	KEX_RSA,     /* 30 brings the host key: RFC 4432 6 */
	KEX_GSS,     /* 33 brings a host key if there is one, 32 completes: RFC 4462 2.1 */
};

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum kex_family family_of(const struct ssh_dialog *dialog)
{
	char name[128];
	if (dialog->side[SSH_CLIENT].list_cut || dialog->side[SSH_SERVER].list_cut ||
	    !ssh_negotiate(dialog, SSH_LIST_KEX, name))
		return KEX_UNKNOWN;
	if (starts_with(name, "diffie-hellman-group-exchange-"))
		return KEX_GROUP;
	if (starts_with(name, "rsa"))
		return KEX_RSA;
	if (starts_with(name, "gss-"))
		return KEX_GSS;
	return KEX_PLAIN;
}

/* RFC 4253 6.6: a key begins with the "string" of its format identifier. A group's
 * first prime (the other thing message 31 can carry) does not begin like that. */
static bool looks_like_key(struct cursor payload)
{
	struct cursor blob = cursor_part(&payload, cursor_be32(&payload));
	struct cursor name = cursor_part(&blob, cursor_be32(&blob));
	if (name.failed || name.left < 4)
		return false;
	while (name.left > 0) {
		uint8_t byte = cursor_u8(&name);
		if (byte <= ' ' || byte >= 0x7f)
			return false;
	}
	return true;
}

static bool brings_host_key(enum kex_family family, uint8_t message, struct cursor payload)
{
	switch (family) {
	case KEX_PLAIN:
		return message == 31;
	case KEX_GROUP:
		return message == 33;
	case KEX_RSA:
		return message == 30;
	case KEX_GSS:
		return message == 33;
	case KEX_UNKNOWN:
		break;
	}
	return (message == 31 || message == 33) && looks_like_key(payload);
}

static void read_host_key(struct ssh_side *side, struct cursor payload)
{
	struct cursor blob = cursor_part(&payload, cursor_be32(&payload));
	if (blob.failed) {
		side->malformed = true;
		return;
	}
	if (blob.left <= SSH_HOST_KEY_MAX) {
		side->host_key_length = (uint32_t)blob.left;
		memcpy(side->host_key, cursor_take(&blob, blob.left), side->host_key_length);
	}
	side->milestone = SSH_KEX;
}

static void read_kex(struct ssh_dialog *dialog, enum ssh_peer peer, uint8_t message,
		     struct cursor payload)
{
	struct ssh_side *side = &dialog->side[peer];
	if (side->milestone < SSH_KEXINIT) {
		side->malformed = true;
		return;
	}
	if (peer == SSH_CLIENT) {
		/* The client speaks first in every method: with its key, or (34) with
		 * the group it asks for. */
		side->milestone = SSH_KEX;
		return;
	}
	enum kex_family family = family_of(dialog);
	if (brings_host_key(family, message, payload))
		read_host_key(side, payload);
	else if (family == KEX_GSS && message == 32)
		side->milestone = SSH_KEX;
}

static void read_kexinit(struct ssh_side *side, struct cursor payload)
{
	/* RFC 4253 7.1: until NEWKEYS "further SSH_MSG_KEXINIT messages MUST NOT be
	 * sent". */
	if (side->milestone != SSH_IDENTIFIED || !kexinit_read(side, payload))
		side->malformed = true;
	else
		side->milestone = SSH_KEXINIT;
}

static void read_disconnect(struct ssh_side *side, struct cursor payload)
{
	side->disconnected = true;
	side->disconnect_reason = cursor_be32(&payload);
	struct cursor text = cursor_part(&payload, cursor_be32(&payload));
	if (text.failed)
		return; /* a description is promised, and not all send it */
	size_t length = text.left < sizeof(side->disconnect_text) - 1
				? text.left
				: sizeof(side->disconnect_text) - 1;
	memcpy(side->disconnect_text, cursor_take(&text, length), length);
	side->disconnect_text[length] = '\0';
}

static void read_message(struct ssh_dialog *dialog, enum ssh_peer peer, struct cursor payload)
{
	struct ssh_side *side = &dialog->side[peer];
	uint8_t message = cursor_u8(&payload);
	if (message == MSG_DISCONNECT)
		read_disconnect(side, payload);
	else if (message == MSG_KEXINIT)
		read_kexinit(side, payload);
	else if (message == MSG_NEWKEYS && side->milestone < SSH_KEXINIT)
		side->malformed = true;
	else if (message == MSG_NEWKEYS)
		side->milestone = SSH_NEWKEYS;
	else if (message >= MSG_KEX_FIRST && message <= MSG_KEX_LAST)
		read_kex(dialog, peer, message, payload);
	/* Ignore, debug, unimplemented: nothing that moves the dialogue on. */
}

static bool is_possible_length(uint32_t length)
{
	/* RFC 4253 6: packet_length is "not including [...] the 'packet_length' field
	 * itself", and with it "MUST be a multiple of the cipher block size or 8". */
	return length >= PACKET_MIN - 4 && length <= PACKET_MAX - 4 &&
	       (length + 4) % PACKET_BLOCK == 0;
}

/* Takes one whole binary packet (RFC 4253 6, no MAC, no cipher). False when it is
 * not there yet, or cannot be one. */
static bool next_packet(struct ssh_side *side, struct cursor *rest, struct cursor *payload)
{
	struct cursor ahead = *rest;
	uint32_t length = cursor_be32(&ahead);
	if (ahead.failed)
		return false;
	if (!is_possible_length(length)) {
		side->malformed = true;
		return false;
	}
	struct cursor packet = cursor_part(&ahead, length);
	if (ahead.failed)
		return false;
	/* "There MUST be at least four bytes of padding." */
	uint8_t padding = cursor_u8(&packet);
	if (padding < PADDING_MIN || padding >= packet.left) {
		side->malformed = true;
		return false;
	}
	*payload = cursor_part(&packet, packet.left - padding);
	*rest = ahead;
	return true;
}

static bool reads_packets(const struct ssh_side *side)
{
	return side->milestone >= SSH_IDENTIFIED && side->milestone < SSH_NEWKEYS &&
	       !side->malformed && !side->disconnected && ident_is_version_2(side->ident);
}

/* Whether the next byte would still tell something. */
static bool wants_more(const struct ssh_side *side)
{
	if (side->milestone < SSH_IDENTIFIED)
		return !side->not_ssh;
	return reads_packets(side);
}

/* Everything a caller waits for, as one number. */
static unsigned state_of(const struct ssh_side *side)
{
	return (unsigned)side->milestone | (unsigned)side->not_ssh << 8 |
	       (unsigned)side->malformed << 9 | (unsigned)side->cut << 10 |
	       (unsigned)side->list_cut << 11 | (unsigned)side->guess_follows << 12 |
	       (unsigned)side->disconnected << 13;
}

bool ssh_dialog_read(struct ssh_dialog *dialog, enum ssh_peer peer, const struct stream *stream)
{
	struct ssh_side *side = &dialog->side[peer];
	unsigned before = state_of(side);
	struct cursor rest = cursor_over(stream->bytes, stream->length);
	struct cursor payload;

	cursor_skip(&rest, side->consumed);
	if (side->milestone == SSH_SILENT && stream->length > 0)
		side->milestone = SSH_TALKING;
	ident_read(side, peer, &rest);
	while (reads_packets(side) && next_packet(side, &rest, &payload))
		read_message(dialog, peer, payload);
	side->consumed = stream->length - rest.left;

	/* Bytes beyond SSH_STREAM_MAX are as good as missed: nobody looks at them. */
	side->cut = (stream->cut || stream->length == SSH_STREAM_MAX) && wants_more(side);
	return state_of(side) != before;
}
