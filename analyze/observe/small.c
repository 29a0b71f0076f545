#include "observe/small.h"

const struct exchange *small_conversation(const struct observation *o)
{
	size_t i = 0;
	return track_next(o->track, PURPOSE_SMALL, &i);
}

enum small_outcome small_outcome(const struct observation *o)
{
	const struct exchange *small = small_conversation(o);
	if (small == NULL)
		return SMALL_UNTRIED;
	const struct connection *c = small->connection;
	if (c != NULL && c->dialog.side[SSH_SERVER].milestone >= SSH_NEWKEYS)
		return SMALL_FURTHER;
	int64_t patience =
		o->facts->paths.far_end.lost > 0 ? LOSSY_TIMES * SMALL_PATIENCE : SMALL_PATIENCE;
	bool over =
		(c != NULL && c->server_end_ns != 0) || o->now_ns - small->opened_ns >= patience;
	return over ? SMALL_NO_FURTHER : SMALL_OPEN;
}
