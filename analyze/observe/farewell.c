/* The server ends the conversation in SSH's own words: SSH_MSG_DISCONNECT (RFC 4253 11.1). */
#include "observe/farewell.h"

#include <string.h>

#include "observe/judge.h"
#include "observe/words.h"

enum { KEY_EXCHANGE_FAILED = 3, AUTH_CANCELLED_BY_USER = 13, ILLEGAL_USER_NAME = 15 };

/* RFC 4253 11.1, without what it calls reserved. */
static const char *reason_name(uint32_t reason)
{
	static const char *const names[] = {
		[1] = "host not allowed to connect",
		[2] = "protocol error",
		[KEY_EXCHANGE_FAILED] = "key exchange failed",
		[5] = "MAC error",
		[6] = "compression error",
		[7] = "service not available",
		[8] = "protocol version not supported",
		[9] = "host key not verifiable",
		[10] = "connection lost",
		[11] = "by application",
		[12] = "too many connections",
		[AUTH_CANCELLED_BY_USER] = "authentication cancelled by user",
		[14] = "no more authentication methods available",
		[ILLEGAL_USER_NAME] = "illegal user name",
	};
	bool known = reason < sizeof(names) / sizeof(names[0]) && names[reason] != NULL;
	return known ? names[reason] : "no known reason";
}

/* What packets show; the rest is encrypted, and the handshake heard it. */
static struct farewell farewell_of(const struct observation *o)
{
	const struct ssh_side *server = &o->kernel->connection->dialog.side[SSH_SERVER];
	const struct event *end = event_of(o, EVENT_SSH);
	if (server->disconnected)
		return (struct farewell){ .text = server->disconnect_text,
					  .reason = server->disconnect_reason };
	bool heard = end != NULL && (end->word == WORD_SSH_DISCONNECTED || end->value != 0);
	if (!heard)
		return (struct farewell){ 0 };
	return (struct farewell){ .text = end->detail,
				  .reason = (uint32_t)end->value,
				  .encrypted = true };
}

const char *farewell_words(const struct observation *o)
{
	struct farewell farewell = farewell_of(o);
	if (farewell.text == NULL)
		return NULL;
	return arena_format(o->arena, "\"%s\" (reason %u, %s)", farewell.text, farewell.reason,
			    reason_name(farewell.reason));
}

bool takes_leave(const struct observation *o)
{
	return farewell_of(o).text != NULL;
}

/* sshd's own word for it comes as a protocol error (auth_maxtries_exceeded() in its auth.c). */
bool takes_leave_of_user(const struct observation *o)
{
	struct farewell farewell = farewell_of(o);
	return farewell.encrypted &&
	       ((farewell.reason >= AUTH_CANCELLED_BY_USER &&
		 farewell.reason <= ILLEGAL_USER_NAME) ||
		strstr(farewell.text, "Too many authentication failures") != NULL);
}

void tell_leave(struct observation *o)
{
	bool of_kex = farewell_of(o).reason == KEY_EXCHANGE_FAILED;
	struct fact *fact =
		fact_set(o, of_kex ? ANSWER_SSH_NO_COMMON : ANSWER_SSH_LIMITED,
			 "the server identifies itself as %s, and ends the conversation in SSH's "
			 "own words: %s",
			 o->kernel->connection->dialog.side[SSH_SERVER].ident, farewell_words(o));
	fact_packet(fact, o->kernel->connection->server_data_frame);
	fact_packet(fact, o->kernel->connection->server_fin_frame);
	fact_packet(fact, o->kernel->connection->server_reset_frame);
}
