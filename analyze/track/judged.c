/* Which of a run's conversations is judged. */
#include "sshwhy/exchange.h"

const struct exchange *track_library(const struct track *track)
{
	const struct exchange *exchange, *last = NULL;
	for (size_t i = 0; (exchange = track_next(track, PURPOSE_SSH, &i)) != NULL;)
		if (exchange->way == WAY_KERNEL || exchange->way == WAY_UNKNOWN)
			last = exchange;
	return last;
}

bool connection_is_keyed(const struct connection *c)
{
	return c != NULL && (c->dialog.side[SSH_SERVER].milestone >= SSH_NEWKEYS ||
			     c->encrypted[SSH_SERVER] > 0);
}

/* For a reason of its own, then: nobody on the way has ended it. */
static bool client_ended_first(const struct connection *c)
{
	return c != NULL && c->client_end_ns != 0 &&
	       (c->server_end_ns == 0 || c->client_end_ns < c->server_end_ns);
}

/* Where no packet of the one is seen, none of the other is. */
static bool comes_through_unseen(const struct exchange *kernel)
{
	return kernel->connection == NULL;
}

/* ssh's own comes less far than the library's does, or has yet to come as far. */
static bool is_behind(const struct exchange *opinion, const struct exchange *kernel)
{
	const struct connection *c = opinion->connection;
	return kernel != NULL && kernel->reaches_auth && !comes_through_unseen(kernel) &&
	       !connection_is_keyed(c) && !client_ended_first(c);
}

const struct exchange *track_judged(const struct track *track)
{
	size_t first = 0;
	const struct exchange *kernel = track_library(track);
	const struct exchange *opinion = track_next(track, PURPOSE_OPINION, &first);
	return opinion != NULL && is_behind(opinion, kernel) ? opinion : kernel;
}
