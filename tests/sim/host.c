/* A host at the other end: its TCP, and the service behind a port. */
#include "model.h"

#define FIRST_TIMEOUT MS(1000)
#define TRIES_MAX     6

static struct server_model *server_of(struct model *model, uint16_t client_port)
{
	return &model->server[(client_port - model->first_port) % CLIENT_PORTS];
}

static uint16_t slot_of(const struct model *model, const struct server_model *server)
{
	return (uint16_t)(server - model->server);
}

static const struct door *door_of(const struct host *host, uint16_t port)
{
	static const struct door closed = { .state = DOOR_CLOSED };
	for (unsigned i = 0; i < host->door_count; i++)
		if (host->door[i].port == port || host->door[i].port == 0)
			return &host->door[i];
	return &closed;
}

static unsigned position_of(const struct model *model, unsigned trail, uint8_t node)
{
	const struct trail *way = &model->scenario->trail[trail];
	for (unsigned position = way->length; position > 0; position--)
		if (way->node[position] == node)
			return position;
	return way->length;
}

/* -- saying ----------------------------------------------------------------------------- */

static void send_from(struct model *model, uint8_t host, struct segment *segment)
{
	const struct host *self = &model->scenario->host[host];
	unsigned trail = wire_trail(model, segment->client_port, segment->server_port);
	if (segment->ttl == 0)
		segment->ttl = self->initial_ttl;
	wire_back(model, trail, position_of(model, trail, self->node), segment);
}

static void send_segment(struct model *model, struct server_model *server, uint8_t flags,
			 const struct piece *piece)
{
	const struct host *host = &model->scenario->host[server->host];
	struct segment segment = {
		.client_port = (uint16_t)(model->first_port + slot_of(model, server)),
		.server_port = server->port,
		.flags = flags,
		.sequence = server->sender.next,
		.acknowledgement = server->expected,
		.ip_id = server->ip_id++,
		.timestamps = true,
	};
	if (flags & TCP_SYN) {
		segment.sequence = server->first;
		segment.ttl = host->syn_ack_ttl;
		server->opened_ns = model->now_ns;
	}
	if (piece != NULL) {
		segment.sequence = piece->sequence;
		segment.length = piece->length;
		segment.payload = piece->bytes;
		segment.message = piece->message;
		segment.flags |= piece->fin ? TCP_FIN : TCP_PSH;
	}
	send_from(model, server->host, &segment);
}

/* For a port where nothing is, or a connection that is not: RFC 9293 3.10.7.1. */
static void refuse(struct model *model, uint8_t number, const struct segment *cause)
{
	const struct host *host = &model->scenario->host[number];
	struct segment reset = { .client_port = cause->client_port,
				 .server_port = cause->server_port,
				 .ttl = host->reset_ttl,
				 .flags = TCP_RST };
	if (cause->flags & TCP_RST)
		return;
	if (cause->flags & TCP_ACK) {
		reset.sequence = cause->acknowledgement;
	} else {
		reset.flags |= TCP_ACK;
		reset.acknowledgement = cause->sequence + !host->reset_short;
	}
	send_from(model, number, &reset);
}

static void set_timer(struct model *model, struct server_model *server, int64_t delay)
{
	queue_add(model, &(struct happening){ .time_ns = model->now_ns + delay,
					      .kind = HAPPENS_HOST_TIMER,
					      .index = slot_of(model, server),
					      .generation = ++server->generation });
}

static void set_service(struct model *model, struct server_model *server, int64_t delay)
{
	queue_add(model, &(struct happening){ .time_ns = model->now_ns + delay,
					      .kind = HAPPENS_SERVICE,
					      .index = slot_of(model, server),
					      .generation = ++server->service_generation });
}

static void say_bytes(struct model *model, struct server_model *server, enum message message,
		      bool fin)
{
	const struct phrase *phrase = &model->phrases->phrase[message];
	bool idle = sender_waiting(&server->sender) == NULL;
	const struct piece *piece =
		sender_add(&server->sender, message, phrase->bytes, phrase->length, fin);
	if (piece == NULL)
		return;
	send_segment(model, server, TCP_ACK, piece);
	if (idle)
		set_timer(model, server, sender_timeout(&server->sender));
}

