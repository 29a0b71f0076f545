#include "sshwhy/exchange.h"

#include <string.h>

#include "sshwhy/patience.h"
#include "track/connection.h"
#include "track/stray.h"

void track_start(struct track *track, const struct run *run, struct arena *arena)
{
	*track = (struct track){ .run = run, .arena = arena };
}

struct exchange *track_find(const struct track *track, uint16_t local_port)
{
	for (size_t i = 0; i < track->count; i++)
		if (track->exchanges[i]->local_port == local_port)
			return track->exchanges[i];
	return NULL;
}

const struct exchange *track_next(const struct track *track, enum purpose purpose, size_t *index)
{
	while (*index < track->count) {
		const struct exchange *exchange = track->exchanges[(*index)++];
		if (exchange->purpose == purpose)
			return exchange;
	}
	return NULL;
}

/* NULL: there is no room. */
static struct exchange *exchange_add(struct track *track, uint16_t local_port, uint16_t remote_port)
{
	size_t size = sizeof(struct exchange) + ARENA_COPIES * sizeof(struct exchange *);
	if (!budget_spend(&track->kept, size, TRACK_MOST))
		return NULL;
	track->exchanges =
		arena_grow(track->arena, track->exchanges, track->count, sizeof(*track->exchanges));
	struct exchange *exchange = arena_alloc(track->arena, sizeof(*exchange));
	exchange->local_port = local_port;
	exchange->remote_port = remote_port;
	exchange->local = track->run->local_address;
	exchange->remote = track->run->address;
	track->exchanges[track->count++] = exchange;
	return exchange;
}

static void exchange_open(struct track *track, const struct event *event)
{
	if (track_find(track, event->local_port) != NULL)
		return;
	struct exchange *exchange = exchange_add(track, event->local_port, event->remote_port);
	if (exchange == NULL)
		return;
	exchange->way = event->way;
	exchange->purpose = event->purpose;
	exchange->opened_ns = event->time_ns;
	if (event->text != NULL && event->text[0] != '\0')
		exchange->remote = address_parse(event->text);
}

static void note_local(struct track *track, const struct event *event)
{
	if (track->local_count < TRACK_LOCALS)
		track->local[track->local_count++] = address_parse(event->text);
	else
		track->kept.refused++;
}

void track_event(struct track *track, const struct event *event)
{
	if (event->kind == EVENT_OPEN) {
		exchange_open(track, event);
		return;
	}
	if (event->kind == EVENT_STRAY) {
		strays_told(&track->strays, event);
		return;
	}
	if (event->kind == EVENT_LOCAL) {
		note_local(track, event);
		return;
	}
	struct exchange *exchange = track_find(track, event->local_port);
	if (exchange == NULL)
		return;
	switch (event->kind) {
	case EVENT_CONNECT:
		exchange->answered = true;
		exchange->connect_error = event->error;
		if (event->text != NULL && event->text[0] != '\0')
			exchange->led_to = arena_string(track->arena, event->text);
		exchange->answered_ns = event->time_ns;
		break;
	case EVENT_SSH:
		exchange->talk_ended = true;
		break;
	case EVENT_AUTH:
		exchange->reaches_auth = true;
		break;
	case EVENT_REFUSED:
		if (exchange->refusals++ == 0)
			exchange->refused = event->error;
		break;
	default:
		break;
	}
}

/* -- whose packets these are --------------------------------------------------------- */

static bool is_another_address_of_ours(const struct track *track, const struct address *address)
{
	for (size_t i = 0; i < track->local_count; i++)
		if (address_equal(address, &track->local[i]))
			return true;
	return false;
}

/* The address that the run's packets come from, or another of this machine's: translation or
 * a routing rule may put one in its place. */
static bool is_ours(const struct track *track, const struct address *address)
{
	const struct run *run = track->run;
	return run->local_address.family == 0 || address_equal(address, &run->local_address) ||
	       is_another_address_of_ours(track, address);
}

/* What leads a connect() astray before the kernel sees the address may lead it to a program on
 * this machine; that connection has loopback addresses at both ends. */
static bool is_led_to_loopback(const struct exchange *exchange, const struct packet *packet)
{
	return exchange->way == WAY_KERNEL && packet->loopback &&
	       address_is_loopback(&packet->source) && address_is_loopback(&packet->destination);
}

