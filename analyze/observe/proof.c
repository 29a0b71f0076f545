#include "observe/proof.h"

/* A copy so soon is one that the capture, or the network, has doubled. */
#define REPEATED_AFTER MILLISECONDS(500)
_Static_assert(REPEATED_AFTER > LOCAL_PATIENCE, "the kernel has had its time for the answer");

static bool is_repeated(const struct exchange *exchange, unsigned first, int64_t after_ns)
{
	const struct sent *syn = &exchange->sent[first];
	for (unsigned i = first + 1; i < exchange->sent_count; i++) {
		const struct sent *copy = &exchange->sent[i];
		if (!copy->data && copy->sequence == syn->sequence &&
		    copy->time_ns - syn->time_ns >= REPEATED_AFTER &&
		    (after_ns == 0 || copy->time_ns - after_ns >= LOCAL_PATIENCE))
			return true;
	}
	return false;
}

bool syn_is_missed(const struct observation *o, const struct exchange *exchange,
		   int64_t answered_ns)
{
	if (o->run->planned)
		return true;
	for (unsigned i = 0; i < exchange->sent_count; i++)
		if (!exchange->sent[i].data && is_repeated(exchange, i, answered_ns))
			return true;
	return false;
}

bool server_is_missed(const struct observation *o)
{
	return o->run->planned || o->kernel->connection->server_repeated > 0;
}

/* What this machine captures now is cut by nobody. */
int64_t watched_until(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	bool whole = o->run->planned || o->run->interface != NULL;
	return whole || c->last_ns > o->now_ns ? o->now_ns : c->last_ns;
}

bool is_servers_turn(const struct observation *o)
{
	return !o->kernel->connection->server_spoke_last || server_is_missed(o);
}
