/* How far the conversation comes, where the capture does not hold what is said: by its lengths. */
#include "observe/judge.h"
#include "observe/words.h"
#include "ssh/ident.h"

/* Of RFC 4253: identifications, KEXINIT, two rounds of a key exchange at most, the service and
 * the first word of authentication. So many turns are not had without encryption, nor with so
 * few bytes. */
#define TURNS_OF_SERVER	  5
#define TURNS_OF_CLIENT	  4
#define LENGTH_OF_KEXINIT 400

static uint32_t said_bytes(const struct connection *c, enum ssh_peer peer)
{
	return peer == SSH_SERVER ? c->server_next - c->server_first
				  : c->client_next - c->client_first;
}

static bool goes_on_past_key_exchange(const struct connection *c)
{
	return c->flights[SSH_SERVER] >= TURNS_OF_SERVER &&
	       c->flights[SSH_CLIENT] >= TURNS_OF_CLIENT &&
	       said_bytes(c, SSH_SERVER) >= LENGTH_OF_KEXINIT &&
	       said_bytes(c, SSH_CLIENT) >= LENGTH_OF_KEXINIT;
}

/* What is said is SSH: its first bytes show it, or, where the capture lacks these, the port does.
 */
static bool is_ssh_by_lengths(const struct observation *o)
{
	const struct ssh_dialog *dialog = &o->kernel->connection->dialog;
	bool unread = dialog->side[SSH_SERVER].milestone == SSH_SILENT && o->run->port == SSH_PORT;
	return !o->run->planned && !dialog->side[SSH_CLIENT].not_ssh &&
	       (unread || begins_like_ssh(o));
}

bool goes_on_by_lengths(const struct observation *o)
{
	return is_ssh_by_lengths(o) && goes_on_past_key_exchange(o->kernel->connection);
}

void tell_goes_on_by_lengths(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	struct fact *fact =
		fact_set(o, ANSWER_TALK_GOES_ON,
			 "what is said is not in the capture whole; by its lengths (%u bytes of "
			 "the client's "
			 "in %u turns, %u of the server's in %u) it goes on past the key exchange",
			 said_bytes(c, SSH_CLIENT), c->flights[SSH_CLIENT],
			 said_bytes(c, SSH_SERVER), c->flights[SSH_SERVER]);
	fact_packet(fact, c->client_data_frame);
	fact_packet(fact, c->server_data_frame);
}

/* The server has said its identification and no more (the capture holds its version at least), and
 * then somebody ends the connection. */
bool is_cut_by_lengths(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	bool all_there = (int32_t)(c->server_heard - c->server_next) <= 1 &&
			 (int32_t)(c->server_acked - c->client_next) <= 1;
	return is_ssh_by_lengths(o) && ident_is_version_2(c->dialog.side[SSH_SERVER].first_line) &&
	       server_ended(o) && c->client_data_frame != 0 &&
	       said_bytes(c, SSH_SERVER) <= SSH_IDENT_MAX && c->flights[SSH_SERVER] == 1 &&
	       all_there;
}

void tell_cut_by_lengths(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	struct fact *fact = fact_set(o, ANSWER_SSH_CUT,
				     "the server says %u bytes that begin as its identification "
				     "does; the connection is %s when the client has spoken",
				     said_bytes(c, SSH_SERVER), end_text(c));
	fact_packet(fact, c->server_data_frame);
	fact_packet(fact, c->client_data_frame);
	fact_packet(fact, c->server_reset_frame);
	fact_packet(fact, c->server_fin_frame);
}
