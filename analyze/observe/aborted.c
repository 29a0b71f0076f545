/* The conversation is ended by this machine itself, or was ended for it before it began. */
#include <errno.h>
#include <string.h>

#include "observe/judge.h"
#include "observe/words.h"
#include "sshwhy/shortage.h"

bool is_unconnected(const struct observation *o)
{
	return connects(o) && o->kernel->connection == NULL && o->kernel->sent_count > 0;
}

/* It ran out of what a client needs: the client does not know that it is connected, or there is
 * none. How a server takes such silence is no fact about SSH. */
bool takes_no_part(const struct observation *o)
{
	const struct event *end = event_of(o, EVENT_SSH);
	return (o->kernel->answered && is_shortage(ASKED_CONNECT, o->kernel->connect_error)) ||
	       (end != NULL && is_shortage(ASKED_CONNECT, end->error));
}

/* No packet makes connect() say so: another process has taken the socket away (tcp_abort() of
 * Linux, which sock_diag's SOCK_DESTROY calls). */
bool socket_is_destroyed(const struct observation *o)
{
	return o->kernel->connect_error == ECONNABORTED;
}

void tell_destroyed(struct observation *o)
{
	fact_packet(fact_set(o, ANSWER_SSH_ABORTED,
			     "connect() fails after %.0f ms, \"%s\": this machine ends its own "
			     "connection, and no packet asks for it",
			     (double)(o->kernel->answered_ns - o->kernel->opened_ns) / 1e6,
			     strerror(ECONNABORTED)),
		    o->kernel->sent[0].frame);
}

/* A reset answers the SYN before the SYN-ACK comes: a server sends one or the other. */
bool reset_forestalls(const struct observation *o)
{
	return opening(o->kernel)->reply == REPLY_RESET;
}

void tell_forestalled(struct observation *o)
{
	struct fact *fact =
		fact_set(o, ANSWER_SSH_CUT,
			 "a reset answers the SYN, and then the server's SYN-ACK comes: "
			 "the server has not sent both");
	fact_packet(fact, opening(o->kernel)->reply_frame);
	fact_packet(fact, o->kernel->connection->syn_ack_frame);
}

bool ends_on_loopback(const struct observation *o)
{
	return o->kernel->connection->server_end_local;
}

void tell_ended_on_loopback(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	bool reset = c->server_reset_frame != 0;
	fact_packet(fact_set(o, ANSWER_SSH_ABORTED,
			     "a %s in the server's name comes from this machine itself: it is on "
			     "the loopback interface, not on the wire",
			     reset ? "reset" : "FIN"),
		    reset ? c->server_reset_frame : c->server_fin_frame);
}

/* What the kernel told the client of the end, and when. */
static int error_told(const struct observation *o, int64_t *told_ns)
{
	const struct event *end = event_of(o, EVENT_SSH);
	*told_ns = end != NULL ? end->time_ns : o->kernel->answered_ns;
	return end != NULL ? end->error : o->kernel->connect_error;
}

/* A reset goes out that nobody asked for: neither the server, which has ended nothing, nor
 * the client, which learns of the end by it. */
bool resets_itself(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	int64_t told_ns;
	return error_told(o, &told_ns) != 0 && c->client_reset_frame != 0 && is_open(o) &&
	       c->client_end_ns <= told_ns;
}

void tell_reset_itself(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	int64_t told_ns;
	fact_packet(fact_set(o, ANSWER_SSH_ABORTED,
			     "this machine resets its own connection after %.0f ms, \"%s\"; "
			     "nothing that came asks for it",
			     (double)(c->client_end_ns - opening(o->kernel)->time_ns) / 1e6,
			     strerror(error_told(o, &told_ns))),
		    c->client_reset_frame);
}
