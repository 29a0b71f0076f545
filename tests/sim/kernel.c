/* The client's side: its kernel's connections, its filters. */
#include "model.h"

#include <errno.h>

#define SYN_TIMEOUT MS(1000)
#define TRIES_MAX   6
#define KILL_EVERY  MS(20)

static unsigned slot_of(const struct model *model, uint16_t client_port)
{
	return (unsigned)(client_port - model->first_port);
}

uint16_t kernel_port_of(const struct model *model, const struct socket_model *socket)
{
	return (uint16_t)(model->first_port + (socket - model->socket));
}

struct socket_model *kernel_socket(struct model *model, uint16_t client_port)
{
	unsigned slot = slot_of(model, client_port);
	return slot < PLAN_KERNEL_PORTS ? &model->socket[slot] : NULL;
}

void kernel_tell(struct model *model, struct event event)
{
	event.time_ns = model->now_ns;
	model->on_event(model->context, event);
}

/* -- sending ---------------------------------------------------------------------------- */

static bool is_local(enum local_out out)
{
	return out == OUT_PROXY || out == OUT_PROXY_DEAD;
}

/* The program that a local redirect leads to answers over loopback. */
static void answer_locally(struct model *model, const struct segment *segment)
{
	struct segment answer = { .client_port = segment->client_port,
				  .server_port = segment->server_port,
				  .ttl = 64,
				  .loopback = true,
				  .diverted = true,
				  .acknowledgement = segment->sequence + 1 };
	if (!(segment->flags & TCP_SYN))
		return;
	answer.flags = TCP_SYN | TCP_ACK;
	if (model->scenario->client.out == OUT_PROXY_DEAD)
		answer.flags = TCP_RST | TCP_ACK;
	else
		answer.sequence = 77;
	queue_add(model, &(struct happening){ .time_ns = model->now_ns + US(30),
					      .kind = HAPPENS_AT_CLIENT,
					      .segment = answer });
}

/* A segment that has passed the local rules leaves. */
static void leave(struct model *model, struct segment *segment, bool diverted)
{
	segment->diverted = diverted;
	segment->loopback = diverted && is_local(model->scenario->client.out);
	model->on_packet(model->context, segment, true);
	if (segment->loopback)
		answer_locally(model, segment);
	else if (!diverted) /* what another machine says is not modelled: it is silent */
		wire_out(model, segment);
}

void kernel_send(struct model *model, struct socket_model *socket, uint8_t flags,
		 const struct piece *piece)
{
	struct segment segment = {
		.client_port = kernel_port_of(model, socket),
		.server_port = socket->remote_port,
		.ttl = 64,
		.tos = model->scenario->client.tos,
		.flags = flags,
		.sequence = flags & TCP_SYN ? socket->first : socket->sender.next,
		.acknowledgement = socket->expected,
		.ip_id = model->kernel_ip_id++,
		.timestamps = true,
	};
	/* tcp_ecn_clear_syn(): a SYN that is sent again does not offer it any more */
	if ((flags & TCP_SYN) != 0 && socket->tries == 0 && model->scenario->client.ecn)
		segment.flags = TCP_SYN_ECN;
	if (flags & TCP_SYN)
		socket->opened_ns = model->now_ns;
	if (piece != NULL) {
		segment.sequence = piece->sequence;
		segment.length = piece->length;
		segment.payload = piece->bytes;
		segment.message = piece->message;
		segment.flags |= TCP_PSH;
	}
	leave(model, &segment, socket->divert);
}

static void set_timer(struct model *model, struct socket_model *socket, int64_t delay)
{
	queue_add(model, &(struct happening){ .time_ns = model->now_ns + delay,
					      .kind = HAPPENS_KERNEL_TIMER,
					      .index = (uint16_t)(socket - model->socket),
					      .generation = ++socket->generation });
}

void kernel_say(struct model *model, struct socket_model *socket, enum message message)
{
	const struct phrase *phrase = &model->phrases->phrase[message];
	bool idle = sender_waiting(&socket->sender) == NULL;
	const struct piece *piece =
		sender_add(&socket->sender, message, phrase->bytes, phrase->length, false);
	if (piece == NULL)
		return;
	kernel_send(model, socket, TCP_ACK, piece);
	if (idle)
		set_timer(model, socket, sender_timeout(&socket->sender));
}