static void say(struct model *model, struct server_model *server, enum message message)
{
	say_bytes(model, server, message, false);
}

static void hang_up(struct model *model, struct server_model *server)
{
	if (server->closed)
		return;
	server->closed = true;
	say_bytes(model, server, SAYS_NOTHING, true);
}

/* close() with bytes unread, or SO_LINGER 0: a reset (RFC 2525 2.17). */
static void break_off(struct model *model, struct server_model *server)
{
	server->state = TCP_GONE;
	server->generation++;
	send_segment(model, server, TCP_RST | TCP_ACK, NULL);
}

/* -- services --------------------------------------------------------------------------- */

static bool identifies_first(enum service service)
{
	return service == SERVICE_SSH || service == SERVICE_AUTH || service == SERVICE_KEX ||
	       service == SERVICE_KEX_CUT || service == SERVICE_STALLS ||
	       service == SERVICE_IDENT_CLOSES;
}

/* What the service does with the client's identification. */
static void answer_ident(struct model *model, struct server_model *server)
{
	switch (server->service) {
	case SERVICE_SSH_SHY:
		say(model, server, SAYS_SERVER_IDENT);
		say(model, server, SAYS_SERVER_KEXINIT);
		break;
	case SERVICE_SSH:
	case SERVICE_AUTH:
	case SERVICE_KEX_CUT:
		say(model, server, SAYS_SERVER_KEXINIT);
		break;
	case SERVICE_KEX:
		say(model, server, SAYS_SERVER_KEXINIT_OLD);
		break;
	case SERVICE_IDENT_CLOSES:
	case SERVICE_DISLIKES:
		hang_up(model, server);
		break;
	case SERVICE_HTTP:
		say(model, server, SAYS_HTTP);
		hang_up(model, server);
		break;
	case SERVICE_GREETS:
		say(model, server, SAYS_LINE);
		break;
	default:
		break;
	}
}

static void act_first(struct model *model, struct server_model *server)
{
	if (identifies_first(server->service))
		say(model, server, SAYS_SERVER_IDENT);
	switch (server->service) {
	case SERVICE_CLOSES:
		if (server->heard)
			break_off(model, server);
		else
			hang_up(model, server);
		return;
	case SERVICE_RESETS:
		break_off(model, server);
		return;
	case SERVICE_TEXT:
		say(model, server, SAYS_TEXT);
		if (server->heard)
			break_off(model, server);
		else
			hang_up(model, server);
		return;
	case SERVICE_GREETS:
		say(model, server, SAYS_GREETING);
		break;
	default:
		break;
	}
	if (server->heard && server->unread_count == 0) /* else it is thinking about it */
		answer_ident(model, server);
}

void host_service(struct model *model, const struct happening *happening)
{
	struct server_model *server = &model->server[happening->index];
	if (server->state != TCP_UP || server->service_generation != happening->generation)
		return;
	if (server->service == SERVICE_DRIPS) {
		if (sender_waiting(&server->sender) == NULL)
			say(model, server, SAYS_LINE);
		set_service(model, server, MS(1000));
		return;
	}
	server->acted = true;
	act_first(model, server);
}

static bool is_kex(enum message message)
{
	return message == SAYS_CLIENT_KEX || message == SAYS_CLIENT_KEX_LARGE;
}

static void reply_at_large(struct model *model, struct server_model *server)
{
	say(model, server, SAYS_SERVER_KEX_LARGE);
	say(model, server, SAYS_SERVER_KEX_LARGE_REST);
}

