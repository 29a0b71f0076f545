/* program: the person's own ssh, which this process starts and waits for, and otherwise leaves
 * alone: same terminal, streams, process group; it lives on when this process is killed. */
#ifndef PROBE_COMPANY_PROGRAM_H
#define PROBE_COMPANY_PROGRAM_H

#include <signal.h>

#include "sshwhy/error.h"
#include "user/person.h"

#define PROGRAM_WORDS 4096 /* at most */

/* Becomes `ssh WORDS...` in this process. Returns only when that cannot be; errno says why. */
void program_become(char *const *words, const struct person *person);

/* The same in a child, with `mask` as its blocked signals. -1 after filling `error`. Before
 * privilege is dropped: ssh may need programs that are set-uid. */
pid_t program_start(char *const *words, const struct person *person, const sigset_t *mask,
		    struct error *error);

/* Every right of this process but the person's own goes for good. Root stays root, or it could not
 * pass a signal on to root's ssh, and keeps the one capability that it takes to see which
 * connections are that ssh's, for that has them all (CAP_SYS_PTRACE). */
bool program_drop(const struct person *person, struct error *error);

/* Looks after it, when SIGCHLD came: true once it has ended, `code` being what a shell would say
 * (128 and the signal's number, where a signal killed it). When it has stopped by itself (~^Z),
 * this process stops too, or the shell that waits for it would wait for ever. */
bool program_ended(pid_t pid, int *code);

#endif
