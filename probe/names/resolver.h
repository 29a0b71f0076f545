/* resolver: a process that asks name servers; started and ended by the drive, asked by
 * resolve_within() and names_ask().
 *
 * What name servers say is parsed by the C library and its modules (nsswitch.conf(5)), which
 * know no deadlines either. So a child does it, as the person or as nobody, without any
 * capability, with little memory, forbidden what name resolution does not need. Threads of it
 * ask side by side: no silent name server holds the others up. Its answers are not believed:
 * they are plain values of a fixed size, each checked.
 */
#ifndef PROBE_NAMES_RESOLVER_H
#define PROBE_NAMES_RESOLVER_H

#include "names/question.h"
#include "sshwhy/error.h"
#include "user/person.h"

#define RESOLVER_QUESTIONS 32 /* in all; each has a thread of its own */

struct resolver;

/* Forks: before anything is opened that is nobody else's business. NULL: there is no process for
 * it. */
struct resolver *resolver_start(const struct person *person, struct error *error);

/* Kills it, whatever it waits for. NULL is fine, here and below. */
/* Tells it to end, which takes the kernel some milliseconds. Nothing is asked any more. */
void resolver_dismiss(struct resolver *resolver); /* NULL is fine */
void resolver_end(struct resolver *resolver);

/* The number by which its answer is had; -1: nobody will answer. The question's own number is not
 * looked at. */
int resolver_ask(struct resolver *resolver, const struct name_question *question);

/* Waits for an answer: 0; ETIMEDOUT after `timeout_ms`; EINTR at once when the descriptor `stop`
 * (-1: none) becomes readable; EPIPE when none will come: the process has ended. */
int resolver_wait(struct resolver *resolver, int number, int timeout_ms, int stop);

/* Only after resolver_wait() gave 0. */
const struct name_answer *resolver_answer(const struct resolver *resolver, int number);

#endif
