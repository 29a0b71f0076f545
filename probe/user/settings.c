#include "user/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sshwhy/memory.h"
#include "sshwhy/ssh.h"

/* -- the rows of `ssh -G` -------------------------------------------------------------- */

enum kind {
	TEXT,	 /* as it is */
	OR_NONE, /* "none" means that there is none */
	NUMBER,
	FLAG,
};

#define ROW(kind, keyword, member)                                                                 \
	{                                                                                          \
		kind, keyword, offsetof(struct settings, member),                                  \
			sizeof(((struct settings *)NULL)->member)                                  \
	}

static const struct row {
	enum kind kind;
	const char *keyword;
	size_t offset, room;
} rows[] = {
	ROW(TEXT, "hostname", hostname),
	ROW(TEXT, "user", user),
	ROW(OR_NONE, "bindaddress", bind_address),
	ROW(OR_NONE, "bindinterface", bind_interface),
	ROW(OR_NONE, "proxyjump", proxy_jump),
	ROW(OR_NONE, "proxycommand", proxy_command),
	ROW(TEXT, "ipqos", ip_qos),
	ROW(NUMBER, "connecttimeout", connect_timeout),
	ROW(NUMBER, "connectionattempts", connection_attempts),
	ROW(FLAG, "tcpkeepalive", tcp_keep_alive),
	ROW(TEXT, "kexalgorithms", kex),
	ROW(TEXT, "hostkeyalgorithms", host_keys),
	ROW(TEXT, "ciphers", ciphers),
	ROW(TEXT, "macs", macs),
	ROW(FLAG, "compression", compression),
	ROW(TEXT, "rekeylimit", rekey_limit),
	ROW(NUMBER, "requiredrsasize", required_rsa_bits),
	ROW(OR_NONE, "hostkeyalias", host_key_alias),
	ROW(TEXT, "stricthostkeychecking", strict_host_keys),
	ROW(OR_NONE, "userknownhostsfile", user_known),
	ROW(OR_NONE, "globalknownhostsfile", global_known),
	ROW(FLAG, "checkhostip", check_host_ip),
	ROW(TEXT, "canonicalizehostname", canonicalize),
	ROW(OR_NONE, "canonicaldomains", canonical_domains),
	ROW(TEXT, "pubkeyacceptedalgorithms", pubkey_algorithms),
	ROW(TEXT, "pubkeyacceptedkeytypes", pubkey_algorithms), /* before OpenSSH 8.5 */
	ROW(FLAG, "identitiesonly", identities_only),
	ROW(TEXT, "identityagent", identity_agent),
	ROW(TEXT, "preferredauthentications", preferred_authentications),
	ROW(TEXT, "pubkeyauthentication", pubkey_authentication),
	ROW(FLAG, "passwordauthentication", password_authentication),
	ROW(FLAG, "kbdinteractiveauthentication", keyboard_authentication),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void *member_of(struct settings *settings, const struct row *row)
{
	return (char *)settings + row->offset;
}

static bool is_word(const char *value, const char *word)
{
	return strcasecmp(value, word) == 0;
}

/* The first number of the value; what is none ("none") is 0. */
static unsigned number_of(const char *value)
{
	unsigned long number = strtoul(value, NULL, 10);
	return value[0] < '0' || value[0] > '9' ? 0 : number > 1000000 ? 1000000 : (unsigned)number;
}

static void take_value(struct settings *settings, const struct row *row, const char *value)
{
	void *member = member_of(settings, row);
	bool none = row->kind == OR_NONE && is_word(value, "none");
	switch (row->kind) {
	case TEXT:
	case OR_NONE:
		if (strlen(value) < row->room)
			snprintf(member, row->room, "%s", none ? "" : value);
		break;
	case NUMBER:
		*(unsigned *)member = number_of(value);
		break;
	case FLAG:
		*(bool *)member = is_word(value, "yes") || is_word(value, "true");
		break;
	}
}

static void add_path(char (*paths)[SETTINGS_PATH_MAX], size_t *count, size_t most,
		     const char *value)
{
	if (*count < most && strlen(value) < SETTINGS_PATH_MAX && !is_word(value, "none"))
		snprintf(paths[(*count)++], SETTINGS_PATH_MAX, "%s", value);
}

static uint8_t family_named(const char *value)
{
	return is_word(value, "inet") ? 4 : is_word(value, "inet6") ? 6 : 0;
}

/* Those that are no plain value. */
static bool take_special(struct settings *settings, const char *keyword, const char *value)
{
	if (is_word(keyword, "port")) {
		unsigned port = number_of(value);
		settings->port = port <= UINT16_MAX ? (uint16_t)port : 0;
	} else if (is_word(keyword, "addressfamily")) {
		settings->family = family_named(value);
	} else if (is_word(keyword, "identityfile")) {
		add_path(settings->identity, &settings->identity_count, SETTINGS_IDENTITIES_MAX,
			 value);
	} else if (is_word(keyword, "certificatefile")) {
		add_path(settings->certificate, &settings->certificate_count,
			 SETTINGS_CERTIFICATES_MAX, value);
	} else {
		return false;
	}
	return true;
}

static void take_line(struct settings *settings, char *line)
{
	size_t length = strcspn(line, " ");
	const char *value = line + length + (line[length] == ' ');
	line[length] = '\0';
	if (take_special(settings, line, value))
		return;
	for (size_t i = 0; i < ROWS; i++)
		if (is_word(line, rows[i].keyword))
			take_value(settings, &rows[i], value);
}

/* Every dump says these two; nothing can be asked without them. */
static bool is_whole(const struct settings *settings)
{
	return settings->hostname[0] != '\0' && settings->port != 0;
}

bool settings_read(struct settings *settings, const char *text, size_t length)
{
	struct settings told = *settings;
	char *rest = NULL;
	if (length > SETTINGS_TEXT_MAX)
		return false;
	char *copy = strndup(text, length);
	if (copy == NULL)
		out_of_memory();
	told.hostname[0] = '\0';
	told.port = 0;
	told.identity_count = told.certificate_count = 0;
	for (char *line = strtok_r(copy, "\r\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\r\n", &rest))
		take_line(&told, line);
	free(copy);
	if (is_whole(&told))
		*settings = told;
	return is_whole(&told);
}

/* -- without ssh ------------------------------------------------------------------------- */

static void copy_text(char *out, size_t room, const char *text)
{
	if (text != NULL && strlen(text) < room)
		snprintf(out, room, "%s", text);
}

static void assume_identities(struct settings *settings)
{
	/* ssh_config(5), IdentityFile */
	static const char *const names[] = { "id_rsa",	   "id_ecdsa",	    "id_ecdsa_sk",
					     "id_ed25519", "id_ed25519_sk", "id_xmss",
					     "id_dsa" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		snprintf(settings->identity[settings->identity_count++], SETTINGS_PATH_MAX,
			 "~/.ssh/%s", names[i]);
}

void settings_assume(struct settings *settings, const struct typed *typed,
		     const struct person *person)
{
	const char *port = typed_first(typed, 'p'), *user = typed_first(typed, 'l');
	*settings = (struct settings){ .family = (uint8_t)typed_family(typed),
				       .ip_qos = "ef none", /* of OpenSSH since 10.1 */
				       .connection_attempts = 1,
				       .tcp_keep_alive = true,
				       .required_rsa_bits = 1024,
				       .strict_host_keys = "ask",
				       .user_known = "~/.ssh/known_hosts ~/.ssh/known_hosts2",
				       .global_known = "/etc/ssh/ssh_known_hosts "
						       "/etc/ssh/ssh_known_hosts2",
				       .canonicalize = "false",
				       .pubkey_authentication = "true",
				       .password_authentication = true,
				       .keyboard_authentication = true };
	copy_text(settings->host, sizeof(settings->host), typed->host);
	copy_text(settings->config_file, sizeof(settings->config_file), typed_last(typed, 'F'));
	copy_text(settings->hostname, sizeof(settings->hostname), typed->host);
	copy_text(settings->user, sizeof(settings->user), person->name);
	copy_text(settings->user, sizeof(settings->user),
		  user != NULL		   ? user
		  : typed->user[0] != '\0' ? typed->user
					   : NULL);
	settings->port = port != NULL	    ? (uint16_t)number_of(port)
			 : typed->port != 0 ? typed->port
					    : SSH_PORT;
	copy_text(settings->bind_address, sizeof(settings->bind_address), typed_last(typed, 'b'));
	copy_text(settings->bind_interface, sizeof(settings->bind_interface),
		  typed_last(typed, 'B'));
	copy_text(settings->proxy_jump, sizeof(settings->proxy_jump), typed_last(typed, 'J'));
	assume_identities(settings);
}

/* -- from another process ------------------------------------------------------------------ */

static bool ends(const void *text, size_t room)
{
	return memchr(text, '\0', room) != NULL;
}

/* A bool that is neither 0 nor 1 is nothing that C knows. */
static bool is_flag(const void *member)
{
	return *(const unsigned char *)member <= 1;
}

static bool row_is_sound(const struct settings *settings, const struct row *row)
{
	const char *member = (const char *)settings + row->offset;
	return row->kind == NUMBER ||
	       (row->kind == FLAG ? is_flag(member) : ends(member, row->room));
}

bool settings_sound(const struct settings *settings)
{
	bool sound = ends(settings->host, sizeof(settings->host)) &&
		     ends(settings->config_file, sizeof(settings->config_file)) &&
		     is_whole(settings) &&
		     (settings->family == 0 || settings->family == 4 || settings->family == 6) &&
		     settings->identity_count <= SETTINGS_IDENTITIES_MAX &&
		     settings->certificate_count <= SETTINGS_CERTIFICATES_MAX;
	for (size_t i = 0; sound && i < ROWS; i++)
		sound = row_is_sound(settings, &rows[i]);
	for (size_t i = 0; sound && i < settings->identity_count; i++)
		sound = ends(settings->identity[i], SETTINGS_PATH_MAX);
	for (size_t i = 0; sound && i < settings->certificate_count; i++)
		sound = ends(settings->certificate[i], SETTINGS_PATH_MAX);
	return sound;
}

/* -- paths ------------------------------------------------------------------------------------ */

static bool append_text(char *out, size_t room, const char *text)
{
	size_t used = strlen(out);
	return (size_t)snprintf(out + used, room - used, "%s", text) < room - used;
}

/* ssh_config(5), TOKENS. */
static const char *token_value(const struct settings *settings, const struct person *person,
			       const char *port, char letter)
{
	switch (letter) {
	case '%':
		return "%";
	case 'd':
		return person->home;
	case 'h':
		return settings->hostname;
	case 'n':
		return settings->host;
	case 'p':
		return port;
	case 'r':
		return settings->user;
	case 'u':
		return person->name;
	default:
		return NULL;
	}
}

bool settings_expand_tokens(const struct settings *settings, const struct person *person,
			    const char *value, char *out, size_t room)
{
	char port[8];
	snprintf(port, sizeof(port), "%u", settings->port);
	out[0] = '\0';
	for (; *value != '\0'; value++) {
		char plain[2] = { *value, '\0' };
		const char *text = plain;
		if (*value == '%')
			text = token_value(settings, person, port, *++value);
		if (text == NULL || !append_text(out, room, text))
			return false;
	}
	return true;
}

bool settings_expand(const struct settings *settings, const struct person *person,
		     const char *value, char *out, size_t room)
{
	bool home = value[0] == '~' && value[1] == '/';
	size_t used = home ? (size_t)snprintf(out, room, "%s", person->home) : 0;
	if (used >= room || (value[0] == '~' && !home) || strchr(value, '$') != NULL)
		return false; /* somebody else's home; a variable of ssh's environment */
	return settings_expand_tokens(settings, person, value + home, out + used, room - used);
}
