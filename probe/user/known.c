#include "user/known.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "sshwhy/fingerprint.h"
#include "sshwhy/ssh.h"
#include "user/lines.h"
#include "user/pattern.h"

#define BLOB_MAX 16384

void known_name(const char *host, uint16_t port, char *name, size_t room)
{
	if (port == SSH_PORT)
		snprintf(name, room, "%s", host);
	else
		snprintf(name, room, "[%s]:%u", host, port);
	for (; *name != '\0'; name++)
		*name = (char)tolower((unsigned char)*name);
}

/* -- base64 ----------------------------------------------------------------------- */

/* Decodes `length` characters, padding included; 0 when they are no base64 as OpenSSH reads it.
 * The library takes "=" for a digit, and overlooks what it does not know behind the last one. */
static size_t decode64(const char *text, size_t length, uint8_t *out, size_t room)
{
	size_t digits = strcspn(text, "=");
	size_t padded = digits < length ? length - digits : 0;
	size_t whole = length / 4 * 3;
	if (length % 4 != 0 || whole > room || padded > 2 ||
	    (padded > 0 && strspn(text + digits, "=") < padded) ||
	    EVP_DecodeBlock(out, (const uint8_t *)text, (int)length) != (int)whole)
		return 0;
	return whole - padded;
}

/* -- names ------------------------------------------------------------------------ */

/* "|1|SALT|HASH": HMAC-SHA1 of the name under the salt. */
static bool hashed_match(const char *name, const char *field, size_t length)
{
	uint8_t salt[64], hash[64], ours[EVP_MAX_MD_SIZE];
	unsigned ours_length = 0;
	const char *middle = memchr(field + 3, '|', length - 3);
	if (middle == NULL)
		return false;
	size_t salt_length = decode64(field + 3, (size_t)(middle - field - 3), salt, sizeof(salt));
	size_t hash_length =
		decode64(middle + 1, (size_t)(field + length - middle - 1), hash, sizeof(hash));
	return salt_length > 0 &&
	       HMAC(EVP_sha1(), salt, (int)salt_length, (const uint8_t *)name, strlen(name), ours,
		    &ours_length) != NULL &&
	       ours_length == hash_length && memcmp(ours, hash, hash_length) == 0;
}

static bool names_match(const char *name, const char *field, size_t length)
{
	if (length > 3 && strncmp(field, "|1|", 3) == 0)
		return hashed_match(name, field, length);
	return pattern_list(name, field, length, ",") > 0;
}

/* -- lines ------------------------------------------------------------------------ */

/* The next word of `*at`; its length, 0 at the end. */
static size_t next_word(const char **at, const char **word)
{
	*at += strspn(*at, " \t");
	*word = *at;
	size_t length = strcspn(*at, " \t");
	*at += length;
	return length;
}

static bool is_word(const char *word, size_t length, const char *text)
{
	return length == strlen(text) && strncmp(word, text, length) == 0;
}

static void add_key(struct known *known, const char *base64, size_t length, bool revoked,
		    const char *file, unsigned number)
{
	uint8_t blob[BLOB_MAX];
	struct known_key *key = &known->key[known->count];
	if (known->count == KNOWN_KEYS_MAX)
		return;
	size_t bytes = decode64(base64, length, blob, sizeof(blob));
	if (bytes == 0 || !fingerprint_key_type(blob, bytes, key->type))
		return;
	fingerprint_sha256(blob, bytes, key->fingerprint);
	snprintf(key->file, sizeof(key->file), "%s", file);
	key->line = number;
	key->revoked = revoked;
	known->count++;
}

