#include "peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct talk *new_talk(void)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	assert_non_null(talk);
	stream_start(&talk->stream[SSH_CLIENT], 0xffffffc0);
	stream_start(&talk->stream[SSH_SERVER], 7);
	return talk;
}

bool say(struct talk *talk, enum ssh_peer peer, const void *bytes, size_t length)
{
	struct stream *stream = &talk->stream[peer];
	stream_segment(stream, stream->first + stream->length, bytes, (uint32_t)length,
		       (uint32_t)length);
	return ssh_dialog_read(&talk->dialog, peer, stream);
}

const struct ssh_side *server(const struct talk *talk)
{
	return &talk->dialog.side[SSH_SERVER];
}

const struct ssh_side *client(const struct talk *talk)
{
	return &talk->dialog.side[SSH_CLIENT];
}

bool same_side(const struct ssh_side *a, const struct ssh_side *b)
{
	for (enum ssh_list list = 0; list < SSH_LISTS; list++) {
		if (strcmp(a->list[list], b->list[list]) != 0)
			return false;
	}
	return a->milestone == b->milestone && a->not_ssh == b->not_ssh &&
	       a->malformed == b->malformed && a->cut == b->cut && a->lines == b->lines &&
	       strcmp(a->first_line, b->first_line) == 0 && strcmp(a->ident, b->ident) == 0 &&
	       a->list_cut == b->list_cut && a->guess_follows == b->guess_follows &&
	       a->host_key_length == b->host_key_length &&
	       memcmp(a->host_key, b->host_key, a->host_key_length) == 0 &&
	       a->disconnected == b->disconnected && a->disconnect_reason == b->disconnect_reason &&
	       strcmp(a->disconnect_text, b->disconnect_text) == 0 && a->consumed == b->consumed;
}

/* -- binary packets ------------------------------------------------------------ */

void put_bytes(struct bytes *out, const void *bytes, size_t length)
{
	assert_true(out->length + length <= sizeof(out->at));
	memcpy(&out->at[out->length], bytes, length);
	out->length += length;
}

void put_u8(struct bytes *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	put_bytes(out, &byte, 1);
}

void put_u32(struct bytes *out, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put_u8(out, value >> shift & 0xff);
}

void put_string(struct bytes *out, const char *text)
{
	put_u32(out, (uint32_t)strlen(text));
	put_bytes(out, text, strlen(text));
}

void put_packet(struct bytes *out, const struct bytes *payload)
{
	unsigned padding = 4;
	while ((4 + 1 + payload->length + padding) % 8 != 0 || 5 + payload->length + padding < 16)
		padding++;
	put_u32(out, (uint32_t)(1 + payload->length + padding));
	put_u8(out, padding);
	put_bytes(out, payload->at, payload->length);
	for (unsigned i = 0; i < padding; i++)
		put_u8(out, 0xa5);
}

void put_kexinit_payload(struct bytes *out, const char *const lists[SSH_LISTS])
{
	put_u8(out, 20);
	put_bytes(out, "0123456789abcdef", 16);
	for (enum ssh_list list = 0; list < SSH_LISTS; list++)
		put_string(out, lists[list]);
	put_u8(out, 0);
	put_u32(out, 0);
}

const char *const plain_lists[SSH_LISTS] = {
	"curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
	"hmac-sha2-256",     "none",	    "none",	  "",		""
};

struct bytes *new_bytes(const char *start)
{
	struct bytes *out = calloc(1, sizeof(*out));
	assert_non_null(out);
	put_bytes(out, start, strlen(start));
	return out;
}

void say_bytes(struct talk *talk, enum ssh_peer peer, struct bytes *bytes)
{
	say(talk, peer, bytes->at, bytes->length);
	free(bytes);
}

void say_kexinit(struct talk *talk, enum ssh_peer peer, const char *const lists[SSH_LISTS])
{
	struct bytes *payload = new_bytes(""), *out = new_bytes("SSH-2.0-x\r\n");
	put_kexinit_payload(payload, lists);
	put_packet(out, payload);
	free(payload);
	say_bytes(talk, peer, out);
}

void say_message(struct talk *talk, enum ssh_peer peer, unsigned message, const void *bytes,
		 size_t length)
{
	struct bytes *payload = new_bytes(""), *out = new_bytes("");
	put_u8(payload, message);
	put_bytes(payload, bytes, length);
	put_packet(out, payload);
	free(payload);
	say_bytes(talk, peer, out);
}
