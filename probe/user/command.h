/* command: a program of the person's, run beside the probe; started and ended by proxy.c and by
 * consult.c.
 *
 * Between the two stands a keeper, a child that gives up every privilege before it runs
 * anything, as privilege_drop() does. What the command starts, in whatever session, becomes the
 * keeper's child once its own parent is gone (PR_SET_CHILD_SUBREAPER). When the leash, a socket
 * pair, is let go, which SIGKILL does too, the keeper ends all of them and then itself. So nothing
 * outlives the probe, and the probe need not be allowed to end what it started.
 */
#ifndef PROBE_USER_COMMAND_H
#define PROBE_USER_COMMAND_H

#include "user/person.h"

struct command {
	pid_t keeper;
	struct ends {
		int input, output, complaints; /* of the command's 0, 1 and 2 */
		int leash;
	} ends; /* -1: closed already */
};

struct command_wish {
	const char *const *words;	/* the program, looked for in PATH, and its arguments */
	const char *const *environment; /* NULL: this process's own, as that person */
	/* Whom it runs as; when the person is root, nobody. NULL: as whom this process has become,
	 * which has dropped its privileges. */
	const struct person *person;
	bool alone;	/* it can start no other program */
	bool converses; /* its 2 is a socket, and goes both ways */
};

/* False: it cannot be run. A program that is not there ends without a word. */
bool command_start(struct command *command, const struct command_wish *wish);

/* Ends all that came of it and closes the ends. Waits for that, but not for ever. */
void command_end(struct command *command);

#endif
