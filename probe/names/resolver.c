#include "names/resolver.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "names/lookup.h"
#include "process/child.h"
#include "process/clock.h"
#include "user/privilege.h"

struct resolver {
	struct child child;
	int fd;	   /* -1: nobody is there any more */
	int count; /* questions asked */
	bool answered[RESOLVER_QUESTIONS];
	struct name_answer answer[RESOLVER_QUESTIONS];
};

/* -- the child: each thread takes questions from the same socket ------------------------- */

#define WORKERS	     RESOLVER_QUESTIONS
#define WORKER_STACK ((size_t)512 * 1024)

static const struct child_bounds bounds = {
	.memory = (size_t)256 * 1024 * 1024,
	.seconds = 10,
	.files = 4 * WORKERS,
	.multiplies = true,
};

static void answer_questions(int fd)
{
	struct name_question question;
	struct name_answer answer;

	for (;;) {
		ssize_t got = recv(fd, &question, sizeof(question), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(question) || !name_question_is_sound(&question))
			return;
		look_up(&question, &answer);
		(void)send(fd, &answer, sizeof(answer), MSG_NOSIGNAL);
	}
}

static void *work(void *fd)
{
	answer_questions(*(const int *)fd);
	return NULL;
}

/* Most probes have nothing to ask: the filter and the threads are made when there is a question,
 * and before it is read. */
static void await_question(int fd)
{
	char byte;
	while (recv(fd, &byte, sizeof(byte), MSG_PEEK) < 0 && errno == EINTR)
		;
}

/* As many as there may be; one is enough. */
static void start_workers(int *fd)
{
	pthread_attr_t small;
	pthread_t thread;

	if (pthread_attr_init(&small) != 0)
		return;
	(void)pthread_attr_setstacksize(&small, WORKER_STACK);
	(void)pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	for (int i = 1; i < WORKERS && pthread_create(&thread, &small, work, fd) == 0; i++)
		;
	pthread_attr_destroy(&small);
}

static int resolve_names(int fd, void *context)
{
	struct child_bounds enough = bounds;
	struct error ignored = { 0 };

	/* a heap for each thread would take 64 MiB of addresses */
	(void)mallopt(M_ARENA_MAX, 1);
	/* resolv.conf(5): a lost packet costs 5 s by default, which nobody has here. Who has set
	 * this knows better. */
	(void)setenv("RES_OPTIONS", "timeout:1 attempts:4", 0);
	if (!privilege_drop(context, &ignored) || !child_bound(&enough))
		return EXIT_FAILURE;
	await_question(fd);
	if (!child_forbid(CHILD_SOCKETS_NAMES))
		return EXIT_FAILURE;
	start_workers(&fd);
	enough.multiplies = false;
	if (!child_bound(&enough))
		return EXIT_FAILURE;
	answer_questions(fd);
	return EXIT_SUCCESS;
}

/* -- the parent ------------------------------------------------------------------------ */

struct resolver *resolver_start(const struct person *person, struct error *error)
{
	int ends[2] = { -1, -1 };
	struct person whom = *person;
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 ||
	    !child_start(&resolver->child, "sshwhy: names", ends[1], resolve_names, &whom)) {
		error_set(error, EXIT_UNAVAILABLE, "no process that asks name servers: %s",
			  strerror(errno));
		if (ends[0] >= 0)
			close(ends[0]);
		free(resolver);
		resolver = NULL;
	} else {
		resolver->fd = ends[0];
	}
	if (ends[1] >= 0)
		close(ends[1]);
	return resolver;
}

static void hang_up(struct resolver *resolver)
{
	if (resolver->fd >= 0)
		close(resolver->fd);
	resolver->fd = -1;
}

void resolver_dismiss(struct resolver *resolver)
{
	if (resolver != NULL)
		hang_up(resolver);
}

void resolver_end(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	hang_up(resolver);
	(void)child_end(&resolver->child);
	free(resolver);
}

int resolver_ask(struct resolver *resolver, const struct name_question *question)
{
	if (resolver == NULL || resolver->fd < 0 || resolver->count == RESOLVER_QUESTIONS)
		return -1;
	struct name_question numbered = *question;
	numbered.number = (uint32_t)resolver->count;
	if (send(resolver->fd, &numbered, sizeof(numbered), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -1;
	return resolver->count++;
}

static void take_answer(struct resolver *resolver, struct name_answer *answer)
{
	uint32_t number = answer->number;

	if (number >= (uint32_t)resolver->count || resolver->answered[number] ||
	    !name_answer_is_sound(answer))
		return;
	resolver->answer[number] = *answer;
	resolver->answered[number] = true;
}

/* Takes what is there. Who says something of another size is not listened to any more. */
static void take_answers(struct resolver *resolver)
{
	struct name_answer answer;

	while (resolver->fd >= 0) {
		ssize_t got = recv(resolver->fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got == sizeof(answer))
			take_answer(resolver, &answer);
		else
			hang_up(resolver);
	}
}

int resolver_wait(struct resolver *resolver, int number, int timeout_ms, int stop)
{
	if (resolver == NULL || number < 0 || number >= resolver->count)
		return EPIPE;
	int64_t until_ms = clock_ms() + timeout_ms;
	for (;;) {
		take_answers(resolver);
		if (resolver->answered[number])
			return 0;
		if (resolver->fd < 0)
			return EPIPE;
		int64_t left_ms = until_ms - clock_ms();
		struct pollfd wait[] = { { .fd = resolver->fd, .events = POLLIN },
					 { .fd = stop, .events = POLLIN } };
		if (left_ms <= 0)
			return ETIMEDOUT;
		bool failed = poll(wait, 2, (int)left_ms) < 0;
		if (failed && errno != EINTR) /* no signal of `stop` */
			return EPIPE;
		if (!failed && wait[1].revents != 0)
			return EINTR;
	}
}

const struct name_answer *resolver_answer(const struct resolver *resolver, int number)
{
	return &resolver->answer[number];
}
