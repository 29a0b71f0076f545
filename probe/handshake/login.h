/* login: what is offered to a server that has listed its methods, in ssh's order and without asking
 * anybody anything, and what it says to that; used by handshake.c alone. Knows libssh. */
#ifndef PROBE_LOGIN_H
#define PROBE_LOGIN_H

#include <libssh/libssh.h>

#include "handshake/handshake.h"

enum login_phase { LOGIN_AGENT, LOGIN_KEYS, LOGIN_SESSION };

struct login {
	/* the handshake's, set before login_begin(); `methods` and `message` are the result's */
	ssh_session session;
	const uint64_t *sent; /* bytes of ours that are out */
	char *methods, *message;
	size_t methods_room, message_room;
	bool has_agent;
	const struct handshake_key *keys;
	size_t key_count;
	const char *lacks; /* may be NULL */
	/* its own */
	enum event_word end; /* WORD_NONE: it goes on */
	enum login_phase phase;
	uint64_t sent_before; /* when there was something to offer first */
	ssh_key key;	      /* that is offered now: keys[key_next - 1] */
	size_t key_next;
	const struct handshake_key *locked; /* that the server would take, and that is of no use */
	bool partly;			    /* a key was taken, and the server wants more */
	ssh_channel channel;
};

/* No passphrase is asked for: the keys are the user's. */
int login_no_passphrase(const char *prompt, char *buffer, size_t length, int echo, int verify,
			void *context);

/* Writes down the methods that the server has listed. */
void login_note_methods(struct login *login);

/* Whether it has listed not one that a person could use; `asked`: with --auth, for whoever may come
 * by another's doing (hostbased) does not matter then. */
bool login_is_hopeless(const struct login *login, bool asked);

/* From here on login_advance() is called. `free`: the server lets anybody in. */
void login_begin(struct login *login, bool free);

/* One call into libssh: SSH_OK, SSH_AGAIN or SSH_ERROR. When `end` is set, that is how it ends. */
int login_advance(struct login *login);

/* What the server has said to its users last, as the message; false: nothing. */
bool login_quote(struct login *login);

/* It ended early, when the server hung up or (`silent`) said nothing more: says so in the message.
 */
void login_describe(struct login *login, bool silent);

/* Before the session is freed. */
void login_leave(struct login *login);

#endif
