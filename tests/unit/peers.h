/* A conversation of two SSH peers as it is read, and messages put together for it. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/ssh.h"

/* A text without its end, and its length. */
#define BYTES(text) text, sizeof(text) - 1

/* Both directions of one connection. */
struct talk {
	struct stream stream[2];
	struct ssh_dialog dialog;
};

struct talk *new_talk(void);

/* The next bytes of one side. */
bool say(struct talk *talk, enum ssh_peer peer, const void *bytes, size_t length);

const struct ssh_side *server(const struct talk *talk);

const struct ssh_side *client(const struct talk *talk);

bool same_side(const struct ssh_side *a, const struct ssh_side *b);

struct bytes {
	size_t length;
	uint8_t at[40000];
};

void put_bytes(struct bytes *out, const void *bytes, size_t length);

void put_u8(struct bytes *out, unsigned value);

void put_u32(struct bytes *out, uint32_t value);

void put_string(struct bytes *out, const char *text);

/* RFC 4253 6 around a payload. */
void put_packet(struct bytes *out, const struct bytes *payload);

void put_kexinit_payload(struct bytes *out, const char *const lists[SSH_LISTS]);

extern const char *const plain_lists[SSH_LISTS];

struct bytes *new_bytes(const char *start);

void say_bytes(struct talk *talk, enum ssh_peer peer, struct bytes *bytes);

/* An identification string and a KEXINIT with `lists`. */
void say_kexinit(struct talk *talk, enum ssh_peer peer, const char *const lists[SSH_LISTS]);

/* A packet whose payload is `message` and these bytes. */
void say_message(struct talk *talk, enum ssh_peer peer, unsigned message, const void *bytes,
		 size_t length);

#endif
