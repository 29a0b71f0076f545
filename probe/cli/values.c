/* Option values from text. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "sshwhy/ssh.h"
#include "user/ssh_names.h"

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

/* Where the host part ends, and where the port begins (NULL: there is none). */
static bool split_target(const char *text, const char **host, size_t *length, const char **port)
{
	const char *colon = strchr(text, ':');
	*host = text;
	*port = NULL;
	if (text[0] == '[') {
		const char *end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		*host = text + 1;
		*length = (size_t)(end - text - 1);
		*port = end[1] == ':' ? end + 2 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		*length = (size_t)(colon - text);
		*port = colon + 1;
	} else { /* a name, or an IPv6 literal */
		*length = strlen(text);
	}
	return *length > 0 && *length < 256;
}

/* Of all literals, those that no VM can have. */
static bool is_one_host(const struct address *address)
{
	static const struct address everybody = { 4, { 255, 255, 255, 255 } },
				    any = { .family = 6 };
	const uint8_t first = address->bytes[0];
	if (address->family == 4)
		return first != 0 && (first & 0xf0) != 0xe0 && !address_equal(address, &everybody);
	return address->family != 6 || (first != 0xff && !address_equal(address, &any));
}

bool parse_target(const char *text, char **host, uint16_t *port, struct error *error)
{
	const char *start, *port_text;
	size_t length;
	*port = SSH_PORT;
	if (!split_target(text, &start, &length, &port_text))
		return error_set(error, EXIT_USAGE, "\"%s\" is no HOST[:PORT]", text);
	if (port_text != NULL && !parse_port(port_text, strlen(port_text), port))
		return error_set(error, EXIT_USAGE, "\"%s\" is no port", port_text);
	*host = strndup(start, length);
	if (*host == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "%s", strerror(errno));
	if (!ssh_takes_host(*host))
		return error_set(error, EXIT_USAGE, "\"%s\" is no name that ssh takes for a host",
				 *host);
	struct address literal = address_of_literal(*host);
	if (!is_one_host(&literal))
		return error_set(error, EXIT_USAGE, "\"%s\" is not the address of one host", *host);
	return true;
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

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);
	return a > b && strcasecmp(text + a - b, end) == 0;
}

enum deployment deployment_of(const char *host)
{
	if (ends_with(host, ".cloudapp.net"))
		return DEPLOYMENT_CLASSIC;
	return ends_with(host, ".cloudapp.azure.com") ? DEPLOYMENT_ARM : DEPLOYMENT_UNKNOWN;
}
