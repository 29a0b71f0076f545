/* words: what the packets show of what both sides of the kernel's connection said, and of how it
 * ended; asked by the conversation's files (conversation, greeting, kex, sizes, lengths, aborted,
 * key).
 */
#ifndef OBSERVE_WORDS_H
#define OBSERVE_WORDS_H

#include "observe/observation.h"

/* What was noted of the kernel's connection; NULL: nothing. */
const struct event *event_of(const struct observation *o, enum event_kind kind);

/* How the probe's own handshake ended; WORD_NONE: it has not, or was not tried. */
enum event_word handshake_end(const struct observation *o);

/* The handshake reaches authentication, and no packet of it is seen. */
bool works_unseen(const struct observation *o);

/* Whether what is said can be judged. Not when the capture lacks words of it, nor when one
 * side speaks no SSH 2: how far they came is not known then, nor what an end or a silence
 * means. */
bool words_are_readable(const struct observation *o);

/* Whether what one side says is no SSH any more: a packet has an impossible length or list. */
bool words_are_damaged(const struct observation *o);

/* How many bytes the server has sent that do not come. */
uint32_t server_bytes_missing(const struct connection *c);

/* How the server ended it: "reset" or "closed". */
const char *end_text(const struct connection *c);

/* Whether `patience` has passed since `since_ns`, with the client there all the while. */
bool waited(const struct observation *o, int64_t since_ns, int64_t patience);

#endif
