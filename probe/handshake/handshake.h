/* handshake: the SSH conversation on a connected socket, listened to first; had by the loop of
 * drive/ when the plan says so.
 *
 * A silent reader hears what a server says before it hangs up ("Exceeded
 * MaxStartups"); one that talks at once gets a reset instead. So nothing is said
 * until the server has identified itself, or `listen_ms` have passed: some servers
 * wait, and a service that is not SSH answers only when spoken to. From then on
 * libssh talks, stage by stage, up to the list of authentication methods.
 *
 * The socket stays the caller's: connected, non-blocking, polled by the caller,
 * and closed by it after handshake_free(). libssh works on a duplicate. No file is
 * read, no configuration, nothing is printed; the process ignores SIGPIPE or not,
 * none is raised. No call blocks, except on the agent that is given, which is
 * only touched with `authenticate`. Then a session is opened in which nothing is run: what the
 * server does once it has let somebody in shows, and no command, shell or terminal is asked for.
 */
#ifndef PROBE_HANDSHAKE_H
#define PROBE_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/error.h"
#include "sshwhy/run.h"

enum handshake_state {
	HANDSHAKE_LISTENING, /* nothing was said yet */
	HANDSHAKE_TALKING,
	HANDSHAKE_DONE,
};

/* How far it came; ordered. */
enum handshake_stage {
	HANDSHAKE_STAGE_CONNECTED,  /* the server has not identified itself */
	HANDSHAKE_STAGE_IDENTIFIED, /* it has; its KEXINIT is awaited */
	HANDSHAKE_STAGE_KEXINIT,    /* it has named its algorithms */
	HANDSHAKE_STAGE_KEX,	    /* keys are agreed on, the host key's signature holds */
	HANDSHAKE_STAGE_AUTH,	    /* the authentication methods are listed */
};

/* A key that ssh would offer. */
struct handshake_key {
	const char *path;	 /* how it is called */
	const char *text;	 /* the private key, as its file has it; NULL: it cannot be used */
	const char *certificate; /* to be shown with it, as its file has it; NULL: none */
	const char *half;    /* of a key that cannot be used, its public half, as a .pub file has
				it; ssh asks whether the server would take it */
	const char *trouble; /* and why it cannot: "needs its passphrase" */
};

/* Strings are copied by handshake_new(); those of `keys` and `lacks` are not and must live on. */
struct handshake_options {
	const char *user;    /* NULL: "root", a name that every Linux VM knows */
	unsigned listen_ms;  /* silence before we talk; 0: 400 */
	unsigned timeout_ms; /* for the whole; 0: 10000 */

	/* What ssh offers, in its order, names with commas between; NULL or "": OpenSSH's defaults.
	 * Of these as much is offered as libssh knows. */
	const char *kex, *host_keys, *ciphers, *macs;
	const char *host_keys_first; /* of the host keys those to ask for first (those of the
					known_hosts entry, say); may be NULL */
	bool compression;
	unsigned rsa_bits; /* the shortest RSA key that is taken; 0: 1024, as OpenSSH */

	/* --auth */
	bool authenticate;
	const int *agent;		  /* a connection to it, which is not used up; NULL: none */
	const struct handshake_key *keys; /* offered after the agent's */
	size_t key_count;
	const char *key_algorithms; /* that it is signed with; NULL or "": whatever libssh has */
	const char *lacks; /* why there may be nothing to offer, for the result's message */
	/* Whether the server, which has proved that it holds this host key, is to be offered
	 * anything; NULL: it is. */
	bool (*trusts)(void *context, const char *type, const char *fingerprint);
	void *context;
};

/* Strings that came from the network hold raw bytes. */
struct handshake_result {
	enum event_word end; /* of EVENT_SSH */
	enum handshake_stage stage;
	int error;	      /* errno of a reset, else 0 */
	bool spoke;	      /* our identification string is out */
	unsigned lines;	      /* complete lines before the server's identification */
	char first_line[256]; /* the first of them, or of what came instead */
	char banner[256];     /* the server's identification string */
	char kex[128];	      /* the key exchange agreed on */
	char host_key_type[64];
	char fingerprint[64];	 /* "SHA256:..." */
	bool signature_verified; /* the server holds that key: it signed this exchange */
	char auth_methods[128];	 /* separated by spaces; "" when none is needed */
	bool no_auth_needed;	 /* the server lets anybody in */
	bool withheld;		 /* nothing was offered: the server is not trusted */
	uint32_t reason;	 /* of the server's SSH_MSG_DISCONNECT (RFC 4253 11.1); 0: none */
	char message[512];	 /* the server's or the library's words */
};

struct handshake;

/* `fd` is connected and non-blocking. NULL: out of memory or library (EXIT_UNAVAILABLE). */
struct handshake *handshake_new(int fd, const struct handshake_options *options,
				struct error *error);

/* What to poll `fd` for before the next step. */
short handshake_poll_events(const struct handshake *handshake);

/* When to step without an event, on the clock of handshake_step(); before the first
 * step: at once. */
int64_t handshake_deadline(const struct handshake *handshake);

/* Goes as far as it can without waiting. `now_ns`: any monotonic clock, always the same. */
enum handshake_state handshake_step(struct handshake *handshake, int64_t now_ns);

enum handshake_state handshake_state(const struct handshake *handshake);

/* Owned by the handshake; `end` is WORD_NONE until HANDSHAKE_DONE. */
const struct handshake_result *handshake_result(const struct handshake *handshake);

/* Takes leave of the server when it still listens (SSH_MSG_DISCONNECT, FIN). NULL is
 * fine. The socket is left to the caller. */
void handshake_free(struct handshake *handshake);

#endif
