/* One direction of a TCP connection: what was said and not yet acknowledged. */
#include "model.h"

struct piece *sender_add(struct sender *sender, enum message message, const uint8_t *bytes,
			 uint16_t length, bool fin)
{
	if (sender->count == PIECES_MAX) {
		if (sender->acked == 0)
			return NULL;
		for (unsigned i = sender->acked; i < sender->count; i++)
			sender->piece[i - sender->acked] = sender->piece[i];
		sender->count -= sender->acked;
		sender->acked = 0;
	}
	struct piece *piece = &sender->piece[sender->count++];
	*piece = (struct piece){ .sequence = sender->next,
				 .length = length,
				 .message = message,
				 .bytes = bytes,
				 .fin = fin };
	sender->next += (uint32_t)length + fin;
	return piece;
}

/* Whether it acknowledges something new. */
bool sender_acknowledge(struct sender *sender, uint32_t acknowledged)
{
	bool news = false;
	while (sender->acked < sender->count) {
		const struct piece *piece = &sender->piece[sender->acked];
		uint32_t end = piece->sequence + piece->length + piece->fin;
		if ((int32_t)(acknowledged - end) < 0)
			break;
		sender->acked++;
		news = true;
	}
	if (news)
		sender->tries = 0;
	return news;
}

const struct piece *sender_waiting(const struct sender *sender)
{
	return sender->acked < sender->count ? &sender->piece[sender->acked] : NULL;
}