/* -- connect() -------------------------------------------------------------------------- */

static void connect_answered(struct model *model, struct socket_model *socket, int error)
{
	if (socket->answered)
		return;
	socket->answered = true;
	socket->generation++;
	socket->state = error == 0 ? TCP_UP : TCP_GONE;
	bool hooked = error == 0 && model->scenario->client.out == OUT_PROXY_HIDDEN;
	kernel_tell(model, (struct event){ .kind = EVENT_CONNECT,
					   .local_port = kernel_port_of(model, socket),
					   .remote_port = socket->remote_port,
					   .error = error,
					   .text = hooked ? "127.0.0.1 port 1080" : NULL });
}

static void ends_later(struct model *model, const struct socket_model *socket, int64_t delay,
		       int error)
{
	queue_add(model, &(struct happening){ .time_ns = model->now_ns + delay,
					      .kind = HAPPENS_CONNECT_ENDS,
					      .index = (uint16_t)(socket - model->socket),
					      .error = error });
}

void kernel_connect_ends(struct model *model, const struct happening *happening)
{
	connect_answered(model, &model->socket[happening->index], happening->error);
}

static void kill_later(struct model *model, const struct socket_model *socket, int64_t delay)
{
	queue_add(model, &(struct happening){ .time_ns = model->now_ns + delay,
					      .kind = HAPPENS_KILL,
					      .index = (uint16_t)(socket - model->socket) });
}

/* A local reject answers over loopback, where the capture sees it too. */
static void reject_locally(struct model *model, struct socket_model *socket)
{
	struct segment reset = { .client_port = kernel_port_of(model, socket),
				 .server_port = socket->remote_port,
				 .ttl = 64,
				 .loopback = true,
				 .flags = TCP_RST | TCP_ACK,
				 .acknowledgement = socket->first + 1 };
	model->on_packet(model->context, &reset, false);
	connect_answered(model, socket, ECONNREFUSED);
}

static void connect_through(struct model *model, struct socket_model *socket)
{
	switch (model->scenario->client.out) {
	case OUT_DROP:
	case OUT_LATE_DROP:
		return;
	case OUT_RESET:
		reject_locally(model, socket);
		return;
	case OUT_REJECT:
		connect_answered(model, socket, model->scenario->client.reject_error);
		return;
	case OUT_FORBIDDEN:
		connect_answered(model, socket, EPERM);
		return;
	case OUT_PROXY_HIDDEN:
		ends_later(model, socket, US(60), 0);
		return;
	case OUT_PROXY:
	case OUT_PROXY_DEAD:
	case OUT_PROXY_AWAY:
		socket->divert = true;
		break;
	case OUT_PASS:
		break;
	}
	kernel_send(model, socket, TCP_SYN, NULL);
	set_timer(model, socket, SYN_TIMEOUT);
	if (model->scenario->client.kills)
		kill_later(model, socket, dice_between(&model->dice, 0, KILL_EVERY));
}

void model_connect(struct model *model, const struct action *action)
{
	const struct client *client = &model->scenario->client;
	struct socket_model *socket = kernel_socket(model, action->local_port);
	bool ruled = action->remote_port == SSH_PORT;
	if (socket == NULL)
		return;
	socket->state = TCP_OPENING;
	socket->remote_port = action->remote_port;
	socket->small = action->segment_max != 0;
	socket->first = (uint32_t)dice_next(&model->dice);
	socket->sender.next = socket->first + 1;
	if (client->route_error != 0)
		connect_answered(model, socket,
				 client->route_error == ENETDOWN ? ENETUNREACH
								 : client->route_error);
	else if (client->gateway_silent)
		ends_later(model, socket, MS(3070), EHOSTUNREACH);
	else if (ruled)
		connect_through(model, socket);
	else {
		kernel_send(model, socket, TCP_SYN, NULL);
		set_timer(model, socket, SYN_TIMEOUT);
	}
}

/* -- crafted segments ------------------------------------------------------------------- */

