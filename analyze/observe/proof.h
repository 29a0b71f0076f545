/* proof: what must be seen for a silence to count in a capture that somebody else made; asked by
 * every question about silence. Of a live run all of it holds: the probe knows what it sent.
 *
 * A filter, a sampler or a late start leaves packets out, and what is left looks like silence. But
 * who misses an answer says so: TCP repeats what is not acknowledged (RFC 6298; a SYN after a
 * second). And who watched for long enough has seen something later.
 */
#ifndef OBSERVE_PROOF_H
#define OBSERVE_PROOF_H

#include "observe/observation.h"

/* The client has not heard of an answer to its SYN that came at `answered_ns` (0: none did): it
 * repeats it after that. */
bool syn_is_missed(const struct observation *o, const struct exchange *exchange,
		   int64_t answered_ns);

/* The server has not heard of what it said: it repeats it. */
bool server_is_missed(const struct observation *o);

/* The conversation was certainly watched until then. */
int64_t watched_until(const struct observation *o);

/* It is not the client who has to speak next. */
bool is_servers_turn(const struct observation *o);

#endif
