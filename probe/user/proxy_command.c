#include "user/proxy_command.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "user/ssh_names.h"

struct target {
	const char *host, *port, *user, *typed, *home, *local_user;
};

static const char *token_value(const struct target *target, char letter)
{
	switch (letter) {
	case '%':
		return "%";
	case 'h':
		return target->host;
	case 'n':
		return target->typed;
	case 'p':
		return target->port;
	case 'r':
		return target->user;
	case 'u':
		return target->local_user;
	case 'd':
		return target->home;
	default:
		return NULL;
	}
}

/* ssh_config(5), TOKENS: those that a ProxyCommand takes and that can be known here. */
static bool expand_tokens(const char *text, const struct target *target, char *out, size_t room)
{
	size_t used = 0;
	for (; *text != '\0'; text++) {
		char plain[2] = { *text, '\0' };
		const char *piece = *text == '%' ? token_value(target, *++text) : plain;
		if (piece == NULL)
			return false;
		size_t length = strlen(piece);
		if (length >= room - used)
			return false;
		memcpy(out + used, piece, length);
		used += length;
	}
	out[used] = '\0';
	return true;
}

static const char *value_of(const struct config_reader *reader, enum config_keyword keyword,
			    const char *otherwise)
{
	const struct config_setting *setting = &reader->config->setting[keyword];
	return setting->set && setting->certain ? setting->value : otherwise;
}

/* Hosts in ssh's own words, with nothing that means something to a shell. */
static bool is_plain(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.@:[]/,-";
	return text[0] != '-' && text[strspn(text, allowed)] == '\0';
}

/* ssh -W to the last of the jump hosts, through the others, as ssh itself does it; in batch
 * mode, since nobody is there to be asked. */
static bool jump_command(const char *jumps, const struct target *target, char *command, size_t room)
{
	const char *comma = strrchr(jumps, ',');
	const char *last = comma != NULL ? comma + 1 : jumps;
	const char *scheme = strncasecmp(last, "ssh://", 6) == 0 ? "" : "ssh://";
	if (!is_plain(jumps) || !is_plain(target->host))
		return false;
	int written =
		snprintf(command, room,
			 "exec ssh -o BatchMode=yes -o ConnectTimeout=4 -W '[%s]:%s' %s%.*s %s%s",
			 target->host, target->port, comma != NULL ? "-J " : "",
			 comma != NULL ? (int)(comma - jumps) : 0, jumps, scheme, last);
	return written > 0 && (size_t)written < room;
}

bool proxy_command(const struct config_reader *reader, uint16_t port, char *command, size_t room)
{
	const struct config_setting *setting = config_proxy(reader->config);
	if (setting == NULL || !setting->certain)
		return false;
	char number[8];
	const char *user = value_of(reader, CONFIG_USER, reader->local_user);
	snprintf(number, sizeof(number), "%u", port);
	struct target target = { .host = value_of(reader, CONFIG_HOST_NAME, reader->host),
				 .port = number,
				 .user = reader->user != NULL ? reader->user : user,
				 .typed = reader->host,
				 .home = reader->home,
				 .local_user = reader->local_user };
	if (!ssh_takes_host(target.host) || !ssh_takes_host(target.typed) ||
	    !ssh_takes_user(target.user))
		return false;
	if (setting == &reader->config->setting[CONFIG_PROXY_JUMP])
		return jump_command(setting->value, &target, command, room);
	int used = snprintf(command, room, "exec ");
	return expand_tokens(setting->value, &target, command + used, room - (size_t)used);
}
