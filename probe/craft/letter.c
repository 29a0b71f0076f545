#include "craft/letter.h"

#include <stddef.h>
#include <string.h>

enum { HEAD = offsetof(struct letter, payload) };

enum letter_mark {
	MARK_REFERENCE = 1,
	MARK_FRAGMENT = 2,
	MARK_PLAIN = 4,
	MARK_TIMESTAMP = 8,
};

static uint8_t marks_of(const struct action *action)
{
	return (uint8_t)((action->to_reference ? MARK_REFERENCE : 0) |
			 (action->fragment ? MARK_FRAGMENT : 0) | (action->plain ? MARK_PLAIN : 0) |
			 (action->has_timestamp ? MARK_TIMESTAMP : 0));
}

static size_t put_payload(struct letter *letter, const uint8_t *bytes, size_t length)
{
	if (length > sizeof(letter->payload))
		return 0;
	if (length != 0)
		memcpy(letter->payload, bytes, length);
	return HEAD + length;
}

size_t letter_of_action(struct letter *letter, size_t session, const struct action *action)
{
	memset(letter, 0, HEAD);
	letter->kind = action->kind == ACTION_CONNECT ? LETTER_CONNECT : LETTER_SEND;
	letter->session = (uint8_t)session;
	letter->way = (uint8_t)action->way;
	letter->ttl = action->ttl;
	letter->tos = action->tos;
	letter->flags = action->flags;
	letter->marks = marks_of(action);
	letter->local_port = action->local_port;
	letter->remote_port = action->remote_port;
	letter->segment_max = action->segment_max;
	letter->ip_id = action->ip_id;
	letter->window = action->window;
	letter->sequence = action->sequence;
	letter->acknowledgement = action->acknowledgement;
	letter->timestamp_value = action->timestamp_value;
	letter->timestamp_echo = action->timestamp_echo;
	return put_payload(letter, action->payload, action->payload_length);
}

size_t letter_of_next_hop(struct letter *letter, size_t session, const uint8_t *address,
			  size_t length)
{
	memset(letter, 0, HEAD);
	letter->kind = LETTER_NEXT_HOP;
	letter->session = (uint8_t)session;
	return put_payload(letter, address, length);
}

int letter_payload(size_t length)
{
	return length >= HEAD && length <= sizeof(struct letter) ? (int)(length - HEAD) : -1;
}

bool letter_read(const struct letter *letter, size_t length, struct action *action)
{
	int payload = letter_payload(length);
	if (payload < 0 || (letter->kind != LETTER_SEND && letter->kind != LETTER_CONNECT))
		return false;
	*action = (struct action){
		.kind = letter->kind == LETTER_CONNECT ? ACTION_CONNECT : ACTION_SEND,
		.way = letter->way < WAYS ? (enum way)letter->way : WAY_UNKNOWN,
		.to_reference = (letter->marks & MARK_REFERENCE) != 0,
		.fragment = (letter->marks & MARK_FRAGMENT) != 0,
		.plain = (letter->marks & MARK_PLAIN) != 0,
		.has_timestamp = (letter->marks & MARK_TIMESTAMP) != 0,
		.ttl = letter->ttl,
		.tos = letter->tos,
		.flags = letter->flags,
		.local_port = letter->local_port,
		.remote_port = letter->remote_port,
		.segment_max = letter->segment_max,
		.ip_id = letter->ip_id,
		.window = letter->window,
		.sequence = letter->sequence,
		.acknowledgement = letter->acknowledgement,
		.timestamp_value = letter->timestamp_value,
		.timestamp_echo = letter->timestamp_echo,
		.payload = letter->payload,
		.payload_length = (size_t)payload,
	};
	return true;
}
