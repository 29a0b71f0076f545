#include <string.h>

#include "ssh/kexinit.h"

const char *const ssh_list_names[SSH_LISTS] = {
	[SSH_LIST_KEX] = "key exchange",
	[SSH_LIST_HOST_KEY] = "host key",
	[SSH_LIST_CIPHER_C2S] = "cipher, client to server",
	[SSH_LIST_CIPHER_S2C] = "cipher, server to client",
	[SSH_LIST_MAC_C2S] = "MAC, client to server",
	[SSH_LIST_MAC_S2C] = "MAC, server to client",
	[SSH_LIST_COMPRESSION_C2S] = "compression, client to server",
	[SSH_LIST_COMPRESSION_S2C] = "compression, server to client",
	[SSH_LIST_LANGUAGE_C2S] = "language, client to server",
	[SSH_LIST_LANGUAGE_S2C] = "language, server to client",
};

/* Names in the key exchange list that say something and are never chosen:
 * RFC 8308 2.2 ("they MUST NOT be negotiated as key exchange methods"), OpenSSH's
 * PROTOCOL 1.9, Dropbear's guess. */
static const char *const indicators[] = {
	"ext-info-c",
	"ext-info-s",
	"kex-strict-c-v00@openssh.com",
	"kex-strict-s-v00@openssh.com",
	"kexguess2@matt.ucc.asn.au",
};

/* Ciphers that authenticate by themselves (RFC 5647, OpenSSH's PROTOCOL 1.6 and
 * PROTOCOL.chacha20poly1305). */
static const char *const aead_ciphers[] = {
	"chacha20-poly1305@openssh.com",
	"aes128-gcm@openssh.com",
	"aes256-gcm@openssh.com",
	"AEAD_AES_128_GCM",
	"AEAD_AES_256_GCM",
};

/* Keeps a list, whole names only. */
static bool keep_list(struct ssh_side *side, enum ssh_list list, struct cursor names)
{
	size_t length = names.left;
	const char *text = (const char *)cursor_take(&names, length);

	/* RFC 4251 5: "Terminating null characters MUST NOT be used, neither for
	 * the individual names, nor for the list as a whole." */
	if (memchr(text, '\0', length) != NULL)
		return false;
	if (length >= SSH_NAME_LIST_MAX) {
		side->list_cut = true;
		length = SSH_NAME_LIST_MAX - 1;
		while (length > 0 && text[length] != ',')
			length--;
	}
	memcpy(side->list[list], text, length);
	side->list[list][length] = '\0';
	return true;
}

bool kexinit_read(struct ssh_side *side, struct cursor payload)
{
	cursor_skip(&payload, 16); /* cookie */
	for (enum ssh_list list = 0; list < SSH_LISTS; list++) {
		struct cursor names = cursor_part(&payload, cursor_be32(&payload));
		if (names.failed || !keep_list(side, list, names))
			return false;
	}
	side->guess_follows = cursor_u8(&payload) != 0;
	(void)cursor_be32(&payload); /* "0 (reserved for future extension)" */
	return !payload.failed;
}

static bool is_one_of(const char *const names[], size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return true;
	}
	return false;
}

#define IS_ONE_OF(names, name, length)                                                             \
	is_one_of(names, sizeof(names) / sizeof((names)[0]), name, length)

/* Whether `list` holds the name. */
static bool list_has(const char *list, const char *name, size_t length)
{
	while (*list != '\0') {
		size_t next = strcspn(list, ",");
		if (next == length && memcmp(list, name, length) == 0)
			return true;
		list += next;
		list += *list == ',';
	}
	return false;
}

/* RFC 4253 7.1: "The first algorithm on the client's name-list that is also on
 * the server's name-list". That the key exchange must also suit a host key
 * algorithm decides nothing today: all of both kinds sign. */
static bool first_shared(const char *client, const char *server, char name[128])
{
	while (*client != '\0') {
		size_t length = strcspn(client, ",");
		if (length > 0 && length < 128 && !IS_ONE_OF(indicators, client, length) &&
		    list_has(server, client, length)) {
			memcpy(name, client, length);
			name[length] = '\0';
			return true;
		}
		client += length;
		client += *client == ',';
	}
	return false;
}

static bool mac_is_implied(const struct ssh_dialog *dialog, enum ssh_list list)
{
	char cipher[128];
	if (list != SSH_LIST_MAC_C2S && list != SSH_LIST_MAC_S2C)
		return false;
	enum ssh_list cipher_list =
		list == SSH_LIST_MAC_C2S ? SSH_LIST_CIPHER_C2S : SSH_LIST_CIPHER_S2C;
	return ssh_negotiate(dialog, cipher_list, cipher) &&
	       IS_ONE_OF(aead_ciphers, cipher, strlen(cipher));
}

bool ssh_negotiate(const struct ssh_dialog *dialog, enum ssh_list list, char name[128])
{
	const struct ssh_side *client = &dialog->side[SSH_CLIENT];
	const struct ssh_side *server = &dialog->side[SSH_SERVER];

	name[0] = '\0';
	if (client->milestone < SSH_KEXINIT || server->milestone < SSH_KEXINIT)
		return false;
	if (mac_is_implied(dialog, list))
		return true;
	if (first_shared(client->list[list], server->list[list], name))
		return true;
	/* RFC 4253 7.1: "Both parties MAY ignore this name-list." */
	return list == SSH_LIST_LANGUAGE_C2S || list == SSH_LIST_LANGUAGE_S2C;
}
