#include "user/proxy_command.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "user/ssh_names.h"

/* Hosts in ssh's own words, with nothing that means something to a shell. */
static bool is_plain(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.@:[]/,-";
	return text[0] != '-' && text[strspn(text, allowed)] == '\0';
}

/* ssh -W to the last of the jump hosts, through the others, as ssh itself does it; in batch
 * mode, since nobody is there to be asked. Why a channel does not open ssh says at INFO. */
static bool jump_command(const struct settings *settings, char *command, size_t room)
{
	const char *jumps = settings->proxy_jump, *comma = strrchr(jumps, ',');
	const char *last = comma != NULL ? comma + 1 : jumps;
	const char *scheme = strncasecmp(last, "ssh://", 6) == 0 ? "" : "ssh://";
	const char *file = settings->config_file;
	if (!is_plain(jumps) || !is_plain(settings->hostname) || strchr(file, '\'') != NULL)
		return false;
	int written = snprintf(
		command, room,
		"exec ssh%s%s%s -o BatchMode=yes -o LogLevel=INFO -o ConnectTimeout=4 -W '[%s]:%u' "
		"%s%.*s %s%s",
		file[0] != '\0' ? " -F '" : "", file, file[0] != '\0' ? "'" : "",
		settings->hostname, settings->port, comma != NULL ? "-J " : "",
		comma != NULL ? (int)(comma - jumps) : 0, jumps, scheme, last);
	return written > 0 && (size_t)written < room;
}

bool proxy_used(const struct settings *settings)
{
	return settings->proxy_jump[0] != '\0' || settings->proxy_command[0] != '\0';
}

static bool takes_names(const struct settings *settings)
{
	return ssh_takes_host(settings->hostname) && ssh_takes_host(settings->host) &&
	       ssh_takes_user(settings->user);
}

bool proxy_command(const struct settings *settings, const struct person *person, char *command,
		   size_t room)
{
	if (!proxy_used(settings) || !takes_names(settings))
		return false;
	if (settings->proxy_jump[0] != '\0')
		return jump_command(settings, command, room);
	int used = snprintf(command, room, "exec ");
	return settings_expand_tokens(settings, person, settings->proxy_command, command + used,
				      room - (size_t)used);
}
