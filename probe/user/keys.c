#include "user/keys.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sshwhy/cursor.h"
#include "user/agent.h"

#define KEY_FILE_MAX 32768 /* RSA keys of 16384 bits have less than half of that */
#define HALF_MAX     8192  /* their public halves, and certificates */

/* -- files ---------------------------------------------------------------------------- */

static size_t read_all(int fd, char *text, size_t room)
{
	size_t used = 0;
	ssize_t got;
	while (used < room && (got = read(fd, text + used, room - used)) > 0)
		used += (size_t)got;
	return used;
}

/* NULL: there is none that can be read, or it is too large to be a key. */
static char *read_file(const char *path, struct stat *status)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	char *text = NULL;
	if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) && status->st_size < KEY_FILE_MAX)
		text = calloc(1, KEY_FILE_MAX + 1);
	if (text != NULL && read_all(fd, text, KEY_FILE_MAX) == 0) {
		free(text);
		text = NULL;
	}
	close(fd);
	return text;
}

static char *read_beside(const char *path, const char *ending)
{
	char beside[SETTINGS_PATH_MAX + 16];
	struct stat status;
	snprintf(beside, sizeof(beside), "%s%s", path, ending);
	return read_file(beside, &status);
}

static void wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, KEY_FILE_MAX);
	free(*text);
	*text = NULL;
}

/* -- public halves ---------------------------------------------------------------------- */

struct blob {
	uint8_t bytes[HALF_MAX];
	size_t length; /* 0: it is none */
};

static void decode64(const char *text, size_t length, struct blob *blob)
{
	blob->length = 0;
	if (length == 0 || length % 4 != 0 || length / 4 * 3 > HALF_MAX)
		return;
	int bytes = EVP_DecodeBlock(blob->bytes, (const unsigned char *)text, (int)length);
	size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
	if (bytes > 0)
		blob->length = (size_t)bytes - padding;
}

/* Of "ssh-ed25519 AAAA... comment". */
static void blob_of(const char *half, struct blob *blob)
{
	blob->length = 0;
	if (half == NULL)
		return;
	const char *words = half + strcspn(half, " \n");
	words += strspn(words, " ");
	decode64(words, strcspn(words, " \r\n"), blob);
}

/* The key itself: what stands behind its type, in certificates of it too. */
static bool holds_key(const struct blob *certificate, const struct blob *plain)
{
	struct cursor cursor = cursor_over(plain->bytes, plain->length);
	cursor_skip(&cursor, cursor_be32(&cursor));
	return !cursor.failed && cursor.left > 0 &&
	       memmem(certificate->bytes, certificate->length, cursor.at, cursor.left) != NULL;
}

#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"

/* OpenSSH's own format (PROTOCOL.key) says it before what a passphrase hides; NULL: another
 * format, or damaged. */
static char *half_inside(const char *text)
{
	static const char magic[] = "openssh-key-v1";
	struct blob all;
	char lines[HALF_MAX / 3 * 4];
	size_t used = 0;
	if (strncmp(text, OPENSSH_BEGIN, strlen(OPENSSH_BEGIN)) != 0)
		return NULL;
	for (text += strlen(OPENSSH_BEGIN); *text != '-' && *text != '\0'; text++)
		if (*text != '\n' && *text != '\r' && used < sizeof(lines))
			lines[used++] = *text;
	decode64(lines, used, &all);
	explicit_bzero(lines, sizeof(lines));
	struct cursor cursor = cursor_over(all.bytes, all.length);
	cursor_skip(&cursor, sizeof(magic));
	for (int i = 0; i < 3; i++) /* cipher, derivation, its options */
		cursor_skip(&cursor, cursor_be32(&cursor));
	(void)cursor_be32(&cursor); /* how many */
	struct cursor blob = cursor_part(&cursor, cursor_be32(&cursor));
	const uint8_t *bytes = blob.at;
	size_t length = blob.left;
	struct cursor type = cursor_part(&blob, cursor_be32(&blob));
	char *half = !blob.failed && !type.failed ? calloc(1, KEY_FILE_MAX + 1) : NULL;
	if (half != NULL) {
		int at = snprintf(half, 128, "%.*s ", (int)(type.left < 64 ? type.left : 64),
				  (const char *)type.at);
		(void)EVP_EncodeBlock((unsigned char *)half + at, bytes, (int)length);
	}
	explicit_bzero(&all, sizeof(all));
	return half;
}

/* -- what IdentityFile names ------------------------------------------------------------ */

