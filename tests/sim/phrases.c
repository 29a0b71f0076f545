#include "phrases.h"

#include <string.h>

struct pen {
	uint8_t *at;
	size_t used;
};

static void put(struct pen *pen, const void *bytes, size_t length)
{
	memcpy(pen->at + pen->used, bytes, length);
	pen->used += length;
}

static void put_u8(struct pen *pen, uint8_t value)
{
	pen->at[pen->used++] = value;
}

static void put_u32(struct pen *pen, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put_u8(pen, (uint8_t)(value >> shift));
}

static void put_string(struct pen *pen, const char *text)
{
	put_u32(pen, (uint32_t)strlen(text));
	put(pen, text, strlen(text));
}

/* RFC 4253 6: length, padding length, payload, padding up to a multiple of 8. */
static void put_packet(struct pen *pen, const uint8_t *payload, size_t length)
{
	size_t padding = 8 - (length + 5) % 8;
	if (padding < 4)
		padding += 8;
	put_u32(pen, (uint32_t)(1 + length + padding));
	put_u8(pen, (uint8_t)padding);
	put(pen, payload, length);
	while (padding-- > 0)
		put_u8(pen, 0);
}

#define KEX                                                                                        \
	"curve25519-sha256,curve25519-sha256@libssh.org,"                                          \
	"ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"                                \
	"diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"                      \
	"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"
#define HOST_KEYS "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256"
#define CIPHERS                                                                                    \
	"chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"                          \
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#define MACS                                                                                       \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"                             \
	"hmac-sha1-etm@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1"

#define SIGNALS "ext-info-c,kex-strict-c-v00@openssh.com"
#define UMACS	"umac-64-etm@openssh.com,umac-128-etm@openssh.com"

struct offer {
	const char *kex, *host_keys, *ciphers, *macs;
};

static void put_kexinit(struct pen *pen, const struct offer *offer)
{
	uint8_t bytes[PHRASE_MAX];
	struct pen payload = { .at = bytes };
	put_u8(&payload, 20);
	for (int i = 0; i < 16; i++) /* the cookie */
		put_u8(&payload, (uint8_t)(i * 37));
	put_string(&payload, offer->kex);
	put_string(&payload, offer->host_keys);
	put_string(&payload, offer->ciphers);
	put_string(&payload, offer->ciphers);
	put_string(&payload, offer->macs);
	put_string(&payload, offer->macs);
	for (int i = 0; i < 2; i++)
		put_string(&payload, "none,zlib@openssh.com");
	for (int i = 0; i < 2; i++)
		put_string(&payload, "");
	put_u8(&payload, 0);
	put_u32(&payload, 0);
	put_packet(pen, bytes, payload.used);
}

static void put_newkeys(struct pen *pen)
{
	static const uint8_t newkeys = 21;
	put_packet(pen, &newkeys, 1);
}

static void put_encrypted(struct pen *pen, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put_u8(pen, (uint8_t)(i * 151 + 7));
}

/* Of sntrup761x25519-sha512: Q_C and Q_S. */
#define SHARE		  32
#define SHARE_LARGE	  (1158 + 32)
#define REPLY_SHARE_LARGE (1039 + 32)

/* RFC 5656 4: K_S, Q_S, the signature; then NEWKEYS in the same segment. */
static void put_kex_reply(struct pen *pen, uint32_t share)
{
	uint8_t bytes[PHRASE_MAX];
	struct pen payload = { .at = bytes };
	put_u8(&payload, 31);
	put_u32(&payload, 4 + 11 + 4 + 32);
	put_string(&payload, "ssh-ed25519");
	put_u32(&payload, 32);
	put_encrypted(&payload, 32);
	put_u32(&payload, share);
	put_encrypted(&payload, share);
	put_u32(&payload, 83);
	put_encrypted(&payload, 83);
	put_packet(pen, bytes, payload.used);
	put_newkeys(pen);
	put_encrypted(pen, share == REPLY_SHARE_LARGE ? 316 : 100);
}

static void put_kex_start(struct pen *pen, uint32_t share)
{
	uint8_t bytes[PHRASE_MAX];
	struct pen payload = { .at = bytes };
	put_u8(&payload, 30);
	put_u32(&payload, share);
	put_encrypted(&payload, share);
	put_packet(pen, bytes, payload.used);
}

