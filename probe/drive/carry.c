#include "drive/carry.h"

#include <sys/socket.h>

#include "drive/tell.h"
#include "user/proxy_command.h"

/* Through a ProxyCommand nothing is connected; to a jump host it is. */
static bool connects(const struct consulted *consulted)
{
	return consulted->outcome == CONSULT_TOLD &&
	       (consulted->by_jump || !proxy_used(&consulted->target));
}

void carry_prepare(const struct consulted *consulted, const char *host_keys_first,
		   const struct person *person, size_t count, struct opinion *opinion[])
{
	for (size_t i = 0; i < count; i++)
		opinion[i] = connects(consulted)
				     ? opinion_start(&consulted->settings, host_keys_first, person)
				     : NULL;
}

static void tell_over(struct session *session, const struct session_socket *s)
{
	if (!opinion_spoke(session->opinion))
		tell_limit(session, "the connection as the person's own ssh makes it",
			   "that ssh says nothing");
	tell_event(session, (struct event){ .kind = EVENT_SSH,
					    .local_port = s->local_port,
					    .word = WORD_SSH_CLOSED });
}

/* ssh has said its first word long ago; it waits in the socket. */
void carry_begin(struct session_socket *s)
{
	s->carried = true;
}

void carry_on(struct session *session, struct session_socket *s)
{
	s->carried = opinion_carry(session->opinion, s->fd);
	if (s->carried)
		return;
	(void)shutdown(s->fd, SHUT_WR);
	tell_over(session, s);
}
