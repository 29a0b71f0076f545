/* ssh_config: which line of ssh's configuration sets something for a host: file and number, to be
 * quoted; read by consult.c.
 *
 * What is set, ssh says (settings.h); only where it stands it does not. ssh_config(5): first come,
 * first served. Host and the plain criteria of Match (all, host, originalhost, user, localuser) are
 * evaluated; a Match that asks for more (exec, canonical, final, ...) only *may* apply. Include is
 * followed.
 */
#ifndef PROBE_USER_SSH_CONFIG_H
#define PROBE_USER_SSH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_KEYWORDS                                                                            \
	CONFIG_KEYWORD(HOST_NAME, "hostname")                                                      \
	CONFIG_KEYWORD(PORT, "port")                                                               \
	CONFIG_KEYWORD(USER, "user")                                                               \
	CONFIG_KEYWORD(ADDRESS_FAMILY, "addressfamily")                                            \
	CONFIG_KEYWORD(BIND_ADDRESS, "bindaddress")                                                \
	CONFIG_KEYWORD(BIND_INTERFACE, "bindinterface")                                            \
	CONFIG_KEYWORD(PROXY_COMMAND, "proxycommand")                                              \
	CONFIG_KEYWORD(PROXY_JUMP, "proxyjump")                                                    \
	CONFIG_KEYWORD(IP_QOS, "ipqos")                                                            \
	CONFIG_KEYWORD(KEX, "kexalgorithms")                                                       \
	CONFIG_KEYWORD(HOST_KEYS, "hostkeyalgorithms")                                             \
	CONFIG_KEYWORD(CIPHERS, "ciphers")                                                         \
	CONFIG_KEYWORD(MACS, "macs")                                                               \
	CONFIG_KEYWORD(IDENTITIES_ONLY, "identitiesonly")

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

struct ssh_config {
	struct config_setting setting[CONFIG_KEYWORD_COUNT];
};

extern const char *const config_keywords[CONFIG_KEYWORD_COUNT]; /* in lower case */

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

/* "~/.ssh/config:3: ProxyJump bastion" */
void config_describe(const struct config_setting *setting, char *text, size_t room);

#endif
