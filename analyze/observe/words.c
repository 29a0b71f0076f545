#include "observe/words.h"

#include <string.h>

#include "observe/chance.h"
#include "observe/judge.h"
#include "observe/proof.h"
#include "ssh/ident.h"

const struct event *event_of(const struct observation *o, enum event_kind kind)
{
	return find_event_of(o->run, kind, o->kernel->local_port);
}

enum event_word handshake_end(const struct observation *o)
{
	const struct event *end = event_of(o, EVENT_SSH);
	return end != NULL ? end->word : WORD_NONE;
}

bool works_unseen(const struct observation *o)
{
	return o->kernel != NULL && o->kernel->sent_count == 0 && o->kernel->connection == NULL &&
	       event_of(o, EVENT_AUTH) != NULL;
}

bool waited(const struct observation *o, int64_t since_ns, int64_t patience)
{
	const struct connection *c = o->kernel->connection;
	int64_t until = watched_until(o);
	if (o->frames_lost)
		return false;
	if (c->client_end_ns != 0 && c->client_end_ns < until)
		until = c->client_end_ns;
	return since_ns != 0 && until - since_ns >= patience;
}

/* -- the end ------------------------------------------------------------------------ */

bool is_open(const struct observation *o)
{
	return o->kernel->connection->server_end_ns == 0;
}

/* In somebody else's capture, the client may be silent until sshd loses its patience
 * (LoginGraceTime): an end so long after the last word is no answer to it. */
#define ENDED_PROMPTLY MILLISECONDS(20000)

/* Whether the server ended it, by itself: not after the client had, nor for its silence. */
bool server_ended(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	if (c->server_end_ns == 0 || o->run->planned)
		return c->server_end_ns != 0;
	if (c->client_end_ns != 0 && c->client_end_ns < c->server_end_ns)
		return false;
	int64_t heard_ns =
		c->client_data_ns > c->server_data_ns ? c->client_data_ns : c->server_data_ns;
	return c->server_data_ns == 0 || c->dialog.side[SSH_CLIENT].milestone >= SSH_KEXINIT ||
	       c->server_end_ns - heard_ns < ENDED_PROMPTLY;
}

bool server_ended_first(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return server_ended(o) && (c->client_end_ns == 0 || c->server_end_ns <= c->client_end_ns);
}

const char *end_text(const struct connection *c)
{
	return c->server_reset_frame != 0 ? "reset" : "closed";
}

/* -- the client's first words --------------------------------------------------------- */

bool client_is_acknowledged(const struct observation *o)
{
	return o->kernel->connection->client_acked_frame != 0;
}

bool client_is_unacknowledged(const struct observation *o)
{
	return o->kernel->connection->client_data_frame != 0 && !client_is_acknowledged(o);
}

/* The client's identification is not acknowledged, nor will it be: so many copies, over so long,
 * are not lost by chance. */
bool identification_unheard(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return client_is_unacknowledged(o) && waited(o, c->client_data_ns, HEARING_PATIENCE) &&
	       unheard_for_good(o, c->client_data_sent);
}

/* -- whether it can be read ------------------------------------------------------------ */

/* What the server says begins with "SSH-", as far as the capture holds it: where packets are cut to
 * the usual 68 bytes, two bytes of the first line are left. */
bool begins_like_ssh(const struct observation *o)
{
	const struct ssh_side *server = &o->kernel->connection->dialog.side[SSH_SERVER];
	size_t length = strlen(server->first_line);
	return server->milestone >= SSH_IDENTIFIED ||
	       (server->milestone == SSH_TALKING && !server->not_ssh && length >= 2 &&
		strncmp(server->first_line, "SSH-", length < 4 ? length : 4) == 0);
}

/* One side acknowledges words of the other that the capture does not hold. One more than
 * there are is the end of the connection (RFC 9293 3.4). */
static bool words_are_missed(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct stream *server = &c->stream[SSH_SERVER];
	uint32_t heard = c->server_heard - c->server_first;
	if (server->length < SSH_STREAM_MAX && heard > server->length + 1)
		return true;
	/* Whoever takes keys into use has had the other's (RFC 4253 7.3): by another way, as with
	 * multipath TCP, or the capture lacks it. */
	if (!o->run->planned && c->dialog.side[SSH_CLIENT].milestone == SSH_NEWKEYS &&
	    c->dialog.side[SSH_SERVER].milestone < SSH_KEXINIT)
		return true;
	return !o->run->planned && (int32_t)(c->server_acked - c->client_next) > 1;
}

static bool speaks_version_2(const struct ssh_side *side)
{
	return side->milestone < SSH_IDENTIFIED || ident_is_version_2(side->ident);
}

bool words_are_readable(const struct observation *o)
{
	const struct ssh_side *server = &o->kernel->connection->dialog.side[SSH_SERVER];
	const struct ssh_side *client = &o->kernel->connection->dialog.side[SSH_CLIENT];
	return !server->cut && !words_are_missed(o) && !client->not_ssh &&
	       speaks_version_2(server) && speaks_version_2(client);
}

bool words_are_damaged(const struct observation *o)
{
	const struct ssh_dialog *dialog = &o->kernel->connection->dialog;
	return dialog->side[SSH_SERVER].malformed || dialog->side[SSH_CLIENT].malformed;
}

/* Later bytes came, or the server acknowledges from behind them (RFC 9293 3.4: an
 * acknowledgement stands at SND.NXT). */
uint32_t server_bytes_missing(const struct connection *c)
{
	const struct stream *stream = &c->stream[SSH_SERVER];
	uint32_t claimed = c->server_claimed - c->server_first;
	if (stream->cut || stream->length == SSH_STREAM_MAX) /* nobody looks at more */
		return 0;
	if (stream->spans > 0)
		return stream->span[0].from - stream->length;
	return sequence_after(claimed, stream->length) ? claimed - stream->length : 0;
}
