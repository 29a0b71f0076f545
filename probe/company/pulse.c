#include "company/pulse.h"

#include <string.h>

void pulse_begin(struct pulse *pulse, const struct packet *syn)
{
	unsigned last = pulse->flows > 0 ? pulse->flows - 1 : 0;
	if (pulse->flows > 0 && pulse->local_port[last] == syn->source_port)
		return; /* the same once more */
	struct pulse fresh = { .flows = pulse->flows,
			       .moved_ns = syn->time_ns,
			       .client_end = syn->sequence + 1,
			       .server_ack = syn->sequence };
	memcpy(fresh.local_port, pulse->local_port, sizeof(fresh.local_port));
	if (fresh.flows < PULSE_FLOWS)
		fresh.local_port[fresh.flows++] = syn->source_port;
	*pulse = fresh;
}

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

static void hear_client(struct pulse *pulse, const struct packet *p)
{
	uint32_t end = p->sequence + p->payload_length;
	if (p->payload_length == 0 || !sequence_after(end, pulse->client_end))
		return; /* said before */
	pulse->client_end = end;
	pulse->client_spoke_last = true;
	pulse->moved_ns = p->time_ns;
	if (pulse->keyed) {
		pulse->turns++;
		pulse->tos_changed |= dscp(p->tos) != dscp(pulse->key_tos);
	} else if (has_new_keys(p)) {
		pulse->keyed = true;
		pulse->keyed_ns = p->time_ns;
		pulse->key_tos = p->tos;
	}
}

static void hear_server(struct pulse *pulse, const struct packet *p)
{
	uint32_t end = p->sequence + p->payload_length;
	if (p->flags & TCP_SYN) {
		pulse->connected = true;
		pulse->server_end = p->sequence + 1;
		pulse->moved_ns = p->time_ns;
	}
	if (sequence_after(p->acknowledgement, pulse->server_ack)) {
		pulse->server_ack = p->acknowledgement;
		if (pulse->keyed)
			pulse->moved_ns = p->time_ns;
	}
	if (p->payload_length == 0 || !sequence_after(end, pulse->server_end))
		return;
	pulse->server_end = end;
	pulse->client_spoke_last = false;
	pulse->moved_ns = p->time_ns;
}

static bool is_ours(const struct pulse *pulse, uint16_t local_port)
{
	for (unsigned i = 0; i < pulse->flows; i++)
		if (pulse->local_port[i] == local_port)
			return true;
	return false;
}

bool pulse_takes(struct pulse *pulse, const struct packet *packet, uint16_t port)
{
	bool from_client = packet->destination_port == port && is_ours(pulse, packet->source_port);
	uint16_t local = from_client ? packet->source_port : packet->destination_port;
	if (!from_client && (packet->source_port != port || !is_ours(pulse, local)))
		return false;
	if (local != pulse->local_port[pulse->flows - 1])
		return true;
	pulse->last_ns = packet->time_ns;
	if (!pulse->ended && packet->flags & (TCP_FIN | TCP_RST)) {
		pulse->ended = true;
		pulse->client_ended = from_client && !(packet->flags & TCP_RST);
	}
	if (from_client)
		hear_client(pulse, packet);
	else if (packet->flags & TCP_ACK)
		hear_server(pulse, packet);
	return true;
}

int64_t pulse_waits_since(const struct pulse *pulse)
{
	bool owed = pulse->keyed ? sequence_after(pulse->client_end, pulse->server_ack)
				 : !pulse->connected || pulse->client_spoke_last;
	return owed && !pulse->ended ? pulse->moved_ns : 0;
}

#define LOGIN_TURNS	    30
#define LOGIN_GRACE_SECONDS 150

bool pulse_is_session(const struct pulse *pulse)
{
	int64_t lasted_ns = pulse->last_ns - pulse->keyed_ns;
	return pulse->keyed && (pulse->tos_changed || pulse->turns > LOGIN_TURNS ||
				lasted_ns > LOGIN_GRACE_SECONDS * INT64_C(1000000000));
}