static int refused_locally(const struct client *client, const struct action *action)
{
	bool ssh = action->remote_port == SSH_PORT;
	bool ruled = ssh && action->way == WAY_RAW;
	if (client->route_error != 0)
		return client->route_error == ENETDOWN ? ENETDOWN : ENETUNREACH;
	if (client->gateway_silent)
		return action->way == WAY_LINK ? EHOSTUNREACH : 0;
	if (ruled &&
	    (client->out == OUT_DROP || client->out == OUT_RESET || client->out == OUT_REJECT))
		return EPERM;
	/* packet_snd() says what became of the frame; raw sockets keep it to themselves. */
	if (ssh && action->way == WAY_LINK && client->out == OUT_LATE_DROP)
		return ENOBUFS;
	return 0;
}

/* What the client said in these bytes. */
static enum message said_at(const struct model *model, const struct action *action)
{
	for (unsigned i = 0; i < PLAN_KERNEL_PORTS; i++) {
		const struct sender *sender = &model->socket[i].sender;
		if (model->first_port + i != action->local_port)
			continue;
		for (unsigned n = 0; n < sender->count; n++)
			if (sender->piece[n].sequence == action->sequence)
				return sender->piece[n].message;
	}
	return SAYS_CLIENT_IDENT;
}

int model_send(struct model *model, const struct action *action)
{
	const struct client *client = &model->scenario->client;
	bool ssh = action->remote_port == SSH_PORT;
	struct segment segment = { .client_port = action->local_port,
				   .server_port = action->remote_port,
				   .ttl = action->ttl,
				   .tos = action->tos,
				   .flags = action->flags,
				   .sequence = action->sequence,
				   .acknowledgement = action->acknowledgement,
				   .ip_id = action->ip_id,
				   .timestamps = action->has_timestamp,
				   .fragment = action->fragment };
	int error = refused_locally(client, action);
	if (error != 0)
		return error;
	if (client->gateway_silent || (ssh && client->out == OUT_LATE_DROP))
		return 0;
	if (action->payload_length > 0) {
		segment.payload = action->payload;
		segment.length = (uint16_t)action->payload_length;
		segment.message = said_at(model, action);
	}
	bool diverted = ssh && action->way == WAY_RAW &&
			(is_local(client->out) || client->out == OUT_PROXY_AWAY);
	leave(model, &segment, diverted);
	return 0;
}

/* -- receiving -------------------------------------------------------------------------- */

/* icmpv6_err_convert() */
static int icmp6_errno(uint8_t code)
{
	switch (code) {
	case 0:
		return ENETUNREACH;
	case 3:
		return EHOSTUNREACH;
	case 4:
		return ECONNREFUSED;
	default:
		return EACCES;
	}
}

/* tcp_v4_err(): while it opens, any of these ends it; later they are hints only. */
static int icmp_errno(uint8_t code)
{
	switch (code) {
	case 0:
	case 6:
	case 9:
	case 11:
		return ENETUNREACH;
	case 2:
		return ENOPROTOOPT;
	case 3:
		return ECONNREFUSED;
	default:
		return EHOSTUNREACH;
	}
}

static void take_reset(struct model *model, struct socket_model *socket,
		       const struct segment *segment)
{
	if (socket->state == TCP_OPENING) {
		if ((segment->flags & TCP_ACK) && segment->acknowledgement == socket->first + 1)
			connect_answered(model, socket, ECONNREFUSED);
		return;
	}
	if (socket->state != TCP_UP)
		return;
	/* RFC 5961 3.2: only the very next number resets; in the window it is challenged. */
	if (segment->sequence == socket->expected) {
		socket->state = TCP_GONE;
		socket->generation++;
		talk_ends(model, socket, WORD_SSH_RESET);
	} else if (segment->sequence - socket->expected < 65536) {
		kernel_send(model, socket, TCP_ACK, NULL);
	}
}

static void take_text(struct model *model, struct socket_model *socket,
		      const struct segment *segment)
{
	bool next = segment->sequence == socket->expected;
	bool fin = (segment->flags & TCP_FIN) != 0;
	if (next)
		socket->expected += (uint32_t)segment->length + fin;
	kernel_send(model, socket, TCP_ACK, NULL);
	if (next && segment->length > 0)
		talk_hear(model, socket, segment->message);
	if (next && fin)
		talk_ends(model, socket, WORD_SSH_CLOSED);
}

