#include "names/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names/errand.h"

/* "[2001:db8::1]" is how an IPv6 literal is written with a port behind it (RFC 3986 3.2.2). */
static void without_brackets(const char *host, char *out, size_t room)
{
	size_t length = strlen(host);

	if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
		snprintf(out, room, "%.*s", (int)(length - 2), host + 1);
	else
		snprintf(out, room, "%s", host);
}

static bool has_address(const struct resolution *out, const struct address *address)
{
	for (size_t i = 0; i < out->count; i++)
		if (address_equal(&out->address[i], address))
			return true;
	return false;
}

static void add_address(struct resolution *out, struct address address)
{
	size_t room = sizeof(out->address) / sizeof(out->address[0]);

	if (address.family != 0 && out->count < room && !has_address(out, &address))
		out->address[out->count++] = address;
}

static void set_failure(struct resolution *out, int error, int system_error)
{
	out->error = error;
	snprintf(out->text, sizeof(out->text), "%s",
		 error == EAI_SYSTEM ? strerror(system_error) : gai_strerror(error));
}

static void look_up(const char *name, int family, struct resolution *out)
{
	/* no AI_ADDRCONFIG: ssh does without it too, and its answer is the one to explain */
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
	int error = getaddrinfo(name, NULL, &hints, &list);
	if (error != 0) {
		set_failure(out, error, errno);
		return;
	}
	for (const struct addrinfo *entry = list; entry != NULL; entry = entry->ai_next)
		add_address(out, address_from_sockaddr(entry->ai_addr, NULL));
	freeaddrinfo(list);
	if (out->count == 0)
		set_failure(out, EAI_NODATA, 0);
}

struct question {
	char name[NI_MAXHOST];
	int family;
	struct resolution answer;
};

static void ask_question(void *parcel)
{
	struct question *question = parcel;

	look_up(question->name, question->family, &question->answer);
}

static void give_up(struct resolution *out, bool stopped)
{
	out->error = stopped ? EAI_INTR : EAI_AGAIN;
	snprintf(out->text, sizeof(out->text), "%s",
		 stopped ? gai_strerror(EAI_INTR) : "the name servers do not answer");
}

/* getaddrinfo knows neither deadlines nor descriptors: it asks in a thread. */
static void ask_within(struct question *question, int timeout_ms, int stop, struct resolution *out)
{
	struct errand *errand = errand_send(ask_question, question, sizeof(*question));
	int outcome = errand != NULL ? errand_wait(errand, timeout_ms, stop) : 0;

	if (errand == NULL) /* no thread to wait in */
		ask_question(question);
	else if (outcome == 0)
		memcpy(question, errand_parcel(errand), sizeof(*question));
	errand_leave(errand);
	if (outcome == 0)
		*out = question->answer;
	else
		give_up(out, outcome == EINTR);
}

static void take_literal(struct address literal, int family, struct resolution *out)
{
	out->literal = true;
	if (family == 0 || family == literal.family)
		add_address(out, literal);
	else
		set_failure(out, EAI_ADDRFAMILY, 0);
}

void resolve_within(const char *host, int family, int timeout_ms, int stop, struct resolution *out)
{
	struct question question = { .family = family };

	memset(out, 0, sizeof(*out));
	without_brackets(host, question.name, sizeof(question.name));
	struct address literal = address_of_literal(question.name);
	if (literal.family != 0) {
		take_literal(literal, family, out);
		return;
	}
	/* resolv.conf(5): a lost packet costs 5 s by default, which nobody has here. Who has set
	 * this knows better; the programs that are run later shall not have it. */
	bool ours = getenv("RES_OPTIONS") == NULL &&
		    setenv("RES_OPTIONS", "timeout:1 attempts:4", 0) == 0;
	ask_within(&question, timeout_ms, stop, out);
	if (ours)
		unsetenv("RES_OPTIONS");
}