static void answer(struct model *model, struct server_model *server, enum message message)
{
	bool talks = server->service == SERVICE_SSH || server->service == SERVICE_AUTH ||
		     server->service == SERVICE_SSH_SHY;
	if (message == SAYS_CLIENT_IDENT && server->acted)
		answer_ident(model, server);
	else if (is_kex(message) && server->service == SERVICE_KEX_CUT)
		break_off(model, server);
	else if (talks && message == SAYS_CLIENT_KEX)
		say(model, server, SAYS_SERVER_KEX);
	else if (talks && message == SAYS_CLIENT_KEX_LARGE)
		reply_at_large(model, server);
	else if (talks && message == SAYS_CLIENT_NEWKEYS)
		say(model, server, SAYS_SERVER_ACCEPT);
	else if (talks && message == SAYS_CLIENT_AUTH)
		say(model, server, SAYS_SERVER_METHODS);
}

/* Who relays says what the VM says, a round trip later; where packets are lost, one of them
 * may have to be sent again. */
static int64_t far_round_trip(struct model *model, const struct host *host)
{
	const struct scenario *scenario = model->scenario;
	const struct trail *trail = &scenario->trail[0];
	const struct weather *weather = &scenario->weather;
	unsigned here = position_of(model, 0, host->node);
	int64_t time_ns = 0;
	for (unsigned at = here + 1; at <= trail->length; at++)
		time_ns += 2 * scenario->node[trail->node[at]].delay_ns;
	if (weather->lossy <= here)
		return time_ns;
	time_ns += 2 * weather->line_ns + weather->jitter_ns;
	int64_t again = time_ns + MS(200);
	for (;
	     dice_chance(&model->dice, weather->loss_out + weather->loss_back) && again < MS(4000);
	     again *= 2)
		time_ns += again;
	return time_ns;
}

static int64_t delay_of(struct model *model, const struct server_model *server, int64_t own_ns)
{
	const struct host *host = &model->scenario->host[server->host];
	return own_ns + (host->relays ? far_round_trip(model, host) : 0);
}

static void think(struct model *model, struct server_model *server)
{
	queue_add(model, &(struct happening){
				 .time_ns = model->now_ns +
					    delay_of(model, server,
						     model->scenario->host[server->host].thinks_ns),
				 .kind = HAPPENS_ANSWER,
				 .index = slot_of(model, server),
				 .generation = server->life });
}

void host_answer(struct model *model, const struct happening *happening)
{
	struct server_model *server = &model->server[happening->index];
	if (server->state != TCP_UP || server->life != happening->generation ||
	    server->unread_count == 0)
		return;
	enum message message = server->unread[0];
	server->unread_count--;
	for (unsigned i = 0; i < server->unread_count; i++)
		server->unread[i] = server->unread[i + 1];
	answer(model, server, message);
	if (server->unread_count > 0)
		think(model, server);
}

static void hear(struct model *model, struct server_model *server, enum message message)
{
	server->heard = true;
	if (server->closed) {
		break_off(model, server);
		return;
	}
	if (server->unread_count == PIECES_MAX)
		return;
	server->unread[server->unread_count++] = message;
	if (server->unread_count == 1)
		think(model, server);
}

/* -- TCP -------------------------------------------------------------------------------- */

static void open_half(struct model *model, struct server_model *server, uint8_t host,
		      const struct segment *syn, const struct door *door)
{
	*server = (struct server_model){ .state = TCP_OPENING,
					 .host = host,
					 .port = syn->server_port,
					 .first = (uint32_t)dice_next(&model->dice),
					 .client_first = syn->sequence,
					 .expected = syn->sequence + 1,
					 .generation = server->generation,
					 .service_generation = server->service_generation,
					 .life = (uint16_t)(server->life + 1),
					 .service = door->service,
					 .pause_ns = door->pause_ns };
	server->sender.next = server->first + 1;
	send_segment(model, server, TCP_SYN | TCP_ACK, NULL);
	set_timer(model, server, FIRST_TIMEOUT);
}

/* Another SYN while the first waits for its ACK. Linux (tcp_check_req): inside the
 * window it resets the attempt, outside it is answered with an ACK. */
static void another_syn(struct model *model, struct server_model *server, const struct segment *syn,
			const struct door *door)
{
	const struct host *host = &model->scenario->host[server->host];
	uint32_t ahead = syn->sequence - server->client_first;
	if (ahead == 0) {
		send_segment(model, server, TCP_SYN | TCP_ACK, NULL);
	} else if (host->forgives) {
		open_half(model, server, server->host, syn, door);
	} else if (ahead < 65536) {
		server->state = TCP_NONE;
		server->generation++;
		refuse(model, server->host, syn);
	}
}

