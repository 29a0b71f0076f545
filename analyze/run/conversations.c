#include "sshwhy/conversations.h"

#include <string.h>

struct search {
	const uint16_t *ports;
	size_t port_count;
	struct arena *arena;
	struct conversation *found;
	size_t count;
	struct attempt {
		size_t conversation;
		uint16_t client_port;
	} * attempts;
	size_t attempt_count;
};

static bool port_wanted(const struct search *search, uint16_t port)
{
	for (size_t i = 0; i < search->port_count; i++)
		if (search->ports[i] == port)
			return true;
	return port == 22;
}

static size_t conversation_of(struct search *search, const struct address *client,
			      const struct address *server, uint16_t port)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->found[i].port == port &&
		    address_equal(&search->found[i].client, client) &&
		    address_equal(&search->found[i].server, server))
			return i;
	search->found =
		arena_grow(search->arena, search->found, search->count, sizeof(*search->found));
	search->found[search->count] =
		(struct conversation){ .client = *client, .server = *server, .port = port };
	return search->count++;
}

static void note_attempt(struct search *search, size_t conversation, uint16_t client_port)
{
	for (size_t i = 0; i < search->attempt_count; i++)
		if (search->attempts[i].conversation == conversation &&
		    search->attempts[i].client_port == client_port)
			return;
	search->attempts = arena_grow(search->arena, search->attempts, search->attempt_count,
				      sizeof(*search->attempts));
	search->attempts[search->attempt_count++] =
		(struct attempt){ .conversation = conversation, .client_port = client_port };
	search->found[conversation].attempts++;
}

static bool starts_ssh(const struct packet *packet)
{
	return packet->payload_captured >= 4 && memcmp(packet->payload, "SSH-", 4) == 0;
}

static void take(struct search *search, const struct packet *packet)
{
	if (packet->end != DECODE_COMPLETE || packet->protocol != IP_TCP)
		return;
	bool syn = (packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	bool server_speaks = starts_ssh(packet) && packet->source_port < packet->destination_port;
	if (server_speaks)
		note_attempt(search,
			     conversation_of(search, &packet->destination, &packet->source,
					     packet->source_port),
			     packet->destination_port);
	else if (starts_ssh(packet) || (syn && port_wanted(search, packet->destination_port)))
		note_attempt(search,
			     conversation_of(search, &packet->source, &packet->destination,
					     packet->destination_port),
			     packet->source_port);
}

const struct conversation *conversations_find(const struct run *run, const uint16_t *ports,
					      size_t port_count, struct arena *arena, size_t *count)
{
	struct search search = { .ports = ports, .port_count = port_count, .arena = arena };
	for (size_t i = 0; i < run->frame_count; i++) {
		struct packet packet;
		decode(&run->frames[i], &packet);
		take(&search, &packet);
	}
	*count = search.count;
	return search.found;
}

struct run conversation_run(const struct run *run, const struct conversation *conversation,
			    struct arena *arena)
{
	char text[ADDRESS_TEXT];
	struct run part = *run;
	part.address = conversation->server;
	part.local_address = conversation->client;
	part.port = conversation->port;
	part.host = arena_string(arena, address_text(&conversation->server, text));
	if (run->frame_count > 0) {
		part.started_ns = run->frames[0].time_ns;
		part.stopped_ns = run->frames[run->frame_count - 1].time_ns;
	}
	return part;
}
