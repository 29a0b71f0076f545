/* Option values from text. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "sshwhy/ssh.h"
#include "user/typed.h"

static bool parse_port(const char *text, size_t length, uint16_t *port)
{
	unsigned value = 0;
	if (length == 0 || length > 5)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*port = (uint16_t)value;
	return value >= 1 && value <= UINT16_MAX;
}

bool parse_target(const char *text, char **host, uint16_t *port, struct error *error)
{
	char name[NI_MAXHOST];
	*port = SSH_PORT;
	if (!typed_host(text, name, port, error))
		return false;
	*host = strdup(name);
	return *host != NULL || error_set(error, EXIT_UNAVAILABLE, "%s", strerror(errno));
}

bool parse_name(const char *option, const char *text, const char *const *names, int count,
		int *value, struct error *error)
{
	for (*value = 0; *value < count; ++*value)
		if (strcmp(text, names[*value]) == 0)
			return true;
	*value = 0;
	return error_set(error, EXIT_USAGE, "--%s does not know \"%s\"", option, text);
}

bool parse_ports(const char *text, uint16_t *ports, size_t room, size_t *count, struct error *error)
{
	for (*count = 0;; ++*count) {
		size_t length = strcspn(text, ",");
		if (*count == room)
			return error_set(error, EXIT_USAGE, "more than %zu ports", room);
		if (!parse_port(text, length, &ports[*count]))
			return error_set(error, EXIT_USAGE, "\"%s\" is no list of ports", text);
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	++*count;
	return true;
}

bool parse_seconds(const char *text, int64_t *ns, struct error *error)
{
	char *end;
	errno = 0;
	double seconds = strtod(text, &end);
	if (errno != 0 || end == text || *end != '\0' || !(seconds > 0 && seconds <= 3600))
		return error_set(error, EXIT_USAGE, "\"%s\" is no time in seconds (0 to 3600)",
				 text);
	*ns = (int64_t)(seconds * 1e9);
	return true;
}
