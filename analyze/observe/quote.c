/* What routers quote of the SYNs that expired there, field by field against what was sent:
 * where a field differs first, something between this hop and the last one altered it.
 *
 * Translation that undoes itself in quotes, as RFC 5508 wants it (REQ-4), does not show. */
#include <stdio.h>

#include "observe/asked.h"

enum field { FIELD_SOURCE, FIELD_DESTINATION, FIELD_PORT, FIELD_MSS, FIELD_TOS, FIELDS };

/* For each field: the nearest hop that quotes another value, and how near it was the same. */
struct changes {
	uint8_t altered[FIELDS], same[FIELDS]; /* TTLs; 0 none */
	const struct sent *example[FIELDS];
	struct address local;
};

static bool quotes_field(const struct sent *sent, enum field field)
{
	return field != FIELD_MSS || (sent->quoted.mss != 0 && sent->mss != 0);
}

static bool is_altered(const struct changes *changes, const struct sent *sent, enum field field)
{
	const struct quoted *quoted = &sent->quoted;
	switch (field) {
	case FIELD_SOURCE:
		return !address_equal(&quoted->source, &changes->local);
	case FIELD_DESTINATION:
		return !address_equal(&quoted->destination, &sent->destination);
	case FIELD_PORT:
		return quoted->destination_port != sent->destination_port;
	case FIELD_MSS:
		return quoted->mss != sent->mss;
	case FIELD_TOS:
		/* RFC 3168 5: routers may set the two bits of ECN. */
		return quoted->tos >> 2 != sent->tos >> 2;
	case FIELDS:
		break;
	}
	return false;
}

static void note_change(struct changes *changes, const struct sent *sent, enum field field)
{
	uint8_t *altered = &changes->altered[field], *same = &changes->same[field];
	if (!quotes_field(sent, field))
		return;
	if (!is_altered(changes, sent, field)) {
		if (sent->ttl > *same)
			*same = sent->ttl;
	} else if (*altered == 0 || sent->ttl < *altered) {
		*altered = sent->ttl;
		changes->example[field] = sent;
	}
}

static void read_quotes(struct changes *changes, const struct exchange *exchange)
{
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		bool router = sent->reply == REPLY_EXCEEDED && sent->ttl <= PATH_TTL_MAX;
		if (!router || sent->data || sent->diverted || sent->quoted.source.family == 0)
			continue;
		for (int field = 0; field < FIELDS; field++)
			note_change(changes, sent, (enum field)field);
	}
}

static const char *describe_change(const struct observation *o, const struct changes *changes,
				   enum field field)
{
	const struct sent *sent = changes->example[field];
	char was[ADDRESS_TEXT], is[ADDRESS_TEXT];
	switch (field) {
	case FIELD_SOURCE:
		return arena_format(o->arena, "source address %s is %s (translated)",
				    address_text(&changes->local, was),
				    address_text(&sent->quoted.source, is));
	case FIELD_DESTINATION:
		return arena_format(o->arena, "destination %s is %s (redirected)",
				    address_text(&sent->destination, was),
				    address_text(&sent->quoted.destination, is));
	case FIELD_PORT:
		return arena_format(o->arena, "port %u is %u (redirected)", sent->destination_port,
				    sent->quoted.destination_port);
	case FIELD_MSS:
		return arena_format(o->arena, "MSS %u is %u", sent->mss, sent->quoted.mss);
	case FIELD_TOS:
		return arena_format(o->arena, "DSCP %u is %u", sent->tos >> 2,
				    sent->quoted.tos >> 2);
	case FIELDS:
		break;
	}
	return "";
}

/* The nearest that still has it as it was; beyond the first change another flow may have
 * taken another way. */
static const char *describe_place(const struct observation *o, const struct changes *changes,
				  enum field field)
{
	uint8_t altered = changes->altered[field], same = changes->same[field];
	if (same == 0 || same >= altered)
		return arena_format(o->arena, "at hop %u or before", altered);
	return arena_format(o->arena, "between hop %u and hop %u", same, altered);
}

void observe_quotes(struct observation *o)
{
	struct changes changes = { .local = o->run->local_address };
	const char *text = NULL;
	for (size_t i = 0; i < o->track->count; i++) {
		const struct exchange *exchange = o->track->exchanges[i];
		if (exchange->purpose == PURPOSE_SWEEP || exchange->purpose == PURPOSE_CONTROL)
			read_quotes(&changes, exchange);
	}
	for (int n = 0; n < FIELDS; n++) {
		enum field field = (enum field)n;
		if (changes.altered[field] != 0)
			text = arena_format(o->arena, "%s%s%s, %s", text ? text : "",
					    text ? "; " : "", describe_change(o, &changes, field),
					    describe_place(o, &changes, field));
	}
	if (text == NULL)
		return;
	struct fact *fact = fact_set(o, ANSWER_QUOTE_ALTERED,
				     "routers quote SYNs otherwise than sent: %s", text);
	for (int field = 0; field < FIELDS; field++) {
		if (changes.altered[field] == 0)
			continue;
		fact_packet(fact, changes.example[field]->frame);
		fact_packet(fact, changes.example[field]->reply_frame);
	}
}
