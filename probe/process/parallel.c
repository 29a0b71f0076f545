#include "process/parallel.h"

#include <pthread.h>
#include <stdbool.h>

enum { MOST = 8 }; /* threads; a probe has five sockets to close */

static void *run_task(void *argument)
{
	const struct task *task = argument;

	task->run(task->context);
	return NULL;
}

void parallel(const struct task *tasks, size_t count)
{
	pthread_t thread[MOST];
	bool running[MOST] = { false };

	for (size_t i = 1; i < count && i < MOST; i++)
		running[i] = pthread_create(&thread[i], NULL, run_task, (void *)&tasks[i]) == 0;
	for (size_t i = 0; i < count; i++)
		if (i >= MOST || !running[i])
			tasks[i].run(tasks[i].context);
	for (size_t i = 0; i < MOST; i++)
		if (running[i])
			pthread_join(thread[i], NULL);
}