static void take_up(struct model *model, struct socket_model *socket, const struct segment *segment)
{
	if (segment->flags & TCP_SYN) { /* our ACK was lost */
		kernel_send(model, socket, TCP_ACK, NULL);
		return;
	}
	bool news = sender_acknowledge(&socket->sender, segment->acknowledgement);
	if (sender_waiting(&socket->sender) == NULL)
		socket->generation++;
	else if (news || (segment->length == 0 && sender_gap(&socket->sender)))
		set_timer(model, socket, sender_timeout(&socket->sender));
	if (segment->length > 0 || (segment->flags & TCP_FIN))
		take_text(model, socket, segment);
}

static void take_tcp(struct model *model, struct socket_model *socket,
		     const struct segment *segment)
{
	if (segment->flags & TCP_RST) {
		take_reset(model, socket, segment);
	} else if (socket->state == TCP_UP) {
		take_up(model, socket, segment);
	} else if (socket->state == TCP_OPENING && (segment->flags & TCP_SYN) &&
		   segment->acknowledgement == socket->first + 1) {
		socket->expected = segment->sequence + 1;
		socket->state = TCP_UP;
		socket->tries = 0;
		sender_start(&socket->sender, socket->first + 1, model->now_ns - socket->opened_ns);
		kernel_send(model, socket, TCP_ACK, NULL);
		connect_answered(model, socket, 0);
	}
}

/* What tcp_abort() does: a connection is reset, an attempt forgotten. */
void kernel_kill(struct model *model, const struct happening *happening)
{
	struct socket_model *socket = &model->socket[happening->index];
	if (socket->state == TCP_GONE)
		return;
	if (socket->state == TCP_OPENING) {
		connect_answered(model, socket, ECONNABORTED);
		return;
	}
	if (socket->talk == TALK_NONE) { /* the client has yet to look */
		kill_later(model, socket, US(200));
		return;
	}
	kernel_send(model, socket, TCP_RST | TCP_ACK, NULL);
	socket->state = TCP_GONE;
	socket->generation++;
	talk_fails(model, socket, WORD_SSH_RESET, ECONNABORTED);
}

static void reset_out(struct model *model, const struct segment *segment)
{
	struct segment reset = { .client_port = segment->client_port,
				 .server_port = segment->server_port,
				 .ttl = 64,
				 .flags = TCP_RST,
				 .sequence = segment->acknowledgement };
	leave(model, &reset, false);
}

static bool opens(const struct segment *segment)
{
	return segment->icmp_type == 0 &&
	       (segment->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

/* Without a shield the kernel knows nothing of crafted SYNs and resets the answers. */
static void answer_crafted(struct model *model, const struct segment *segment)
{
	if (model->scenario->client.unshielded && opens(segment))
		reset_out(model, segment);
}

void kernel_receive(struct model *model, const struct segment *segment)
{
	const struct client *client = &model->scenario->client;
	bool icmp = segment->icmp_type != 0;
	if (client->drops_answers && !icmp && segment->server_port == SSH_PORT) {
		if (client->resets_answers && opens(segment))
			reset_out(model, segment);
		return;
	}
	uint16_t port = icmp ? segment->quoted_port : segment->client_port;
	struct socket_model *socket =
		slot_of(model, port) < CLIENT_PORTS ? kernel_socket(model, port) : NULL;
	if (socket == NULL) {
		answer_crafted(model, segment);
	} else if (icmp) {
		if (socket->state == TCP_OPENING && segment->icmp_type == model_unreachable(model))
			connect_answered(model, socket,
					 model->scenario->target.family == 6
						 ? icmp6_errno(segment->icmp_code)
						 : icmp_errno(segment->icmp_code));
	} else {
		take_tcp(model, socket, segment);
		if (client->kills && socket->state == TCP_GONE && opens(segment))
			reset_out(model, segment); /* for a connection that is no more */
	}
}

void kernel_timer(struct model *model, const struct happening *happening)
{
	struct socket_model *socket = &model->socket[happening->index];
	if (socket->generation != happening->generation)
		return;
	if (socket->state == TCP_OPENING && ++socket->tries <= TRIES_MAX) {
		kernel_send(model, socket, TCP_SYN, NULL);
		set_timer(model, socket, SYN_TIMEOUT << socket->tries);
		return;
	}
	const struct piece *again = socket->state == TCP_UP ? sender_again(&socket->sender) : NULL;
	if (again != NULL) {
		kernel_send(model, socket, TCP_ACK, again);
		set_timer(model, socket, sender_timeout(&socket->sender));
	}
}
