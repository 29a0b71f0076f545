#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "names/resolve.h"

/* "[2001:db8::1]" is how SPEC 1 writes an IPv6 literal with a port behind it. */
static void without_brackets(const char *host, char *out, size_t room)
{
	size_t length = strlen(host);

	if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
		snprintf(out, room, "%.*s", (int)(length - 2), host + 1);
	else
		snprintf(out, room, "%s", host);
}

static bool known(const struct resolution *out, const struct address *address)
{
	for (size_t i = 0; i < out->count; i++)
		if (address_equal(&out->address[i], address))
			return true;
	return false;
}

static void add(struct resolution *out, struct address address)
{
	size_t room = sizeof(out->address) / sizeof(out->address[0]);

	if (address.family != 0 && out->count < room && !known(out, &address))
		out->address[out->count++] = address;
}

static void fail(struct resolution *out, int error, int system_error)
{
	out->error = error;
	snprintf(out->text, sizeof(out->text), "%s",
		 error == EAI_SYSTEM ? strerror(system_error) : gai_strerror(error));
}

static void ask(const char *name, int family, struct resolution *out)
{
	/* no AI_ADDRCONFIG: ssh does without it too, and its answer is the one to explain */
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
	int error = getaddrinfo(name, NULL, &hints, &list);
	if (error != 0) {
		fail(out, error, errno);
		return;
	}
	for (const struct addrinfo *entry = list; entry != NULL; entry = entry->ai_next)
		add(out, address_from_sockaddr(entry->ai_addr, NULL));
	freeaddrinfo(list);
	if (out->count == 0)
		fail(out, EAI_NODATA, 0);
}

void resolve(const char *host, int family, struct resolution *out)
{
	char name[NI_MAXHOST];

	memset(out, 0, sizeof(*out));
	without_brackets(host, name, sizeof(name));
	struct address literal = address_parse(name);
	if (literal.family == 0) {
		ask(name, family, out);
		return;
	}
	out->literal = true;
	if (family == 0 || family == literal.family)
		add(out, literal);
	else
		fail(out, EAI_ADDRFAMILY, 0);
}
