#include "names/errand.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct errand {
	atomic_int owners; /* the sender, the thread */
	atomic_bool done;
	int told; /* eventfd: readable for good when it is done */
	void (*work)(void *parcel);
	alignas(max_align_t) unsigned char parcel[];
};

static void let_go(struct errand *errand)
{
	if (atomic_fetch_sub(&errand->owners, 1) != 1)
		return;
	close(errand->told);
	free(errand);
}

static void *run_errand(void *argument)
{
	struct errand *errand = argument;
	uint64_t one = 1;

	errand->work(errand->parcel);
	atomic_store(&errand->done, true);
	(void)!write(errand->told, &one, sizeof(one)); /* an eventfd at 0 always takes a 1 */
	let_go(errand);
	return NULL;
}

struct errand *errand_send(void (*work)(void *parcel), const void *parcel, size_t size)
{
	struct errand *errand = malloc(sizeof(*errand) + size);
	pthread_t thread;

	if (errand == NULL)
		return NULL;
	*errand = (struct errand){ .owners = 2, .work = work, .told = eventfd(0, EFD_CLOEXEC) };
	memcpy(errand->parcel, parcel, size);
	if (errand->told >= 0 && pthread_create(&thread, NULL, run_errand, errand) == 0) {
		pthread_detach(thread);
		return errand;
	}
	if (errand->told >= 0)
		close(errand->told);
	free(errand);
	return NULL;
}

int errand_wait(struct errand *errand, int timeout_ms, int stop)
{
	struct pollfd wait[] = { { .fd = errand->told, .events = POLLIN },
				 { .fd = stop, .events = POLLIN } };
	int ready = poll(wait, 2, timeout_ms);

	if (atomic_load(&errand->done))
		return 0;
	return ready == 0 ? ETIMEDOUT : EINTR;
}

const void *errand_parcel(const struct errand *errand)
{
	return errand->parcel;
}

void errand_leave(struct errand *errand)
{
	if (errand != NULL)
		let_go(errand);
}
