#include "names/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "[2001:db8::1]" is how an IPv6 literal is written with a port behind it (RFC 3986 3.2.2). */
static void without_brackets(const char *host, char *out, size_t room)
{
	size_t length = strlen(host);

	if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
		snprintf(out, room, "%.*s", (int)(length - 2), host + 1);
	else
		snprintf(out, room, "%s", host);
}

static void set_failure(struct resolution *out, int error, const char *text)
{
	out->error = error;
	snprintf(out->text, sizeof(out->text), "%s", text);
}

/* Written as IPv6, an IPv4 address is one of either family (getaddrinfo(3)). */
static bool is_of_family(const char *text, struct address literal, int family)
{
	bool mapped = literal.family == 4 && strchr(text, ':') != NULL;
	return family == 0 || family == literal.family || mapped;
}

static void take_literal(const char *text, struct address literal, int family,
			 struct resolution *out)
{
	out->literal = true;
	if (!is_of_family(text, literal, family)) {
		set_failure(out, EAI_ADDRFAMILY, gai_strerror(EAI_ADDRFAMILY));
		return;
	}
	out->address[0] = literal;
	out->count = 1;
}

static void take_answer(const struct name_answer *answer, struct resolution *out)
{
	if (answer->error == EAI_SYSTEM)
		set_failure(out, EAI_SYSTEM, strerror(answer->system_error));
	else if (answer->error != 0)
		set_failure(out, answer->error, gai_strerror(answer->error));
	else if (answer->count == 0)
		set_failure(out, EAI_NODATA, gai_strerror(EAI_NODATA));
	if (out->error != 0)
		return;
	memcpy(out->address, answer->address, sizeof(out->address));
	out->count = answer->count;
}

void resolve_within(struct resolver *resolver, const char *host, int family, int timeout_ms,
		    int stop, struct resolution *out)
{
	struct name_question question = { .family = family };

	memset(out, 0, sizeof(*out));
	without_brackets(host, question.name, sizeof(question.name));
	struct address literal = address_of_literal(question.name);
	if (literal.family != 0) {
		take_literal(question.name, literal, family, out);
		return;
	}
	int number = resolver_ask(resolver, &question);
	switch (resolver_wait(resolver, number, timeout_ms, stop)) {
	case 0:
		take_answer(resolver_answer(resolver, number), out);
		break;
	case ETIMEDOUT:
		set_failure(out, EAI_AGAIN, "the name servers do not answer");
		break;
	case EINTR:
		set_failure(out, EAI_INTR, gai_strerror(EAI_INTR));
		break;
	default:
		set_failure(out, EAI_SYSTEM, "no process that asks name servers");
	}
}
