/* calls: which system calls this process may make from now on (seccomp); the kernel ends it at any
 * other. A kernel without seccomp lets all pass. */
#ifndef PROBE_WALL_CALLS_H
#define PROBE_WALL_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "sshwhy/error.h"

/* What reading files, writing to what is open, and memory take. All threads are held to it. */
bool calls_of_a_reader(struct error *error);

/* Descriptors that frames are captured by: nothing is sent by them, and nothing about them set, but
 * perhaps their filters. */
struct captures {
	const int *fd;
	size_t count;
	bool refilters;
};

/* What talking on sockets that are there, capturing, saving and ending take. No file is opened. */
bool calls_of_a_listener(const struct captures *captures, struct error *error);

#endif
