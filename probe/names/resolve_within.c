/* getaddrinfo knows neither deadlines nor descriptors, so it asks in a
 * thread, and both sides hold the question until the last of them lets go. */
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "names/resolve.h"

struct question {
	atomic_int owners;
	int answered; /* eventfd */
	char host[NI_MAXHOST];
	int family;
	struct resolution answer;
};

static void let_go(struct question *question)
{
	if (atomic_fetch_sub(&question->owners, 1) != 1)
		return;
	close(question->answered);
	free(question);
}

static void *ask(void *argument)
{
	struct question *question = argument;
	uint64_t one = 1;

	resolve(question->host, question->family, &question->answer);
	if (write(question->answered, &one, sizeof(one)) < 0)
		question->answer.count = 0; /* an eventfd at 0 always takes a 1 */
	let_go(question);
	return NULL;
}

static struct question *put(const char *host, int family)
{
	struct question *question = calloc(1, sizeof(*question));
	pthread_t thread;

	if (question == NULL)
		return NULL;
	question->owners = 2;
	question->family = family;
	snprintf(question->host, sizeof(question->host), "%s", host);
	question->answered = eventfd(0, EFD_CLOEXEC);
	if (question->answered >= 0 && pthread_create(&thread, NULL, ask, question) == 0) {
		pthread_detach(thread);
		return question;
	}
	question->owners = 1;
	let_go(question);
	return NULL;
}

static void give_up(struct resolution *out, bool stopped)
{
	memset(out, 0, sizeof(*out));
	out->error = stopped ? EAI_INTR : EAI_AGAIN;
	snprintf(out->text, sizeof(out->text), "%s",
		 stopped ? gai_strerror(EAI_INTR) : "the name servers do not answer");
}

static bool is_literal(const char *host)
{
	return host[0] == '[' || address_parse(host).family != 0;
}

void resolve_within(const char *host, int family, int timeout_ms, int stop, struct resolution *out)
{
	/* resolv.conf(5): a lost packet costs 5 s by default, which nobody has here. Who has set
	 * this knows better; the programs that are run later shall not have it. */
	bool ours = !is_literal(host) && getenv("RES_OPTIONS") == NULL &&
		    setenv("RES_OPTIONS", "timeout:1 attempts:4", 0) == 0;
	struct question *question = is_literal(host) ? NULL : put(host, family);

	if (question == NULL) { /* nothing to wait for, or no thread to wait in */
		resolve(host, family, out);
		if (ours)
			unsetenv("RES_OPTIONS");
		return;
	}
	struct pollfd wait[] = { { .fd = question->answered, .events = POLLIN },
				 { .fd = stop, .events = POLLIN } };
	bool stopped = poll(wait, 2, timeout_ms) < 0 || wait[1].revents != 0;
	if (ours)
		unsetenv("RES_OPTIONS");
	if ((wait[0].revents & POLLIN) != 0)
		*out = question->answer;
	else
		give_up(out, stopped);
	let_go(question);
}
