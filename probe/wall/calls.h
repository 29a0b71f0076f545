/* calls: which system calls this process may make from now on (seccomp); the kernel ends it at any
 * other. A kernel without seccomp is not told, and lets all pass. */
#ifndef PROBE_WALL_CALLS_H
#define PROBE_WALL_CALLS_H

#include "sshwhy/error.h"

/* What reading files, writing to what is open, and memory take. All threads are held to it. */
bool calls_of_a_reader(struct error *error);

#endif