static bool has_our_end(const struct track *track, const struct exchange *exchange,
			const struct packet *packet, const struct address *our_end)
{
	return is_ours(track, our_end) || is_led_to_loopback(exchange, packet);
}

/* What a capture may have missed while the client's TCP goes on. Our own conversations are short;
 * somebody else's capture may begin in the middle, or lack the midst of a transfer. */
#define MISSED_BYTES	       (UINT32_C(1) << 16)
#define MISSED_BYTES_ELSEWHERE (UINT32_C(1) << 29)

static uint32_t missed_bytes(const struct track *track)
{
	return track->run->planned ? MISSED_BYTES : MISSED_BYTES_ELSEWHERE;
}

/* -- outgoing ------------------------------------------------------------------- */

/* The first of an exchange make room for eight. */
static bool has_room_for_sent(struct track *track, const struct exchange *exchange)
{
	size_t size = (exchange->sent_count == 0 ? 8 : ARENA_COPIES) * sizeof(struct sent);
	return budget_spend(&track->kept, size, TRACK_MOST);
}

static void record_sent(struct exchange *exchange, struct track *track, const struct packet *packet)
{
	if (exchange->sent_count == EXCHANGE_SENT_MAX || !has_room_for_sent(track, exchange)) {
		exchange->unrecorded++;
		return;
	}
	exchange->sent = arena_grow(track->arena, exchange->sent, exchange->sent_count,
				    sizeof(*exchange->sent));
	bool elsewhere = packet->destination_port != exchange->remote_port ||
			 !address_equal(&packet->destination, &exchange->remote);
	exchange->sent[exchange->sent_count++] = (struct sent){
		.frame = packet->number,
		.time_ns = packet->time_ns,
		.sequence = packet->sequence,
		.acknowledgement = packet->acknowledgement,
		.ip_id = packet->ip_id,
		.mss = packet->mss,
		.ttl = packet->ttl,
		.tos = packet->tos,
		.wscale = packet->wscale,
		.data = !(packet->flags & TCP_SYN),
		.loopback = packet->loopback,
		.ecn = (packet->flags & TCP_SYN_ECN) == TCP_SYN_ECN,
		.diverted = track->run->planned && elsewhere,
		.destination = packet->destination,
		.destination_port = packet->destination_port,
	};
}

/* A data segment sent with less TTL than the connection's SYN had: a probe that
 * asks how far these bytes come, not a part of the conversation. */
static bool is_ttl_probe(const struct track *track, const struct exchange *exchange,
			 const struct packet *packet)
{
	return track->run->planned && exchange->connection != NULL && packet->payload_length > 0 &&
	       exchange->sent_count > 0 && packet->ttl < exchange->sent[0].ttl;
}

/* RFC 9293 3.10.7.1: a host resets what belongs to none of its connections with the number that
 * this acknowledges. Such a reset of this machine's is about that segment, whoever sent it, and
 * not about anything that was asked. */
static bool resets_another(const struct exchange *exchange, const struct packet *packet)
{
	if (!(packet->flags & TCP_RST))
		return false;
	for (unsigned i = 0; i < exchange->sent_count; i++)
		if (packet->sequence - exchange->sent[i].sequence <= 1)
			return false;
	return exchange->connection == NULL ||
	       !connection_said(exchange->connection, packet->sequence, MISSED_BYTES);
}