static void take_syn(struct model *model, const struct happening *happening)
{
	const struct segment *syn = &happening->segment;
	uint8_t host = (uint8_t)happening->index;
	struct server_model *server = server_of(model, syn->client_port);
	const struct door *door = door_of(&model->scenario->host[host], syn->server_port);
	if (door->state == DOOR_SILENT)
		return;
	if (door->state == DOOR_CLOSED)
		refuse(model, host, syn);
	else if (server->state == TCP_OPENING && server->host == host)
		another_syn(model, server, syn, door);
	else if (server->state != TCP_UP)
		open_half(model, server, host, syn, door);
}

static void take_data(struct model *model, struct server_model *server,
		      const struct segment *segment)
{
	bool next = segment->sequence == server->expected;
	if (next)
		server->expected += segment->length;
	if (next && server->closed) {
		break_off(model, server);
		return;
	}
	send_segment(model, server, TCP_ACK, NULL);
	if (next)
		hear(model, server, segment->message);
}

static void take_ack(struct model *model, struct server_model *server,
		     const struct segment *segment)
{
	if (server->state == TCP_OPENING && segment->acknowledgement == server->first + 1) {
		server->state = TCP_UP;
		server->generation++;
		sender_start(&server->sender, server->first + 1, model->now_ns - server->opened_ns);
		/* a relay begins with a connection of its own */
		set_service(model, server,
			    delay_of(model, server, delay_of(model, server, server->pause_ns)));
	}
	if (server->state != TCP_UP)
		return;
	bool news = sender_acknowledge(&server->sender, segment->acknowledgement);
	if (sender_waiting(&server->sender) == NULL)
		server->generation++;
	else if (news || (segment->length == 0 && sender_gap(&server->sender)))
		set_timer(model, server, sender_timeout(&server->sender));
	if (segment->length > 0)
		take_data(model, server, segment);
}

/* ipfrag_time, and how late so long a timer comes. A proxy in between says nothing. */
static void wait_for_the_rest(struct model *model, const struct happening *happening)
{
	struct happening gives_up = *happening;
	gives_up.kind = HAPPENS_GIVES_UP;
	gives_up.time_ns = model->now_ns + MS(30000) + dice_between(&model->dice, 0, MS(2050));
	if (happening->index == 0)
		queue_add(model, &gives_up);
}

void host_receive(struct model *model, const struct happening *happening)
{
	const struct segment *segment = &happening->segment;
	struct server_model *server = server_of(model, segment->client_port);
	bool known = server->host == happening->index && server->state != TCP_NONE &&
		     server->state != TCP_GONE && server->port == segment->server_port;
	if (segment->fragment) {
		wait_for_the_rest(model, happening);
	} else if (segment->flags & TCP_SYN) {
		take_syn(model, happening);
	} else if (segment->flags & TCP_RST) {
		if (known)
			host_reset(model, segment->client_port);
	} else if (known) {
		take_ack(model, server, segment);
	} else {
		refuse(model, (uint8_t)happening->index, segment);
	}
}

void host_reset(struct model *model, uint16_t client_port)
{
	struct server_model *server = server_of(model, client_port);
	server->state = TCP_GONE;
	server->generation++;
	server->service_generation++;
}

void host_timer(struct model *model, const struct happening *happening)
{
	struct server_model *server = &model->server[happening->index];
	if (server->generation != happening->generation)
		return;
	if (server->state == TCP_OPENING && ++server->tries <= TRIES_MAX) {
		send_segment(model, server, TCP_SYN | TCP_ACK, NULL);
		set_timer(model, server, FIRST_TIMEOUT << server->tries);
		return;
	}
	const struct piece *again = server->state == TCP_UP ? sender_again(&server->sender) : NULL;
	if (again != NULL) {
		send_segment(model, server, TCP_ACK, again);
		set_timer(model, server, sender_timeout(&server->sender));
	}
}
