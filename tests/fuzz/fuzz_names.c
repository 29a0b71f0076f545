/* Both ends of the resolver: a question as its process takes it, and name servers' answers to it;
 * an answer as the probe takes it. The C library's part is played. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "expect.h"
#include "fuzz.h"
#include "names/lookup.h"
#include "names/names.h"
#include "names/resolve.h"
#include "patch.h"

/* -- the C library, played ---------------------------------------------------------------- */

static struct cursor servers; /* what name servers say */

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		       struct addrinfo **out);
void __wrap_freeaddrinfo(struct addrinfo *list);
int __wrap_getnameinfo(const struct sockaddr *address, socklen_t length, char *name, socklen_t room,
		       char *service, socklen_t service_room, int flags);

struct node {
	struct addrinfo entry;
	struct sockaddr_storage address;
};

static struct addrinfo *next_entry(struct addrinfo *next)
{
	struct node *node = calloc(1, sizeof(*node));
	struct address address = { 0 };
	expect(node != NULL);
	patch(&address, sizeof(address), &servers);
	address.family = address.family % 2 == 0 ? 4 : 6;
	node->entry.ai_next = next;
	node->entry.ai_addr = (struct sockaddr *)&node->address;
	node->entry.ai_addrlen = address_to_sockaddr(&address, 0, 0, &node->address);
	return &node->entry;
}

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		       struct addrinfo **out)
{
	expect(strlen(name) < NI_MAXHOST && service == NULL);
	expect(hints->ai_family == AF_UNSPEC || hints->ai_family == AF_INET ||
	       hints->ai_family == AF_INET6);
	*out = NULL;
	unsigned count = cursor_u8(&servers);
	if (count >= 128)
		return (int)count - 256;
	for (; count > 0 && servers.left > 0; count--)
		*out = next_entry(*out);
	return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
	while (list != NULL) {
		struct addrinfo *next = list->ai_next;
		free(list); /* of a node the first */
		list = next;
	}
}

int __wrap_getnameinfo(const struct sockaddr *address, socklen_t length, char *name, socklen_t room,
		       char *service, socklen_t service_room, int flags)
{
	(void)service, (void)service_room, (void)flags;
	uint8_t said = cursor_u8(&servers);
	expect(address_from_sockaddr(address, NULL).family != 0 && length > 0);
	if (said >= 128)
		return said - 256;
	memset(name, 'x', room); /* whole room, were it not for the end */
	patch(name, room - 1, &servers);
	name[room - 1] = '\0';
	return 0;
}

/* -- the channel, played ------------------------------------------------------------------- */

static struct name_answer answer;
static bool answered;

int resolver_ask(struct resolver *resolver, const struct name_question *question)
{
	(void)resolver;
	expect(memchr(question->name, '\0', sizeof(question->name)) != NULL);
	return 0;
}

int resolver_wait(struct resolver *resolver, int number, int timeout_ms, int stop)
{
	(void)resolver, (void)number, (void)timeout_ms, (void)stop;
	return answered ? 0 : EPIPE;
}

const struct name_answer *resolver_answer(const struct resolver *resolver, int number)
{
	(void)resolver, (void)number;
	return &answer;
}

/* -- the two ends ----------------------------------------------------------------------------- */

static void take_name(void)
{
	char name[NAME_LENGTH];
	bool confirmed;
	struct address address = address_parse("198.51.100.1");
	/* somebody is there: it is not looked at */
	struct names names = { .resolver = (struct resolver *)(uintptr_t)&answer };
	names_ask(&names, &address);
	expect(names_get(&names, 0, &address, name, &confirmed));
	expect(memchr(name, '\0', sizeof(name)) != NULL);
	expect(!confirmed || answered);
}

static void take_addresses(int family)
{
	struct resolution resolution;
	char text[ADDRESS_TEXT];
	resolve_within(NULL, "vm.example", family, 0, -1, &resolution);
	expect(resolution.error != 0 || resolution.count > 0);
	expect(resolution.count <= ADDRESSES_MAX);
	expect(memchr(resolution.text, '\0', sizeof(resolution.text)) != NULL);
	for (size_t i = 0; i < resolution.count; i++)
		expect(address_text(&resolution.address[i], text) != NULL);
}

static void take_answer(void)
{
	answered = name_answer_is_sound(&answer);
	take_name();
	take_addresses(0);
}

static void ask(struct cursor *input, bool endless)
{
	struct name_question *question = calloc(1, sizeof(*question));
	expect(question != NULL);
	if (endless)
		memset(question->name, 'x', sizeof(question->name));
	else
		memcpy(question->name, "vm.example", sizeof("vm.example"));
	patch(question, sizeof(*question), input);
	servers = *input;
	if (name_question_is_sound(question)) {
		look_up(question, &answer);
		expect(name_answer_is_sound(&answer));
		take_answer();
	}
	free(question);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	answer = (struct name_answer){ .name = "r1.example" };
	uint8_t way = cursor_u8(&input);
	if (way % 2 == 0) {
		ask(&input, way & 2);
		return 0;
	}
	answer.count = 2;
	answer.address[0] = address_parse("10.1.0.4");
	answer.address[1] = address_parse("2001:db8::4");
	patch(&answer, sizeof(answer), &input);
	take_answer();
	return 0;
}
