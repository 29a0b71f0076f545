/* wall: what this process gives up for good before it reads what strangers wrote. Whoever makes it
 * run code of his own gets a process that can do little more than what it was started for.
 *
 * The kernel ends the process (SIGSYS) at a system call that the wall has no room for. Builds with
 * sanitizers or for coverage have no wall: those write and trace as they like.
 */
#ifndef PROBE_WALL_WALL_H
#define PROBE_WALL_WALL_H

#include <stdbool.h>
#include <stddef.h>

#include "sshwhy/error.h"

/* Whether the kernel has Landlock, without which seccomp alone guards files. To be asked before
 * there is a wall. */
bool wall_closes_files(void);

/* For who reads captures: these files (NULL among them is none) and what is open, and writes to
 * what is open. No socket, no other process, no code but what is loaded. */
bool wall_reader(const char *const *files, size_t count, struct error *error);

/* For who listens to the network, when privilege is dropped, and all is open and read that the rest
 * takes: what is open, and threads. No other file, socket, connection or process; from `captures`
 * nothing but frames, through the filters that they have or (`refilters`) are given. */
bool wall_listener(const int *captures, size_t count, bool refilters, struct error *error);

#endif