/* False: it says nothing of the exchange. */
static bool take_outgoing(struct track *track, struct exchange *exchange,
			  const struct packet *packet)
{
	if (track->run->planned && resets_another(exchange, packet))
		return false;
	bool ack = exchange->purpose == PURPOSE_ACK && (packet->flags & TCP_ACK);
	if (exchange->connection != NULL && !(packet->flags & (TCP_SYN | TCP_RST)))
		connection_sent(exchange->connection, packet);
	if ((packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN || ack ||
	    is_ttl_probe(track, exchange, packet))
		record_sent(exchange, track, packet);
	else if (exchange->connection != NULL)
		connection_client(exchange->connection, packet);
	return true;
}

/* -- incoming ------------------------------------------------------------------- */

/* The segment a reply belongs to: the last one sent with this sequence number. */
static struct sent *sent_by_sequence(struct exchange *exchange, uint32_t sequence, bool data)
{
	for (unsigned i = exchange->sent_count; i-- > 0;)
		if (exchange->sent[i].sequence == sequence && exchange->sent[i].data == data)
			return &exchange->sent[i];
	return NULL;
}

static bool note_reply(struct sent *sent, enum reply reply, const struct packet *packet)
{
	if (sent == NULL || packet->time_ns < sent->time_ns)
		return false;
	if (reply == REPLY_RESET && sent->reset_frame == 0)
		sent->reset_frame = packet->number;
	if (sent->reply != REPLY_NONE)
		return true;
	sent->reply = reply;
	sent->reply_frame = packet->number;
	sent->reply_ns = packet->time_ns;
	sent->from = packet->source;
	sent->reply_ttl = packet->ttl;
	sent->icmp_type = packet->icmp_type;
	sent->icmp_code = packet->icmp_code;
	sent->quoted = (struct quoted){ .source = packet->quote.source,
					.destination = packet->quote.destination,
					.destination_port = packet->quote.destination_port,
					.mss = packet->quote.mss,
					.tos = packet->quote.tos,
					.ttl = packet->quote.ttl };
	return true;
}

/* A SYN-ACK that comes so long after the first is another copy that the server sent, for want of an
 * answer (RFC 6298 2), not one that the network doubled. */
#define SENT_AGAIN MILLISECONDS(500)

static bool has_room_for_connection(struct track *track)
{
	return budget_spend(&track->kept, sizeof(struct connection), TRACK_MOST);
}

static bool take_syn_ack(struct track *track, struct exchange *exchange,
			 const struct packet *packet)
{
	struct sent *sent = sent_by_sequence(exchange, packet->acknowledgement - 1, false);
	bool half_open = exchange->way == WAY_RAW || exchange->way == WAY_LINK;
	bool begins = !half_open && exchange->connection == NULL;
	if (begins && sent != NULL && !has_room_for_connection(track))
		return false;
	if (!note_reply(sent, REPLY_SYN_ACK, packet))
		return false;
	if (half_open)
		return true; /* on purpose: no conversation follows */
	if (begins)
		exchange->connection = connection_new(track->arena, packet, sent);
	exchange->connection->syn_acks++;
	exchange->connection->syn_acks_late +=
		packet->time_ns - exchange->connection->syn_ack_ns >= SENT_AGAIN;
	return true;
}

/* RFC 9293 3.10.7.1: "If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>": that names the segment
 * it is for, be it a bare ACK or data inside a connection, of a host or of a box between. */
static bool note_reset_of(struct exchange *exchange, const struct packet *packet)
{
	bool noted = false;
	for (unsigned i = 0; i < exchange->sent_count; i++)
		if (exchange->sent[i].data && exchange->sent[i].acknowledgement == packet->sequence)
			noted |= note_reply(&exchange->sent[i], REPLY_RESET, packet);
	return noted;
}

/* RFC 9293 3.10.7.1: a reset for a SYN carries ACK with SEG.ACK = SEG.SEQ + 1;
 * injectors are seen to acknowledge SEG.SEQ itself. */
static bool take_reset(const struct track *track, struct exchange *exchange,
		       const struct packet *packet)
{
	if (exchange->purpose == PURPOSE_ACK)
		return note_reset_of(exchange, packet);
	uint32_t acknowledged = packet->acknowledgement;
	struct sent *sent = sent_by_sequence(exchange, acknowledged - 1, false);
	if (sent == NULL) {
		sent = sent_by_sequence(exchange, acknowledged, false);
		/* RFC 9293 3.10.7.3: "If SEG.ACK =< ISS [...] (if the RST bit is set, drop the
		 * segment and return)". */
		if (sent != NULL && sent->reply == REPLY_NONE)
			sent->unacceptable = true;
	}
	if (exchange->connection == NULL)
		return note_reply(sent, REPLY_RESET, packet);
	bool noted = note_reset_of(exchange, packet);
	/* Somebody else's capture may lack what was said before: what follows tells. */
	if (track->run->planned &&
	    !connection_is_reset_by(exchange->connection, packet, MISSED_BYTES))
		return noted;
	connection_server(exchange->connection, packet);
	return true;
}

static bool take_incoming(struct track *track, struct exchange *exchange,
			  const struct packet *packet)
{
	if (packet->flags & TCP_RST)
		return take_reset(track, exchange, packet);
	if ((packet->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return take_syn_ack(track, exchange, packet);
	if (exchange->connection == NULL ||
	    !connection_takes(exchange->connection, packet, missed_bytes(track)))
		return false;
	connection_server(exchange->connection, packet);
	return true;
}

/* Of copies with one sequence number, IPv4 tells which by its IP ID (unless a router between
 * changes it), IPv6 does not: then it is the last. TTL probes inside a connection are such
 * copies too: a long quote tells them from the rest by their acknowledgement number. */
static struct sent *sent_by_quote(struct exchange *exchange, const struct quote *quote)
{
	struct sent *last = NULL;
	for (unsigned i = exchange->sent_count; i-- > 0;) {
		struct sent *sent = &exchange->sent[i];
		bool same = quote->has_sequence ? sent->sequence == quote->sequence : !sent->data;
		bool same_words =
			quote->has_flags && quote->acknowledgement == sent->acknowledgement;
		if (!same)
			continue;
		if (sent->ip_id != 0 && quote->ip_id == sent->ip_id)
			return sent;
		if (last == NULL && (!sent->data || same_words))
			last = sent;
	}
	return last;
}

/* A capture that keeps 68 bytes cuts the quote behind its ports. That is as good as no quote for a
 * probe that may be any of many; a client's SYNs to one port are all the same. */
static bool names_a_segment(const struct track *track, const struct quote *quote)
{
	return quote->present && quote->has_ports && quote->protocol == IP_TCP &&
	       (quote->has_sequence || !track->run->planned);
}

/* What it quotes is no probe. Without a number to tell by, it left for where the exchange leads. */
static bool quotes_conversation(const struct track *track, const struct exchange *exchange,
				const struct quote *quote)
{
	if (exchange->connection == NULL)
		return false;
	if (!quote->has_sequence)
		return quote->destination_port == exchange->remote_port &&
		       address_equal(&quote->destination, &exchange->remote);
	return connection_said(exchange->connection, quote->sequence, missed_bytes(track));
}

static enum reply reply_of_icmp(const struct packet *packet)
{
	bool v6 = packet->protocol == IP_ICMP6;
	if (packet->icmp_type == (v6 ? 3 : 11))
		return REPLY_EXCEEDED;
	return packet->icmp_type == (v6 ? 1 : 3) ? REPLY_UNREACHABLE : REPLY_NONE;
}

/* Ports can be guessed: an error counts when it quotes the sequence number of what was sent. */
static struct exchange *take_icmp(struct track *track, const struct packet *packet)
{
	const struct quote *quote = &packet->quote;
	enum reply reply = reply_of_icmp(packet);
	if (!names_a_segment(track, quote) || !is_ours(track, &packet->destination))
		return NULL;
	struct exchange *exchange = track_find(track, quote->source_port);
	struct sent *sent = exchange != NULL ? sent_by_quote(exchange, quote) : NULL;
	if (exchange == NULL || (sent == NULL && !quotes_conversation(track, exchange, quote)))
		return NULL;
	if (sent == NULL || reply == REPLY_NONE)
		return exchange;
	return note_reply(sent, reply, packet) ? exchange : NULL;
}

/* -- which exchange -------------------------------------------------------------- */

/* In somebody else's capture a SYN to the target opens an exchange. */
static struct exchange *adopt_syn(struct track *track, const struct packet *packet)
{
	const struct run *run = track->run;
	if (run->planned || (packet->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return NULL;
	if (packet->destination_port != run->port ||
	    !address_equal(&packet->destination, &run->address) ||
	    !address_equal(&packet->source, &run->local_address))
		return NULL;
	struct exchange *exchange =
		exchange_add(track, packet->source_port, packet->destination_port);
	if (exchange != NULL)
		exchange->purpose = PURPOSE_SSH;
	return exchange;
}

/* A capture that begins in the middle of a connection, but before its identification
 * strings: it stands, and these bytes are the first that one side says. */
static struct exchange *adopt_midstream(struct track *track, const struct packet *packet)
{
	const struct run *run = track->run;
	bool speaks = packet->payload_captured >= 4 && memcmp(packet->payload, "SSH-", 4) == 0;
	bool from_client = packet->destination_port == run->port &&
			   address_equal(&packet->source, &run->local_address);
	if (run->planned || !speaks || !(packet->flags & TCP_ACK))
		return NULL;
	struct exchange *exchange =
		exchange_add(track, from_client ? packet->source_port : packet->destination_port,
			     from_client ? packet->destination_port : packet->source_port);
	if (exchange == NULL || !has_room_for_sent(track, exchange) ||
	    !has_room_for_connection(track))
		return NULL;
	struct packet answer = *packet;
	answer.number = 0;
	answer.sequence = (from_client ? packet->acknowledgement : packet->sequence) - 1;
	answer.acknowledgement = from_client ? packet->sequence : packet->acknowledgement;
	/* what the client sends has no TTL of the server's */
	answer.ttl = from_client ? 0 : packet->ttl;
	exchange->purpose = PURPOSE_SSH;
	exchange->sent = arena_grow(track->arena, NULL, 0, sizeof(*exchange->sent));
	exchange->sent[exchange->sent_count++] = (struct sent){
		.time_ns = packet->time_ns,
		.sequence = answer.acknowledgement - 1,
		.ttl = packet->ttl,
		.destination = run->address,
		.destination_port = run->port,
		.reply = REPLY_SYN_ACK,
		.reply_ns = packet->time_ns,
		.from = run->address,
		.reply_ttl = answer.ttl,
	};
	exchange->connection = connection_new(track->arena, &answer, exchange->sent);
	exchange->connection->established = true;
	exchange->connection->syn_acks = 1;
	return exchange;
}

static bool comes_from_target(const struct exchange *exchange, const struct packet *packet)
{
	for (unsigned i = 0; i < exchange->sent_count; i++)
		if (packet->source_port == exchange->sent[i].destination_port &&
		    address_equal(&packet->source, &exchange->sent[i].destination))
			return true;
	/* Local rejects and undone translations carry the address that was asked for. */
	return packet->source_port == exchange->remote_port &&
	       address_equal(&packet->source, &exchange->remote);
}

static struct exchange *take_tcp(struct track *track, const struct packet *packet)
{
	struct exchange *exchange = track_find(track, packet->source_port);
	if (exchange != NULL && has_our_end(track, exchange, packet, &packet->source))
		return take_outgoing(track, exchange, packet) ? exchange : NULL;
	exchange = track_find(track, packet->destination_port);
	if (exchange != NULL && comes_from_target(exchange, packet) &&
	    has_our_end(track, exchange, packet, &packet->destination))
		return take_incoming(track, exchange, packet) ? exchange : NULL;
	exchange = adopt_syn(track, packet);
	if (exchange != NULL) {
		(void)take_outgoing(track, exchange, packet);
		return exchange;
	}
	exchange = adopt_midstream(track, packet);
	if (exchange == NULL)
		return NULL;
	if (packet->source_port == exchange->local_port)
		(void)take_outgoing(track, exchange, packet);
	else
		(void)take_incoming(track, exchange, packet);
	return exchange;
}

struct exchange *track_packet(struct track *track, const struct packet *packet)
{
	if (packet->end != DECODE_COMPLETE)
		return NULL;
	track->packets++;
	struct exchange *exchange = NULL;
	if (packet->protocol == IP_TCP)
		exchange = take_tcp(track, packet);
	else if (packet->protocol == IP_ICMP || packet->protocol == IP_ICMP6)
		exchange = take_icmp(track, packet);
	if (exchange == NULL)
		strays_count(&track->strays, packet,
			     is_ours(track, &packet->destination) ? &track->run->address : NULL);
	return exchange;
}

void track_run(struct track *track)
{
	for (size_t i = 0; i < track->run->event_count; i++)
		track_event(track, &track->run->events[i]);
	for (size_t i = 0; i < track->run->frame_count; i++) {
		struct packet packet;
		decode(&track->run->frames[i], &packet);
		(void)track_packet(track, &packet);
	}
}
