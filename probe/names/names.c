#include "names/names.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct names {
	atomic_int owners;
	int answered;	      /* eventfd: something was */
	pthread_mutex_t lock; /* for what follows */
	size_t count, done;
	int64_t asked_ms; /* when the last was */
	struct row {
		struct address address;
		char name[NAME_LENGTH];
	} row[NAMES_MAX];
};

struct errand {
	struct names *names;
	size_t index;
	struct address address;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void let_go(struct names *names)
{
	if (atomic_fetch_sub(&names->owners, 1) != 1)
		return;
	close(names->answered);
	pthread_mutex_destroy(&names->lock);
	free(names);
}

struct names *names_new(void)
{
	struct names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return NULL;
	names->owners = 1;
	names->answered = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (names->answered >= 0 && pthread_mutex_init(&names->lock, NULL) == 0)
		return names;
	free(names);
	return NULL;
}

void names_close(struct names *names)
{
	if (names != NULL)
		let_go(names);
}

static void *run_errand(void *argument)
{
	struct errand *errand = argument;
	struct names *names = errand->names;
	struct sockaddr_storage socket;
	socklen_t length = address_to_sockaddr(&errand->address, 0, 0, &socket);
	char name[NAME_LENGTH] = "";
	uint64_t one = 1;

	if (getnameinfo((struct sockaddr *)&socket, length, name, sizeof(name), NULL, 0,
			NI_NAMEREQD) != 0)
		name[0] = '\0';
	pthread_mutex_lock(&names->lock);
	memcpy(names->row[errand->index].name, name, sizeof(name));
	names->done++;
	pthread_mutex_unlock(&names->lock);
	(void)!write(names->answered, &one, sizeof(one));
	let_go(names);
	free(errand);
	return NULL;
}

static void send_errand(struct names *names, size_t index)
{
	struct errand *errand = malloc(sizeof(*errand));
	pthread_t thread;

	if (errand != NULL) {
		*errand = (struct errand){ names, index, names->row[index].address };
		atomic_fetch_add(&names->owners, 1);
		if (pthread_create(&thread, NULL, run_errand, errand) == 0) {
			pthread_detach(thread);
			return;
		}
		atomic_fetch_sub(&names->owners, 1);
		free(errand);
	}
	names->done++; /* nobody will answer it */
}

void names_ask(struct names *names, const struct address *address)
{
	if (names == NULL || address->family == 0)
		return;
	pthread_mutex_lock(&names->lock);
	bool known = names->count == NAMES_MAX;
	for (size_t i = 0; i < names->count; i++)
		known |= address_equal(&names->row[i].address, address);
	if (!known) {
		names->row[names->count].address = *address;
		names->asked_ms = now_ms();
		send_errand(names, names->count++);
	}
	pthread_mutex_unlock(&names->lock);
}

static bool all_answered(struct names *names)
{
	pthread_mutex_lock(&names->lock);
	bool all = names->done == names->count;
	pthread_mutex_unlock(&names->lock);
	return all;
}

void names_wait(struct names *names, int patience_ms)
{
	if (names == NULL)
		return;
	int64_t until = names->asked_ms + patience_ms; /* only this thread asks */
	struct pollfd answered = { .fd = names->answered, .events = POLLIN };
	while (!all_answered(names)) {
		uint64_t count;
		int64_t left = until - now_ms();
		if (left <= 0 || poll(&answered, 1, (int)left) < 0)
			return;
		(void)!read(names->answered, &count, sizeof(count));
	}
}

bool names_get(struct names *names, size_t index, struct address *address, char name[NAME_LENGTH])
{
	if (names == NULL)
		return false;
	pthread_mutex_lock(&names->lock);
	bool there = index < names->count;
	if (there) {
		*address = names->row[index].address;
		memcpy(name, names->row[index].name, NAME_LENGTH);
	}
	pthread_mutex_unlock(&names->lock);
	return there;
}
