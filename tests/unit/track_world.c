#include "track_world.h"

#include <string.h>

int set_up(void **state)
{
	static struct world world;
	memset(&world, 0, sizeof(world));
	world.client = address_parse("10.20.0.10");
	world.server = address_parse("20.99.0.4");
	world.router = address_parse("10.20.0.1");
	world.run = (struct run){
		.planned = true, .port = 22, .address = world.server, .local_address = world.client
	};
	track_start(&world.track, &world.run, &world.arena);
	*state = &world;
	return 0;
}

int tear_down(void **state)
{
	struct world *world = *state;
	arena_free(&world->arena);
	return 0;
}

struct exchange *open_port(struct world *world, enum way way, enum purpose purpose)
{
	track_event(&world->track, &(struct event){ .kind = EVENT_OPEN,
						    .way = way,
						    .purpose = purpose,
						    .local_port = CLIENT_PORT,
						    .remote_port = 22 });
	return track_find(&world->track, CLIENT_PORT);
}

struct packet tcp(struct world *world, bool out, uint8_t flags, uint32_t sequence,
		  uint32_t acknowledgement)
{
	return (struct packet){
		.number = ++world->frames,
		.time_ns = MS(world->frames),
		.end = DECODE_COMPLETE,
		.protocol = IP_TCP,
		.source = out ? world->client : world->server,
		.destination = out ? world->server : world->client,
		.source_port = out ? CLIENT_PORT : 22,
		.destination_port = out ? 22 : CLIENT_PORT,
		.ttl = 64,
		.flags = flags,
		.sequence = sequence,
		.acknowledgement = acknowledgement,
	};
}

void send_syn(struct world *world, uint32_t sequence, uint8_t ttl)
{
	struct packet syn = tcp(world, true, TCP_SYN, sequence, 0);
	syn.ttl = ttl;
	assert_non_null(track_packet(&world->track, &syn));
}

struct packet icmp(struct world *world, uint8_t type, uint8_t code, uint32_t sequence)
{
	return (struct packet){
		.number = ++world->frames,
		.time_ns = MS(world->frames),
		.end = DECODE_COMPLETE,
		.protocol = IP_ICMP,
		.source = world->router,
		.destination = world->client,
		.icmp_type = type,
		.icmp_code = code,
		.quote = { .present = true,
			   .has_ports = true,
			   .has_sequence = true,
			   .source = world->client,
			   .destination = world->server,
			   .protocol = IP_TCP,
			   .source_port = CLIENT_PORT,
			   .destination_port = 22,
			   .sequence = sequence },
	};
}
