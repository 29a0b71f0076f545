/* child: a process of the probe's own that does one thing with fewer rights; started by the
 * resolver and the inventory.
 *
 * It is tied by a leash, a pipe of which it holds one end. When the other end is let go, which
 * the death of whoever holds it does too, the kernel kills the child, whatever it is doing. So
 * nothing outlives the probe, and the probe needs no right to signal what it started.
 */
#ifndef PROBE_PROCESS_CHILD_H
#define PROBE_PROCESS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int leash;
};

/* What the child has to do, with the one descriptor that it was given. It ends when this
 * returns; the exit code is what this returns. */
typedef int child_work(int fd, void *context);

/* Forks. The child is called `name`, cannot be looked into by others of its user, and holds no
 * descriptor but `fd`, its leash, and /dev/null as standard streams: a copy of a socket of the
 * probe's would keep the socket alive. `fd` stays open here. False: there is no child. */
bool child_start(struct child *child, const char *name, int fd, child_work *work, void *context);

/* Kills it, if it has not ended, and waits for that, but not for ever. As child_wait(). */
int child_end(struct child *child);

/* Waits until it has ended by itself: its exit code, or the negative number of the signal that
 * killed it. */
int child_wait(struct child *child);

/* What this process takes for itself from now on, at most. */
struct child_bounds {
	size_t memory;	  /* bytes of address space; 0: unbounded */
	unsigned seconds; /* of processor time */
	unsigned files;	  /* descriptors, those open now among them */
	bool multiplies;  /* it still starts threads or processes */
	bool writes;	  /* files may grow */
};

/* Besides, nothing is dumped. Bounds are only ever drawn tighter. */
bool child_bound(const struct child_bounds *bounds);

/* -- what this process asks the kernel for no more (seccomp) ------------------------------ */

/* False: this kernel has no seccomp filters. What follows then holds nothing back, and succeeds. */
bool child_can_forbid(void);

enum child_sockets {
	CHILD_SOCKETS_NONE,
	CHILD_SOCKETS_NETFILTER, /* netlink to nftables */
	CHILD_SOCKETS_NAMES,	 /* what name resolution opens: TCP, UDP, UNIX, routes */
};

/* No program is run, no process looked into, nothing mounted, loaded or traced: who tries is
 * killed. Nothing is opened for writing, changed or removed, and no sockets are made but these:
 * who tries is refused. What may not be foreseen (modules of name resolution, a C library of
 * another age) is allowed. Needs no_new_privs; holds for threads that are started later. */
bool child_forbid(enum child_sockets sockets);

/* No process is started: who tries is refused. Holds across exec. Needs no_new_privs. */
bool child_stay_alone(void);

#endif
