#include "handshake/login.h"

#include <stdio.h>
#include <string.h>

static void copy_text(char *out, size_t size, const char *text)
{
	/* Long texts are cut on purpose. */
	snprintf(out, size, "%.*s", (int)size - 1, text);
}

int login_no_passphrase(const char *prompt, char *buffer, size_t length, int echo, int verify,
			void *context)
{
	(void)prompt, (void)buffer, (void)length, (void)echo, (void)verify, (void)context;
	return -1;
}

/* -- methods -------------------------------------------------------------------------- */

void login_note_methods(struct login *l)
{
	static const struct {
		int bit;
		const char *name;
	} methods[] = {
		{ SSH_AUTH_METHOD_PUBLICKEY, "publickey" },
		{ SSH_AUTH_METHOD_PASSWORD, "password" },
		{ SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive" },
		{ SSH_AUTH_METHOD_HOSTBASED, "hostbased" },
		{ SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic" },
	};
	int offered = ssh_userauth_list(l->session, NULL);
	char *out = l->methods;
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (offered & methods[i].bit)
			used += (size_t)snprintf(out + used, l->methods_room - used, "%s%s",
						 used > 0 ? " " : "", methods[i].name);
	}
}

/* -- the end ---------------------------------------------------------------------------- */

/* SSH_MSG_USERAUTH_BANNER: pam_nologin tells so that the system is booting up. */
bool login_quote(struct login *l)
{
	char *banner = ssh_get_issue_banner(l->session);
	if (banner == NULL)
		return false;
	copy_text(l->message, l->message_room, banner);
	size_t length = strlen(l->message);
	while (length > 0 && strchr(" \r\n", l->message[length - 1]) != NULL)
		l->message[--length] = '\0';
	ssh_string_free_char(banner);
	return length > 0;
}

/* All is encrypted, and the library has no words of its own for it. */
void login_describe(struct login *l, bool silent)
{
	const char *text = silent ? "" : "it ends the connection";
	if (l->phase == LOGIN_SESSION)
		text = silent ? "it lets in, and then says nothing"
			      : "it lets in, and then ends the connection";
	if (!login_quote(l))
		copy_text(l->message, l->message_room, text);
}

static void end_refused(struct login *l)
{
	(void)login_quote(l);
	l->end = WORD_SSH_AUTH_REFUSED;
}

/* As ssh ends when it has tried all methods that are left. */
static void end_without_key(struct login *l)
{
	char *message = l->message;
	size_t room = l->message_room;
	if (l->partly)
		copy_text(message, room, "a key was taken, and the server wants more than that");
	else if (l->locked != NULL)
		snprintf(message, room, "the server would take %s, which %s, and no agent holds it",
			 l->locked->path, l->locked->trouble);
	else if (strstr(l->methods, "publickey") != NULL)
		copy_text(message, room, l->lacks != NULL ? l->lacks : "no key");
	else
		copy_text(message, room, "the server takes no keys");
	l->end = WORD_SSH_NO_KEY;
}

static bool takes_keys(const struct login *l)
{
	return strstr(l->methods, "publickey") != NULL;
}

bool login_is_hopeless(const struct login *l, bool asked)
{
	return l->methods[0] == '\0' || (asked && strcmp(l->methods, "hostbased") == 0);
}

void login_begin(struct login *l, bool free)
{
	l->sent_before = *l->sent;
	if (free)
		l->phase = LOGIN_SESSION;
	else if (!takes_keys(l))
		end_without_key(l);
	else
		l->phase = l->has_agent ? LOGIN_AGENT : LOGIN_KEYS;
}

/* -- what is offered ---------------------------------------------------------------------- */

/* Whether the server answered what was offered, and how; `next` is where it goes from there. */
static int offer_answered(struct login *l, int answer, enum login_phase next)
{
	l->phase = next;
	if (answer == SSH_AUTH_SUCCESS)
		l->phase = LOGIN_SESSION;
	else if (ssh_get_fd(l->session) < 0)
		return SSH_ERROR; /* the server closed: too many attempts */
	if (answer != SSH_AUTH_PARTIAL)
		return SSH_OK;
	/* the server wants more than this key: these methods are left */
	login_note_methods(l);
	l->partly = true;
	if (!takes_keys(l))
		end_without_key(l);
	return SSH_OK;
}

static int advance_agent(struct login *l)
{
	int answer = ssh_userauth_agent(l->session, NULL);
	if (answer == SSH_AUTH_AGAIN)
		return SSH_AGAIN;
	/* the agent may hold the other key that is wanted, too */
	return offer_answered(l, answer, answer == SSH_AUTH_PARTIAL ? LOGIN_AGENT : LOGIN_KEYS);
}

static ssh_key import_private(const struct handshake_key *offer)
{
	ssh_key key = NULL, certificate = NULL;
	if (ssh_pki_import_privkey_base64(offer->text, NULL, login_no_passphrase, NULL, &key) !=
	    SSH_OK)
		return NULL;
	if (offer->certificate == NULL)
		return key;
	char type[128] = "", words[8192] = "";
	bool fits = sscanf(offer->certificate, "%127s %8191s", type, words) == 2 &&
		    ssh_pki_import_cert_base64(words, ssh_key_type_from_name(type), &certificate) ==
			    SSH_OK &&
		    ssh_pki_copy_cert_to_privkey(certificate, key) == SSH_OK;
	ssh_key_free(certificate);
	if (fits)
		return key;
	ssh_key_free(key);
	return NULL;
}

static ssh_key import_half(const struct handshake_key *offer)
{
	ssh_key key = NULL;
	char type[128], words[8192];
	if (offer->half == NULL || sscanf(offer->half, "%127s %8191s", type, words) != 2 ||
	    ssh_pki_import_pubkey_base64(words, ssh_key_type_from_name(type), &key) != SSH_OK)
		return NULL;
	return key;
}

static bool load_next_key(struct login *l)
{
	while (l->key == NULL && l->key_next < l->key_count) {
		const struct handshake_key *offer = &l->keys[l->key_next++];
		l->key = offer->text != NULL ? import_private(offer) : import_half(offer);
	}
	return l->key != NULL;
}

/* Of a key that cannot be used the server is asked whether it would take it, as ssh asks. */
static int offer_key(struct login *l)
{
	const struct handshake_key *offer = &l->keys[l->key_next - 1];
	if (offer->text != NULL)
		return ssh_userauth_publickey(l->session, NULL, l->key);
	int answer = ssh_userauth_try_publickey(l->session, NULL, l->key);
	if (answer != SSH_AUTH_SUCCESS)
		return answer;
	l->locked = offer;
	return SSH_AUTH_DENIED;
}

static void end_keys(struct login *l)
{
	bool offered = *l->sent > l->sent_before;
	if (l->partly || l->locked != NULL || !offered)
		end_without_key(l);
	else
		end_refused(l);
}

static int advance_keys(struct login *l)
{
	if (!load_next_key(l)) {
		end_keys(l);
		return SSH_OK;
	}
	int answer = offer_key(l);
	if (answer == SSH_AUTH_AGAIN)
		return SSH_AGAIN;
	ssh_key_free(l->key);
	l->key = NULL;
	return offer_answered(l, answer, LOGIN_KEYS);
}

/* Nothing is asked for in it, so nothing is run and nobody is told of a login: a server that ends
 * every session ends this one too. One that opens none may still forward. */
static int advance_session(struct login *l)
{
	if (l->channel == NULL && (l->channel = ssh_channel_new(l->session)) == NULL)
		return SSH_ERROR;
	int answer = ssh_channel_open_session(l->channel);
	if (answer == SSH_AGAIN)
		return SSH_AGAIN;
	if (ssh_get_fd(l->session) < 0)
		return SSH_ERROR;
	if (answer != SSH_OK)
		copy_text(l->message, l->message_room, ssh_get_error(l->session));
	l->end = WORD_SSH_AUTHENTICATED;
	return SSH_OK;
}

int login_advance(struct login *l)
{
	switch (l->phase) {
	case LOGIN_AGENT:
		return advance_agent(l);
	case LOGIN_KEYS:
		return advance_keys(l);
	case LOGIN_SESSION:
		return advance_session(l);
	}
	return SSH_ERROR;
}

void login_leave(struct login *l)
{
	if (l->key != NULL)
		ssh_key_free(l->key);
	l->key = NULL;
	l->channel = NULL; /* the session's */
}