/* That no passphrase is needed shows in "none", as which the cipher stands first of all. */
static bool is_locked(const char *text)
{
	if (strncmp(text, OPENSSH_BEGIN, strlen(OPENSSH_BEGIN)) == 0)
		return strstr(text, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU") == NULL;
	return strstr(text, "ENCRYPTED") != NULL;
}

/* sshkey_perm_ok() of OpenSSH's authfile.c. */
static bool is_exposed(const struct stat *status, const struct person *person)
{
	return status->st_uid == person->uid && (status->st_mode & 077) != 0;
}

static void judge_private(struct keys_file *file, const struct stat *status,
			  const struct person *person)
{
	if (is_exposed(status, person))
		file->trouble = "has modes that ssh refuses";
	else if (is_locked(file->text))
		file->trouble = "needs its passphrase";
	else if (file->half != NULL && strncmp(file->half, "sk-", 3) == 0)
		file->trouble = "waits for a touch";
	if (file->trouble != NULL)
		wipe(&file->text);
}

static void read_identity(struct keys_file *file, const struct person *person)
{
	struct stat status;
	file->text = read_file(file->path, &status);
	bool is_private = file->text != NULL && strncmp(file->text, "-----BEGIN ", 11) == 0;
	if (file->text != NULL && !is_private) { /* the public half alone, for the agent's */
		file->half = file->text;
		file->text = NULL;
	}
	if (file->half == NULL)
		file->half = read_beside(file->path, ".pub");
	if (file->half == NULL && is_private)
		file->half = half_inside(file->text);
	file->certificate = read_beside(file->path, "-cert.pub");
	if (!is_private && file->half != NULL)
		file->trouble = "has no private key";
	if (is_private)
		judge_private(file, &status, person);
}

static bool next_file(const struct settings *settings, const struct person *person,
		      const char *value, struct keys *keys)
{
	char *path = keys->file[keys->file_count].path;
	return keys->file_count < KEYS_FILES_MAX &&
	       settings_expand(settings, person, value, path, SETTINGS_PATH_MAX);
}

/* CertificateFile: with the private key that it is of. */
static void read_certificate(struct keys *keys, struct keys_file *file)
{
	struct stat status;
	struct blob certificate, plain;
	file->certificate = read_file(file->path, &status);
	file->certified_only = true;
	if (file->certificate != NULL)
		file->trouble = "is a certificate without its key";
	blob_of(file->certificate, &certificate);
	for (const struct keys_file *key = keys->file; key < file; key++) {
		blob_of(key->half, &plain);
		if (key->text == NULL || certificate.length == 0 ||
		    !holds_key(&certificate, &plain))
			continue;
		file->text = calloc(1, KEY_FILE_MAX + 1);
		if (file->text != NULL)
			memcpy(file->text, key->text, KEY_FILE_MAX);
		file->trouble = NULL;
		return;
	}
}

static void read_files(const struct settings *settings, const struct person *person,
		       struct keys *keys)
{
	for (size_t i = 0; i < settings->identity_count; i++)
		if (next_file(settings, person, settings->identity[i], keys))
			read_identity(&keys->file[keys->file_count++], person);
	for (size_t i = 0; i < settings->certificate_count; i++)
		if (next_file(settings, person, settings->certificate[i], keys)) {
			read_certificate(keys, &keys->file[keys->file_count]);
			keys->file_count++;
		}
}

/* -- the agent ------------------------------------------------------------------------- */

/* "": none is asked. get_agent_identities() of OpenSSH: IdentityAgent, else $SSH_AUTH_SOCK. */
static void find_agent(const struct settings *settings, const struct person *person, char *path,
		       size_t room)
{
	const char *value = settings->identity_agent, *found = NULL;
	path[0] = '\0';
	if (strcmp(value, "none") == 0)
		return;
	if (value[0] == '\0' || strcmp(value, "SSH_AUTH_SOCK") == 0)
		found = getenv("SSH_AUTH_SOCK");
	else if (value[0] == '$')
		found = getenv(value + 1);
	else if (!settings_expand(settings, person, value, path, room))
		path[0] = '\0';
	if (found != NULL)
		snprintf(path, room, "%s", found);
}

static bool is_same(const struct agent_key *key, const char *text)
{
	struct blob blob;
	blob_of(text, &blob);
	return blob.length == key->length && memcmp(blob.bytes, key->blob, blob.length) == 0;
}

/* The file that is this key; NULL: it is the agent's alone. */
static struct keys_file *file_of(struct keys *keys, const struct agent_key *key)
{
	for (size_t i = 0; i < keys->file_count; i++)
		if (is_same(key, keys->file[i].half) || is_same(key, keys->file[i].certificate))
			return &keys->file[i];
	return NULL;
}

/* A key that the agent holds is not offered again from its file. */
static size_t choose_held(const struct settings *settings, struct keys *keys,
			  const struct agent_list *list, const struct agent_key **chosen)
{
	size_t count = 0;
	for (int named = 1; named >= 0; named--) /* those that are named come first */
		for (size_t i = 0; i < list->count; i++) {
			const struct agent_key *key = &list->key[i];
			struct keys_file *file = file_of(keys, key);
			if ((file != NULL) == (named == 1) &&
			    (named == 1 || !settings->identities_only))
				chosen[count++] = key;
		}
	for (size_t i = 0; i < list->count; i++) {
		struct keys_file *file = file_of(keys, &list->key[i]);
		if (file == NULL)
			continue;
		wipe(&file->text);
		wipe(&file->half);
		wipe(&file->certificate);
		file->trouble = NULL;
	}
	return count;
}

static void say(struct keys *keys, const char *text)
{
	size_t used = strlen(keys->lacks);
	snprintf(keys->lacks + used, sizeof(keys->lacks) - used, "%s%s", used > 0 ? "; " : "",
		 text);
}

static void read_agent(const struct settings *settings, const struct person *person,
		       struct keys *keys)
{
	char path[SETTINGS_PATH_MAX];
	struct agent_list list = { 0 };
	const struct agent_key *chosen[AGENT_KEYS_MAX];
	find_agent(settings, person, path, sizeof(path));
	if (path[0] == '\0') {
		say(keys, "there is no agent");
	} else if (!agent_ask(path, &list)) {
		say(keys, "the agent does not answer");
	} else {
		size_t count = choose_held(settings, keys, &list, chosen);
		size_t shown = count < KEYS_MAX ? count : KEYS_MAX;
		if (list.count == 0)
			say(keys, "the agent holds no key");
		else if (count == 0)
			say(keys, "IdentitiesOnly leaves out what the agent holds");
		keys->left_out += count - shown;
		if (shown > 0 && agent_show(path, chosen, shown, &keys->go_between, &keys->agent))
			keys->agent_keys = shown;
	}
	agent_forget(&list);
}

/* -- what is offered ---------------------------------------------------------------------- */

static void offer(struct keys *keys, struct keys_offer key)
{
	if (keys->agent_keys + keys->count < KEYS_MAX)
		keys->key[keys->count++] = key;
	else
		keys->left_out++;
}

static void offer_file(struct keys *keys, const struct keys_file *file)
{
	char text[SETTINGS_PATH_MAX + 64];
	if (file->text != NULL && !file->certified_only)
		offer(keys, (struct keys_offer){ .path = file->path, .text = file->text });
	if (file->text != NULL && file->certificate != NULL)
		offer(keys, (struct keys_offer){ .path = file->path,
						 .text = file->text,
						 .certificate = file->certificate });
	if (file->text == NULL && file->half != NULL)
		offer(keys, (struct keys_offer){ .path = file->path,
						 .half = file->half,
						 .trouble = file->trouble });
	if (file->trouble != NULL) {
		snprintf(text, sizeof(text), "%s %s", file->path, file->trouble);
		say(keys, text);
	}
}

/* Whether ssh would authenticate by a key at all. */
static bool uses_keys(const struct settings *settings, struct keys *keys)
{
	bool off = strcmp(settings->pubkey_authentication, "no") == 0 ||
		   strcmp(settings->pubkey_authentication, "false") == 0;
	bool left_out = settings->preferred_authentications[0] != '\0' &&
			strstr(settings->preferred_authentications, "publickey") == NULL;
	if (off)
		say(keys, "PubkeyAuthentication is off");
	else if (left_out)
		say(keys, "PreferredAuthentications leaves keys out");
	return !off && !left_out;
}

void keys_read(const struct settings *settings, const struct person *person, struct keys *keys)
{
	*keys = (struct keys){ .agent = -1, .go_between = { .pid = -1, .leash = -1 } };
	if (!uses_keys(settings, keys))
		return;
	read_files(settings, person, keys);
	read_agent(settings, person, keys);
	for (size_t i = 0; i < keys->file_count; i++)
		offer_file(keys, &keys->file[i]);
	if (keys->agent_keys + keys->count == 0 && keys->file_count > 0)
		say(keys, "no file that IdentityFile names holds a key that can be used");
}

void keys_close(struct keys *keys)
{
	for (size_t i = 0; i < keys->file_count; i++) {
		wipe(&keys->file[i].text);
		wipe(&keys->file[i].half);
		wipe(&keys->file[i].certificate);
	}
	if (keys->agent_keys > 0) {
		close(keys->agent);
		(void)child_end(&keys->go_between);
	}
	*keys = (struct keys){ .agent = -1 };
}
