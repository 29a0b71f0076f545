#include "craft/delivery.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sshwhy/shortage.h"

static int send_segment(const struct delivery_session *session, const struct action *action)
{
	struct craft_segment segment = {
		.source_port = action->local_port,
		.destination_port = action->remote_port,
		.sequence = action->sequence,
		.acknowledgement = action->acknowledgement,
		.flags = action->flags,
		.ttl = action->ttl,
		.tos = action->tos,
		.ip_id = action->ip_id,
		.window = action->window,
		.fragment = action->fragment,
		.plain = action->plain,
		.has_timestamp = action->has_timestamp,
		.timestamp_value = action->timestamp_value,
		.timestamp_echo = action->timestamp_echo,
		.payload = action->payload,
		.payload_length = action->payload_length,
	};
	return craft_send(session->craft, action->way, &segment);
}

/* Whoever talks on the connection has the socket too: ours would keep it open after theirs. */
static int connect_socket(struct delivery_session *session, const struct action *action)
{
	int *socket = &session->socket[action->local_port - session->licence.kernel_ports];
	const struct peer *peer = action->to_reference ? &session->reference : &session->target;
	struct sockaddr_storage remote;
	socklen_t length =
		address_to_sockaddr(&peer->address, action->remote_port, peer->scope, &remote);
	int segment_max = action->segment_max, error = 0;
	if (segment_max != 0 &&
	    setsockopt(*socket, IPPROTO_TCP, TCP_MAXSEG, &segment_max, sizeof(segment_max)) != 0)
		error = ERROR_UNTOLD;
	else if (connect(*socket, (struct sockaddr *)&remote, length) != 0)
		error = errno;
	close(*socket);
	*socket = -1;
	return error;
}

static bool has_means(const struct delivery_session *session, const struct action *action)
{
	if (action->kind == ACTION_SEND)
		return session->craft != NULL;
	unsigned index = action->local_port - (unsigned)session->licence.kernel_ports;
	return index < PLAN_KERNEL_PORTS && session->socket[index] >= 0;
}

static bool take_action(struct delivery_session *session, const struct letter *letter,
			size_t length, int *error)
{
	struct action action;
	if (!letter_read(letter, length, &action) || !has_means(session, &action) ||
	    !licence_covers(&session->licence, &action))
		return false;
	*error = action.kind == ACTION_SEND ? send_segment(session, &action)
					    : connect_socket(session, &action);
	return true;
}

/* It is found once: who could tell another one later could choose who gets our frames. */
static bool take_next_hop(struct delivery_session *session, const struct letter *letter,
			  size_t length)
{
	int payload = letter_payload(length);
	if (payload < 0 || session->next_hop_told || session->craft == NULL)
		return false;
	session->next_hop_told = true;
	craft_link_address(session->craft, letter->payload, (size_t)payload);
	return true;
}

static bool take(struct delivery *delivery, const struct letter *letter, size_t length, int *error)
{
	if (letter_payload(length) < 0 || letter->session >= delivery->count)
		return false;
	struct delivery_session *session = &delivery->session[letter->session];
	if (letter->kind == LETTER_NEXT_HOP)
		return take_next_hop(session, letter, length);
	return take_action(session, letter, length, error);
}

struct receipt delivery_take(struct delivery *delivery, const struct letter *letter, size_t length)
{
	int error = 0;
	if (!take(delivery, letter, length, &error)) {
		error = EPERM;
		delivery->refused++;
	}
	return (struct receipt){ .error = error, .refused = delivery->refused };
}
