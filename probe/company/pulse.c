#include "company/pulse.h"

#include <string.h>

/* -- whose they are ------------------------------------------------------------------------ */

static void forget(struct pulse *pulse, struct pulse_flow *flow)
{
	size_t behind = (size_t)(pulse->flow + pulse->count - flow) - 1;
	memmove(flow, flow + 1, behind * sizeof(*flow));
	pulse->count--;
}

static bool is_live(const struct pulse_flow *flow)
{
	return flow->owned && !flow->gone && !flow->ended;
}

const struct pulse_flow *pulse_own(const struct pulse *pulse)
{
	const struct pulse_flow *latest = NULL;
	for (size_t i = 0; i < pulse->count; i++) {
		const struct pulse_flow *flow = &pulse->flow[i];
		bool passed_over = latest != NULL && is_live(latest) && !is_live(flow);
		if ((flow->owned || !flow->doubtful) && !passed_over)
			latest = flow;
	}
	return latest;
}

static bool has_live(const struct pulse *pulse)
{
	const struct pulse_flow *own = pulse_own(pulse);
	return own != NULL && is_live(own);
}

const struct pulse_flow *pulse_unknown(const struct pulse *pulse)
{
	for (size_t i = 0; i < pulse->count; i++)
		if (!pulse->flow[i].asked)
			return &pulse->flow[i];
	return NULL;
}

static struct pulse_flow *numbered(struct pulse *pulse, uint32_t number)
{
	for (size_t i = 0; i < pulse->count; i++)
		if (pulse->flow[i].number == number)
			return &pulse->flow[i];
	return NULL;
}

/* ssh has one connection at a time. */
bool pulse_learn(struct pulse *pulse, uint32_t number, enum held held)
{
	struct pulse_flow *flow = numbered(pulse, number);
	if (flow == NULL)
		return true;
	flow->asked = true;
	flow->gone = flow->owned && held != HELD;
	flow->owned |= held == HELD;
	bool doubtful = flow->doubtful || has_live(pulse);
	if (flow->owned || (held == HELD_NOT_KNOWN && !doubtful))
		return true;
	forget(pulse, flow);
	return false;
}

/* -- where they begin ------------------------------------------------------------------------ */

static struct pulse_flow *find(struct pulse *pulse, const struct address *server,
			       uint16_t local_port)
{
	for (size_t i = pulse->count; i-- > 0;)
		if (pulse->flow[i].local_port == local_port &&
		    address_equal(&pulse->flow[i].server, server))
			return &pulse->flow[i];
	return NULL;
}

/* The oldest that is not known to be ssh's, else the oldest. */
static uint32_t make_room(struct pulse *pulse)
{
	size_t i = 0;
	if (pulse->count < PULSE_FLOWS)
		return 0;
	while (i < pulse->count && pulse->flow[i].owned)
		i++;
	struct pulse_flow *flow = &pulse->flow[i < pulse->count ? i : 0];
	uint32_t number = flow->number;
	forget(pulse, flow);
	return number;
}

uint32_t pulse_begin(struct pulse *pulse, const struct packet *syn, bool doubtful)
{
	const struct pulse_flow *known = find(pulse, &syn->destination, syn->source_port);
	if (known != NULL && known->first == syn->sequence)
		return 0;
	uint32_t forgotten = make_room(pulse);
	/* ssh may have let go of what it had, without a packet */
	for (size_t i = 0; i < pulse->count; i++)
		pulse->flow[i].asked &= !is_live(&pulse->flow[i]);
	pulse->flow[pulse->count++] = (struct pulse_flow){ .number = ++pulse->begun,
							   .server = syn->destination,
							   .local_port = syn->source_port,
							   .first = syn->sequence,
							   .began_ns = syn->time_ns,
							   .doubtful = doubtful,
							   .moved_ns = syn->time_ns,
							   .client_end = syn->sequence + 1,
							   .server_ack = syn->sequence };
	return forgotten;
}

/* -- what they say --------------------------------------------------------------------------- */

/* SSH_MSG_NEWKEYS (RFC 4253 7.3) in the clear, as it is padded to two blocks of eight bytes; it may
 * stand behind another message in the segment. */
