#include "track/stray.h"

static const enum event_word words[STRAYS] = {
	[STRAY_SYN_ACK] = WORD_STRAY_SYN_ACK, [STRAY_RESET] = WORD_STRAY_RESET,
	[STRAY_SEGMENT] = WORD_STRAY_SEGMENT, [STRAY_ERROR] = WORD_STRAY_ERROR,
	[STRAY_OTHER] = WORD_STRAY_OTHER,
};

static enum stray stray_of(const struct packet *packet, const struct address *target)
{
	bool error = packet->protocol != IP_TCP;
	const struct address *named = error ? &packet->quote.destination : &packet->source;
	if (target == NULL || !address_equal(named, target))
		return STRAY_OTHER;
	if (error)
		return packet->quote.present ? STRAY_ERROR : STRAY_OTHER;
	if (packet->flags & TCP_RST)
		return STRAY_RESET;
	bool syn_ack = (packet->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	return syn_ack ? STRAY_SYN_ACK : STRAY_SEGMENT;
}

void strays_count(struct strays *strays, const struct packet *packet, const struct address *target)
{
	enum stray kind = stray_of(packet, target);
	strays->count[kind]++;
	if (kind == STRAY_OTHER || strays->examples == STRAY_EXAMPLES)
		return;
	strays->example[strays->examples++] = packet->number;
	strays->held[kind]++;
}

void strays_told(struct strays *strays, const struct event *event)
{
	for (int kind = 0; kind < STRAYS && event->value > 0; kind++)
		if (words[kind] == event->word)
			strays->count[kind] += (uint64_t)event->value;
}

struct event stray_event(const struct strays *strays, enum stray kind)
{
	return (struct event){ .kind = EVENT_STRAY,
			       .word = words[kind],
			       .value = (int64_t)(strays->count[kind] - strays->held[kind]) };
}
