#include "names/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sshwhy/shortage.h"

static bool has_address(const struct name_answer *out, const struct address *address)
{
	for (size_t i = 0; i < out->count; i++)
		if (address_equal(&out->address[i], address))
			return true;
	return false;
}

static void add_address(struct name_answer *out, struct address address)
{
	if (address.family != 0 && out->count < ADDRESSES_MAX && !has_address(out, &address))
		out->address[out->count++] = address;
}

/* Then getaddrinfo() says that the name servers do not answer, and they were not asked. */
static bool is_out_of_descriptors(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 && is_shortage(ASKED_FILE, errno);
}

static void look_up_name(const char *name, int family, struct name_answer *out)
{
	/* no AI_ADDRCONFIG: ssh does without it too, and its answer is the one to explain */
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
	out->error = getaddrinfo(name, NULL, &hints, &list);
	out->system_error = out->error == EAI_SYSTEM ? errno : 0;
	if (out->error == EAI_AGAIN && is_out_of_descriptors()) {
		out->error = EAI_SYSTEM;
		out->system_error = errno;
	}
	if (out->error != 0)
		return;
	for (const struct addrinfo *entry = list; entry != NULL; entry = entry->ai_next)
		add_address(out, address_from_sockaddr(entry->ai_addr, NULL));
	freeaddrinfo(list);
}

/* Whoever holds an address says what it is called; only who holds the name says that it is so.
 * With a dot behind it, it is looked for in no domain of ours (resolv.conf(5), search). */
static bool is_confirmed(const char *name, const struct address *address)
{
	char absolute[NAME_LENGTH + 1];
	struct name_answer forward = { 0 };

	snprintf(absolute, sizeof(absolute), "%s.", name);
	look_up_name(absolute, address->family, &forward);
	return has_address(&forward, address);
}

static void look_up_address(const struct address *address, struct name_answer *out)
{
	struct sockaddr_storage socket;
	socklen_t length = address_to_sockaddr(address, 0, 0, &socket);

	out->error = getnameinfo((struct sockaddr *)&socket, length, out->name, sizeof(out->name),
				 NULL, 0, NI_NAMEREQD);
	if (out->error != 0)
		out->name[0] = '\0';
	else
		out->confirmed = is_confirmed(out->name, address);
}

void look_up(const struct name_question *question, struct name_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->number = question->number;
	if (question->address.family != 0)
		look_up_address(&question->address, answer);
	else
		look_up_name(question->name, question->family, answer);
}