static bool has_new_keys(const struct packet *p)
{
	static const uint8_t start[] = { 0, 0, 0, 12, 10, 21 };
	return p->payload_captured >= 16 &&
	       memmem(p->payload, p->payload_captured, start, sizeof(start)) != NULL;
}

static uint8_t dscp(uint8_t tos)
{
	return tos >> 2; /* below is ECN (RFC 3168) */
}

static void hear_client(struct pulse_flow *flow, const struct packet *p)
{
	uint32_t end = p->sequence + p->payload_length;
	if (p->payload_length == 0 || !sequence_after(end, flow->client_end))
		return; /* said before */
	flow->client_end = end;
	flow->client_spoke_last = true;
	flow->moved_ns = p->time_ns;
	if (flow->keyed) {
		flow->turns++;
		flow->tos_changed |= dscp(p->tos) != dscp(flow->key_tos);
	} else if (has_new_keys(p)) {
		flow->keyed = true;
		flow->keyed_ns = p->time_ns;
		flow->key_tos = p->tos;
	}
}

static void hear_server(struct pulse_flow *flow, const struct packet *p)
{
	uint32_t end = p->sequence + p->payload_length;
	if (p->flags & TCP_SYN) {
		flow->connected = true;
		flow->server_end = p->sequence + 1;
		flow->moved_ns = p->time_ns;
	}
	if (sequence_after(p->acknowledgement, flow->server_ack)) {
		flow->server_ack = p->acknowledgement;
		if (flow->keyed)
			flow->moved_ns = p->time_ns;
	}
	if (p->payload_length == 0 || !sequence_after(end, flow->server_end))
		return;
	flow->server_end = end;
	flow->client_spoke_last = false;
	flow->moved_ns = p->time_ns;
}

static void hear(struct pulse_flow *flow, const struct packet *packet, bool from_client)
{
	flow->last_ns = packet->time_ns;
	if (!flow->ended && packet->flags & (TCP_FIN | TCP_RST)) {
		flow->ended = true;
		flow->client_ended = from_client && !(packet->flags & TCP_RST);
	}
	if (from_client)
		hear_client(flow, packet);
	else if (packet->flags & TCP_ACK)
		hear_server(flow, packet);
}

static struct pulse_flow *quoted(struct pulse *pulse, const struct quote *quote)
{
	bool about = quote->present && quote->has_ports && quote->destination_port == pulse->port;
	return about ? find(pulse, &quote->destination, quote->source_port) : NULL;
}

uint32_t pulse_takes(struct pulse *pulse, const struct packet *packet)
{
	struct pulse_flow *flow = NULL;
	bool from_client = false;
	if (packet->protocol != IP_TCP) {
		flow = quoted(pulse, &packet->quote);
		return flow != NULL ? flow->number : 0;
	}
	if (packet->destination_port == pulse->port) {
		flow = find(pulse, &packet->destination, packet->source_port);
		from_client = flow != NULL;
	}
	if (flow == NULL && packet->source_port == pulse->port)
		flow = find(pulse, &packet->source, packet->destination_port);
	if (flow == NULL)
		return 0;
	hear(flow, packet, from_client);
	return flow->number;
}

/* -- what is asked ----------------------------------------------------------------------------- */

int64_t pulse_waits_since(const struct pulse *pulse)
{
	const struct pulse_flow *own = pulse_own(pulse);
	if (own == NULL || own->ended)
		return 0;
	bool unheard = sequence_after(own->client_end, own->server_ack);
	bool answer_owed = !own->keyed && (!own->connected || own->client_spoke_last);
	return unheard || answer_owed ? own->moved_ns : 0;
}

#define LOGIN_TURNS	    30
#define LOGIN_GRACE_SECONDS 150

bool pulse_is_session(const struct pulse *pulse)
{
	const struct pulse_flow *own = pulse_own(pulse);
	if (own == NULL || !own->keyed)
		return false;
	int64_t lasted_ns = own->last_ns - own->keyed_ns;
	return own->tos_changed || own->turns > LOGIN_TURNS ||
	       lasted_ns > LOGIN_GRACE_SECONDS * INT64_C(1000000000);
}