void known_line(struct known *known, const char *line, const char *name, const char *file,
		unsigned number)
{
	const char *names, *type, *base64;
	bool revoked = false, authority = false;
	size_t length = next_word(&line, &names);
	if (length > 0 && names[0] == '@') {
		revoked = is_word(names, length, "@revoked");
		authority = is_word(names, length, "@cert-authority");
		if (!revoked && !authority)
			return;
		length = next_word(&line, &names);
	}
	if (length == 0 || names[0] == '#' || !names_match(name, names, length))
		return;
	/* nothing is made of a certificate authority */
	if (next_word(&line, &type) == 0 || authority)
		return;
	size_t key = next_word(&line, &base64);
	add_key(known, base64, key, revoked, file, number);
}

bool known_read(struct known *known, const char *file, const char *name)
{
	struct lines lines;
	const char *line;
	if (!lines_open(&lines, file))
		return false;
	while (known->count < KNOWN_KEYS_MAX && (line = lines_next(&lines)) != NULL)
		known_line(known, line, name, file, lines.number);
	lines_close(&lines);
	return true;
}

/* -- the check -------------------------------------------------------------------- */

enum known_state known_check(const struct known *known, const char *type, const char *fingerprint,
			     const struct known_key **which)
{
	const struct known_key *same = NULL, *other = NULL, *other_type = NULL;
	for (size_t i = known->count; i-- > 0;) {
		const struct known_key *key = &known->key[i];
		if (strcmp(key->fingerprint, fingerprint) == 0) {
			if (key->revoked) {
				*which = key;
				return KNOWN_REVOKED;
			}
			same = key;
		} else if (!key->revoked && strcmp(key->type, type) == 0) {
			other = key;
		} else if (!key->revoked) {
			other_type = key;
		}
	}
	*which = same != NULL ? same : other != NULL ? other : other_type;
	/* OpenSSH calls a key changed when the host has any other one, of whatever type
	 * (check_hostkeys_by_key_or_type): it asked for the types it knows first. */
	if (same == NULL && known->of_other_port)
		*which = NULL;
	return same != NULL ? KNOWN_SAME : *which != NULL ? KNOWN_CHANGED : KNOWN_NEW;
}

void known_algorithms(const struct known *known, char *list, size_t room)
{
	/* names that mean something to us: what a file says goes no further */
	static const struct {
		const char *type, *algorithms;
	} rows[] = {
		{ "ssh-ed25519", "ssh-ed25519" },
		{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" },
		{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" },
		{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" },
		{ "ssh-rsa", "rsa-sha2-512,rsa-sha2-256" },
	};
	list[0] = '\0';
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		bool has = false;
		for (size_t i = 0; i < known->count && !has; i++)
			has = !known->key[i].revoked &&
			      strcmp(known->key[i].type, rows[r].type) == 0;
		size_t used = strlen(list);
		if (has)
			snprintf(list + used, room - used, "%s%s", used > 0 ? "," : "",
				 rows[r].algorithms);
	}
}

/* -- in words ------------------------------------------------------------------------- */

void known_quote(const struct known_key *key, bool same, char *text, size_t room)
{
	if (key == NULL)
		snprintf(text, room, "no known_hosts names it");
	else if (key->revoked)
		snprintf(text, room, "%s:%u marks it as revoked", key->file, key->line);
	else if (same)
		snprintf(text, room, "%s:%u", key->file, key->line);
	else
		snprintf(text, room, "%s:%u has %s %s", key->file, key->line, key->type,
			 key->fingerprint);
}

enum event_word known_judge(const struct known *known, const char *type, const char *fingerprint,
			    char *why, size_t room)
{
	static const enum event_word words[] = {
		[KNOWN_NEW] = WORD_HOST_KEY_NEW,
		[KNOWN_SAME] = WORD_HOST_KEY_SAME,
		[KNOWN_CHANGED] = WORD_HOST_KEY_CHANGED,
		[KNOWN_REVOKED] = WORD_HOST_KEY_CHANGED, /* by a line here, about the VM's key */
	};
	const struct known_key *entry = NULL;
	enum known_state state = known_check(known, type, fingerprint, &entry);
	known_quote(entry, state == KNOWN_SAME, why, room);
	return words[state];
}