static void keep(struct phrases *phrases, struct pen *pen, size_t start, enum message message)
{
	phrases->phrase[message] = (struct phrase){ .length = (uint16_t)(pen->used - start),
						    .bytes = pen->at + start };
}

static void keep_text(struct phrases *phrases, struct pen *pen, const char *text,
		      enum message message)
{
	size_t start = pen->used;
	put(pen, text, strlen(text));
	keep(phrases, pen, start, message);
}

/* What a segment does not carry is said in another. */
static void split(struct phrases *phrases, enum message message, enum message rest,
		  uint16_t segment)
{
	struct phrase *head = &phrases->phrase[message];
	if (head->length <= segment)
		return;
	phrases->phrase[rest] = (struct phrase){ .length = (uint16_t)(head->length - segment),
						 .bytes = head->bytes + segment };
	head->length = segment;
}

static void build_client(struct phrases *phrases, struct pen *pen, uint16_t segment)
{
	/* Twice the same names: it changes no choice, and makes it as long as OpenSSH's. */
	static const struct offer offer = { KEX "," SIGNALS "," SIGNALS,
					    HOST_KEYS "," HOST_KEYS "," HOST_KEYS,
					    CIPHERS "," CIPHERS, MACS "," MACS };
	keep_text(phrases, pen, "SSH-2.0-libssh_0.10.5\r\n", SAYS_CLIENT_IDENT);
	size_t start = pen->used;
	put_kexinit(pen, &offer);
	keep(phrases, pen, start, SAYS_CLIENT_KEXINIT);
	split(phrases, SAYS_CLIENT_KEXINIT, SAYS_CLIENT_KEXINIT_REST, segment);
	start = pen->used;
	put_kex_start(pen, SHARE);
	keep(phrases, pen, start, SAYS_CLIENT_KEX);
	start = pen->used;
	put_kex_start(pen, SHARE_LARGE);
	keep(phrases, pen, start, SAYS_CLIENT_KEX_LARGE);
	start = pen->used;
	put_newkeys(pen);
	put_encrypted(pen, 44);
	keep(phrases, pen, start, SAYS_CLIENT_NEWKEYS);
	start = pen->used;
	put_encrypted(pen, 60);
	keep(phrases, pen, start, SAYS_CLIENT_AUTH);
}

static void build_server(struct phrases *phrases, struct pen *pen, uint16_t segment)
{
	static const struct offer today = { "sntrup761x25519-sha512@openssh.com," KEX
					    ",kex-strict-s-v00@openssh.com",
					    HOST_KEYS, CIPHERS, UMACS "," MACS };
	static const struct offer old = { "diffie-hellman-group1-sha1", "ssh-rsa", "3des-cbc",
					  "hmac-md5" };
	keep_text(phrases, pen, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n", SAYS_SERVER_IDENT);
	size_t start = pen->used;
	put_kexinit(pen, &today);
	keep(phrases, pen, start, SAYS_SERVER_KEXINIT);
	start = pen->used;
	put_kexinit(pen, &old);
	keep(phrases, pen, start, SAYS_SERVER_KEXINIT_OLD);
	start = pen->used;
	put_kex_reply(pen, SHARE);
	keep(phrases, pen, start, SAYS_SERVER_KEX);
	start = pen->used;
	put_kex_reply(pen, REPLY_SHARE_LARGE);
	keep(phrases, pen, start, SAYS_SERVER_KEX_LARGE);
	split(phrases, SAYS_SERVER_KEX_LARGE, SAYS_SERVER_KEX_LARGE_REST, segment);
	start = pen->used;
	put_encrypted(pen, 44);
	keep(phrases, pen, start, SAYS_SERVER_ACCEPT);
	start = pen->used;
	put_encrypted(pen, 60);
	keep(phrases, pen, start, SAYS_SERVER_METHODS);
}

void phrases_build(struct phrases *phrases, uint16_t segment)
{
	struct pen pen = { .at = phrases->store };
	build_client(phrases, &pen, segment);
	build_server(phrases, &pen, segment);
	keep_text(phrases, &pen, "Exceeded MaxStartups\r\n", SAYS_TEXT);
	keep_text(phrases, &pen, "x3%fQ0-a\r\n", SAYS_LINE);
	keep_text(phrases, &pen, "220 vm.example ESMTP\r\n", SAYS_GREETING);
	keep_text(phrases, &pen, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
		  SAYS_HTTP);
}
