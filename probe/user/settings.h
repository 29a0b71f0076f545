/* settings: what ssh makes of what was typed (`ssh -G`); read by consult.c, used by all that act
 * as ssh would.
 *
 * Plain values of fixed size, for they cross a process's border. What is longer than its room is
 * as if it had not been told. "" and 0 are what stands where ssh says "none".
 */
#ifndef PROBE_USER_SETTINGS_H
#define PROBE_USER_SETTINGS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/person.h"
#include "user/typed.h"

#define SETTINGS_LIST_MAX	  2048 /* bytes: names of algorithms with commas between */
#define SETTINGS_PATH_MAX	  512
#define SETTINGS_IDENTITIES_MAX	  16
#define SETTINGS_CERTIFICATES_MAX 8
#define SETTINGS_TEXT_MAX	  ((size_t)128 * 1024) /* what is read of `ssh -G` */

struct settings {
	char host[NI_MAXHOST];		     /* as typed */
	char config_file[SETTINGS_PATH_MAX]; /* as typed: -F; "": the usual ones */
	char hostname[NI_MAXHOST];
	uint16_t port;
	char user[128];

	/* the way */
	uint8_t family; /* 0 any, 4, 6 */
	char bind_address[NI_MAXHOST], bind_interface[IF_NAMESIZE];
	char proxy_jump[512], proxy_command[1024];
	char ip_qos[64]; /* one word or two, as ssh_config(5) has them */
	unsigned connect_timeout, connection_attempts;
	bool tcp_keep_alive;

	/* the key exchange: lists in ssh's order; "": not told */
	char kex[SETTINGS_LIST_MAX], host_keys[SETTINGS_LIST_MAX], ciphers[SETTINGS_LIST_MAX],
		macs[SETTINGS_LIST_MAX];
	bool compression;
	char rekey_limit[64]; /* "BYTES SECONDS" */
	unsigned required_rsa_bits;

	/* whom ssh takes the server for */
	char host_key_alias[NI_MAXHOST];
	char strict_host_keys[16];		   /* "ask", "true", "accept-new", ... */
	char user_known[1024], global_known[1024]; /* paths with spaces between */
	bool check_host_ip;
	char canonicalize[16], canonical_domains[512];

	/* what it offers; paths may hold ~ and tokens */
	char pubkey_algorithms[SETTINGS_LIST_MAX];
	char identity[SETTINGS_IDENTITIES_MAX][SETTINGS_PATH_MAX];
	size_t identity_count;
	char certificate[SETTINGS_CERTIFICATES_MAX][SETTINGS_PATH_MAX];
	size_t certificate_count;
	bool identities_only;
	char identity_agent[SETTINGS_PATH_MAX]; /* "": the one of $SSH_AUTH_SOCK; "none" */
	char preferred_authentications[256];
	char pubkey_authentication[32]; /* "true", "no", "unbound", ... */
	bool password_authentication, keyboard_authentication;
};

/* What holds without ssh: its defaults, and of the options those that need no configuration. */
void settings_assume(struct settings *settings, const struct typed *typed,
		     const struct person *person);

/* Reads the output of `ssh -G` into settings that were assumed. False: it is none, and they are
 * left as they were. */
bool settings_read(struct settings *settings, const char *text, size_t length);

/* Whether every text ends within its room and every count within its own: settings that another
 * process sent may hold anything. */
bool settings_sound(const struct settings *settings);

/* `value` with ~, %d (home), %h, %n, %p, %r, %u, %% expanded; false when it holds more than that,
 * or `room` is too small. */
bool settings_expand(const struct settings *settings, const struct person *person,
		     const char *value, char *out, size_t room);

/* The tokens alone, as in a ProxyCommand, which a shell reads. */
bool settings_expand_tokens(const struct settings *settings, const struct person *person,
			    const char *value, char *out, size_t room);

#endif
