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

#define TIMEOUTS_MAX 6

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
	if (news) {
		sender->tries = 0;
		sender->probed = sender->told = sender->hurries = false;
		sender->variance_ns -= (sender->variance_ns - LEAST_TIMEOUT / 4) / 4;
	}
	return news;
}

const struct piece *sender_waiting(const struct sender *sender)
{
	return sender->acked < sender->count ? &sender->piece[sender->acked] : NULL;
}

/* -- when to say it again --------------------------------------------------------------- */

void sender_start(struct sender *sender, uint32_t next, int64_t round_trip_ns)
{
	*sender = (struct sender){ .next = next,
				   .round_trip_ns = round_trip_ns,
				   .variance_ns = round_trip_ns / 2 };
}

/* RFC 8985 6: what a later piece has overtaken is lost, after a quarter of a round trip. */
bool sender_gap(struct sender *sender)
{
	if (sender->count - sender->acked < 2)
		return false;
	sender->hurries |= !sender->told;
	sender->told = true;
	return true;
}

int64_t sender_timeout(const struct sender *sender)
{
	int64_t spread = 4 * sender->variance_ns;
	int64_t timeout = sender->round_trip_ns + (spread > LEAST_TIMEOUT ? spread : LEAST_TIMEOUT);
	bool alone = sender->count - sender->acked == 1;
	int64_t probe = 2 * sender->round_trip_ns + (alone ? LEAST_TIMEOUT : MS(2));
	if (sender->hurries)
		return sender->round_trip_ns / 4 + MS(1);
	if (sender->tries == 0 && !sender->probed && !sender->told && probe < timeout)
		return probe; /* RFC 8985 7.2 */
	return timeout << sender->tries;
}

const struct piece *sender_again(struct sender *sender)
{
	const struct piece *first = sender_waiting(sender);
	if (first == NULL)
		return NULL;
	if (sender->hurries) {
		sender->hurries = false;
		return first;
	}
	if (sender->tries == 0 && !sender->probed && !sender->told) {
		sender->probed = true;
		return &sender->piece[sender->count - 1];
	}
	return ++sender->tries <= TIMEOUTS_MAX ? first : NULL;
}
