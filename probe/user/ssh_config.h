/* ssh_config: what ssh's configuration makes of a host; read by the machine, for modes and proxy.
 *
 * ssh_config(5). First come, first served: the first value that applies stands. Host and the
 * plain criteria of Match (all, host, originalhost, user, localuser) are evaluated; a Match that
 * asks for more (exec, canonical, final, ...) only *may* apply. Include is followed. Only
 * what matters to the way and the keys is kept, each with the line that sets it.
 */
#ifndef PROBE_USER_SSH_CONFIG_H
#define PROBE_USER_SSH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_KEYWORDS                                                                            \
	CONFIG_KEYWORD(PROXY_COMMAND, "proxycommand")                                              \
	CONFIG_KEYWORD(PROXY_JUMP, "proxyjump")                                                    \
	CONFIG_KEYWORD(HOST_NAME, "hostname")                                                      \
	CONFIG_KEYWORD(PORT, "port")                                                               \
	CONFIG_KEYWORD(USER, "user")                                                               \
	CONFIG_KEYWORD(HOST_KEY_ALIAS, "hostkeyalias")                                             \
	CONFIG_KEYWORD(USER_KNOWN_HOSTS, "userknownhostsfile")                                     \
	CONFIG_KEYWORD(GLOBAL_KNOWN_HOSTS, "globalknownhostsfile")                                 \
	CONFIG_KEYWORD(IDENTITY_FILE, "identityfile")

enum config_keyword {
#define CONFIG_KEYWORD(id, name) CONFIG_##id,
	CONFIG_KEYWORDS
#undef CONFIG_KEYWORD
		CONFIG_KEYWORD_COUNT
};

struct config_setting {
	bool set;
	bool certain; /* false: under a Match that may not apply */
	char value[512];
	char file[256];
	unsigned line;
	char text[320]; /* the line itself */
};

#define CONFIG_IDENTITIES_MAX 8

struct ssh_config {
	struct config_setting setting[CONFIG_KEYWORD_COUNT]; /* IDENTITY_FILE: the first */
	char identity[CONFIG_IDENTITIES_MAX][512];	     /* as written: ~ and % unexpanded */
	size_t identity_count;
};

/* For whom a configuration is read. */
struct config_reader {
	const char *host;	/* as typed */
	const char *user;	/* asked for on the command line; NULL none */
	const char *local_user; /* who runs ssh */
	const char *home;
	struct ssh_config *config;
	unsigned files; /* read so far, included ones too */
};

/* Adds what `file` sets; `folder` is where relative Includes are. False when the file is
 * not there or cannot be read. Call it for ~/.ssh/config, then /etc/ssh/ssh_config. */
bool config_read(struct config_reader *reader, const char *file, const char *folder);

/* The line that sends ssh through a proxy (ProxyCommand or ProxyJump, not "none"); NULL:
 * none does. */
const struct config_setting *config_proxy(const struct ssh_config *config);

/* "~/.ssh/config:3: ProxyJump bastion" */
void config_describe(const struct config_setting *setting, char *text, size_t room);

/* `value` with ~, %d (home), %h, %u, %% expanded; false when it holds more than that. */
bool config_expand(const char *value, const struct config_reader *reader, char *out, size_t room);

#endif
