#include "joint/trace.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct stream stream[2]; /* by enum ssh_peer */
	uint8_t *payload;
};

struct reading *reading_new(uint8_t *payload)
{
	struct reading *reading = malloc(sizeof(*reading));
	if (reading != NULL)
		reading->payload = payload;
	return reading;
}

void reading_free(struct reading *reading)
{
	free(reading);
}

/* RFC 4253 7.1: KEXINIT is 20, then 16 random bytes; 6: it lies behind the packet's length
 * and that of its padding. Another's connection with the same ones is a copy of this. */
#define KEXINIT 20

static uint64_t cookie_in(const struct stream *stream)
{
	uint64_t cookie = 0;
	const uint8_t *end = memchr(stream->bytes, '\n', stream->length);
	if (end == NULL)
		return 0;
	const uint8_t *packet = end + 1;
	size_t left = stream->length - (size_t)(packet - stream->bytes);
	if (left < 4 + 1 + 1 + 16 || packet[5] != KEXINIT ||
	    (memcmp(stream->bytes, "SSH-", 4) != 0))
		return 0;
	memcpy(&cookie, packet + 6, sizeof(cookie));
	return cookie;
}

static void note_syn(struct marks *m, const struct packet *p)
{
	if (m->syn)
		return;
	m->syn = true;
	m->client_isn = p->sequence;
	m->stamped = p->has_timestamp;
	m->timestamp = p->timestamp_value;
	m->window = p->window;
	m->mss = p->mss;
	m->wscale = p->wscale;
	m->selective = p->sack_permitted;
	m->ip_id = p->ip_id;
	m->ttl = p->ttl;
	m->syn_ns = p->time_ns;
}

static void note_answer(struct marks *m, const struct packet *p)
{
	if (m->answer)
		return;
	m->answer = true;
	m->server_isn = p->sequence;
	m->answer_stamped = p->has_timestamp;
	m->answer_timestamp = p->timestamp_value;
	m->answer_mss = p->mss;
	m->answer_ns = p->time_ns;
}

static void note_packet(struct trace *trace, struct reading *reading, const struct packet *p,
			bool from_client)
{
	struct marks *m = &trace->marks;
	struct stream *stream = &reading->stream[from_client ? SSH_CLIENT : SSH_SERVER];
	if (p->flags & TCP_SYN) {
		if (from_client)
			note_syn(m, p);
		else
			note_answer(m, p);
		if (!stream->started)
			stream_start(stream, p->sequence + 1);
	} else if (p->payload_length > 0 && !(p->flags & TCP_RST)) {
		if (!stream->started)
			stream_start(stream, p->sequence);
		(void)stream_segment(stream, p->sequence, p->payload, p->payload_captured,
				     p->payload_length);
	}
}

static struct step step_of(const struct packet *p, bool from_client, const struct address *server)
{
	if (p->protocol != IP_TCP)
		return (struct step){ .number = p->number,
				      .time_ns = p->time_ns,
				      .ttl = p->ttl,
				      .rejects = true,
				      .by_target = address_equal(&p->source, server) };
	return (struct step){ .number = p->number,
			      .time_ns = p->time_ns,
			      .at = p->sequence,
			      .acknowledged = p->acknowledgement,
			      .length = p->payload_length,
			      .timestamp = p->timestamp_value,
			      .ip_id = p->ip_id,
			      .flags = p->flags,
			      .ttl = p->ttl,
			      .stamped = p->has_timestamp,
			      .from_client = from_client };
}

/* Counted from the first of its side. A side that was not heard keeps its numbers. */
static void make_relative(struct trace *trace)
{
	const struct marks *m = &trace->marks;
	uint32_t client = m->syn ? m->client_isn : 0, server = m->answer ? m->server_isn : 0;
	for (unsigned i = 0; i < trace->count; i++) {
		struct step *step = &trace->steps[i];
		step->at -= step->from_client ? client : server;
		if (step->flags & TCP_ACK)
			step->acknowledged -= step->from_client ? server : client;
		else
			step->acknowledged = 0;
	}
}

void trace_read(const struct dossier *dossier, unsigned index, struct reading *reading,
		struct trace *trace)
{
	const struct attempt *attempt = &dossier->attempts[index];
	struct replay replay =
		recording_replay(dossier->pool, &attempt->recording, reading->payload);
	struct packet packet;
	bool from_client;
	*trace = (struct trace){ .whole = !(attempt->bits & ATTEMPT_FULL) &&
					  attempt->packets < PACKETS_KEPT &&
					  attempt->bits & ATTEMPT_SYN };
	reading->stream[SSH_CLIENT].started = reading->stream[SSH_SERVER].started = false;
	reading->stream[SSH_CLIENT].length = reading->stream[SSH_SERVER].length = 0;
	while (trace->count < TRACE_MAX && replay_next(&replay, &packet, &from_client)) {
		if (packet.protocol == IP_TCP)
			note_packet(trace, reading, &packet, from_client);
		trace->steps[trace->count++] =
			step_of(&packet, from_client, &dossier->conversation.server);
	}
	make_relative(trace);
	trace->marks.client_port = attempt->client_port;
	for (int peer = SSH_CLIENT; peer <= SSH_SERVER; peer++)
		trace->marks.cookie[peer] = cookie_in(&reading->stream[peer]);
}
