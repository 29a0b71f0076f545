/* What one packet tells of its connection. */
#include "traffic/attempt.h"

#define PACKETS_AT_END 16 /* more, for FIN and RST alone */
/* A client repeats its SYN for two minutes at most: what goes on for longer tells nothing new. */
#define SYNS_KEPT 10

static void keep_greatest(struct attempt *attempt, unsigned bit, uint32_t *value, uint32_t seen)
{
	if (!(attempt->bits & bit) || sequence_after(seen, *value))
		*value = seen;
	attempt->bits |= (uint16_t)bit;
}

void attempt_follow_numbers(struct attempt *attempt, const struct packet *p, bool from_client)
{
	bool ends = p->flags & (TCP_SYN | TCP_FIN);
	uint32_t end = p->sequence + p->payload_length + ends;
	if (p->flags & TCP_RST)
		return;
	if (from_client)
		keep_greatest(attempt, ATTEMPT_CLIENT_END, &attempt->client_end, end);
	else
		keep_greatest(attempt, ATTEMPT_SERVER_END, &attempt->server_end, end);
	if (!(p->flags & TCP_ACK))
		return;
	if (from_client)
		keep_greatest(attempt, ATTEMPT_CLIENT_ACK, &attempt->client_ack,
			      p->acknowledgement);
	else
		keep_greatest(attempt, ATTEMPT_SERVER_ACK, &attempt->server_ack,
			      p->acknowledgement);
}

void attempt_note_stage(struct attempt *attempt, const struct packet *p, bool from_client)
{
	unsigned bits = 0;
	bool reset = p->flags & TCP_RST;
	if (p->flags & TCP_SYN)
		bits = from_client ? ATTEMPT_SYN : ATTEMPT_ANSWER;
	else if (!reset && (from_client || p->payload_length > 0))
		bits = ATTEMPT_CONNECTED;
	if (p->flags & TCP_FIN)
		bits |= from_client ? ATTEMPT_CLIENT_FIN : ATTEMPT_SERVER_FIN;
	attempt->bits |= (uint16_t)bits;
	unsigned both = ATTEMPT_CLIENT_FIN | ATTEMPT_SERVER_FIN;
	if (reset)
		attempt->bits |=
			attempt->bits & ATTEMPT_CONNECTED ? ATTEMPT_ENDED : ATTEMPT_REFUSED;
	else if ((attempt->bits & both) == both)
		attempt->bits |= ATTEMPT_ENDED;
}

bool attempt_is_news(const struct attempt *attempt, const struct packet *p, bool from_client)
{
	bool ends = p->flags & (TCP_FIN | TCP_RST);
	if (p->flags & TCP_SYN && from_client && attempt->syns >= SYNS_KEPT)
		return false;
	if (attempt->packets >= PACKETS_KEPT)
		return ends && attempt->packets < PACKETS_KEPT + PACKETS_AT_END;
	if (ends || p->flags & TCP_SYN || p->payload_length > 0 || p->has_sack)
		return true;
	/* a bare acknowledgement: of something new, or the first */
	if (from_client)
		return !(attempt->bits & ATTEMPT_CLIENT_ACK) ||
		       sequence_after(p->acknowledgement, attempt->client_ack);
	bool claims = attempt->bits & ATTEMPT_SERVER_END &&
		      sequence_after(p->sequence, attempt->server_end);
	/* or, for the first of them, of nothing new while more was sent: something later came */
	bool repeats = attempt->packets < PACKETS_KEPT / 2 && attempt->bits & ATTEMPT_CLIENT_END &&
		       p->acknowledgement == attempt->server_ack &&
		       sequence_after(attempt->client_end, attempt->server_ack);
	return claims || repeats || !(attempt->bits & ATTEMPT_SERVER_ACK) ||
	       sequence_after(p->acknowledgement, attempt->server_ack);
}
