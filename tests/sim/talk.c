/* The SSH client on the connections of the client's kernel: the library, or the person's ssh. */
#include "model.h"

/* How the driver judged the host key; the answer of a server in the VM's place is known
 * when the fault is made. */
static void tell_key(struct model *model, struct socket_model *socket)
{
	uint16_t port = kernel_port_of(model, socket);
	kernel_tell(model, (struct event){ .kind = EVENT_KEX,
					   .local_port = port,
					   .text = "curve25519-sha256" });
	if (model->scenario->client.key != WORD_NONE)
		kernel_tell(model, (struct event){
					   .kind = EVENT_HOST_KEY,
					   .local_port = port,
					   .value = 1,
					   .text = "ssh-ed25519 SHA256:2jmj7l5rSw0yVb/vlWAYkK/YBwk",
					   .word = model->scenario->client.key });
}

void talk_fails(struct model *model, struct socket_model *socket, enum event_word end, int error)
{
	if (socket->talk == TALK_NONE || socket->talk == TALK_OVER)
		return;
	if (socket->keyed && socket->talk != TALK_LISTENS)
		tell_key(model, socket);
	socket->talk = TALK_OVER;
	kernel_tell(model, (struct event){ .kind = EVENT_SSH,
					   .local_port = kernel_port_of(model, socket),
					   .error = error,
					   .word = end });
}

void talk_ends(struct model *model, struct socket_model *socket, enum event_word end)
{
	talk_fails(model, socket, end, 0);
}

static void speak(struct model *model, struct socket_model *socket)
{
	socket->talk = TALK_SPOKE;
	kernel_say(model, socket, SAYS_CLIENT_IDENT);
}

void model_talk(struct model *model, const struct action *action)
{
	struct socket_model *socket = kernel_socket(model, action->local_port);
	if (socket == NULL || socket->talk != TALK_NONE)
		return;
	socket->ssh = action->purpose == PURPOSE_OPINION;
	if (socket->ssh) {
		speak(model, socket);
		return;
	}
	socket->talk = TALK_LISTENS;
	queue_add(model, &(struct happening){ .time_ns = model->now_ns + LISTEN_FIRST,
					      .kind = HAPPENS_HANDSHAKE,
					      .index = (uint16_t)(socket - model->socket) });
}

void talk_begin(struct model *model, const struct happening *happening)
{
	struct socket_model *socket = &model->socket[happening->index];
	if (socket->talk == TALK_LISTENS && socket->state == TCP_UP)
		speak(model, socket);
}

static void methods_came(struct model *model, struct socket_model *socket)
{
	uint16_t port = kernel_port_of(model, socket);
	bool refused = false;
	for (unsigned i = 0; i < model->scenario->host[0].door_count; i++)
		refused |= model->scenario->host[0].door[i].service == SERVICE_AUTH;
	tell_key(model, socket);
	socket->keyed = false;
	kernel_tell(model,
		    (struct event){ .kind = EVENT_AUTH, .local_port = port, .text = "publickey" });
	enum event_word end = refused ? WORD_SSH_AUTH_REFUSED : WORD_SSH_AUTHENTICATION;
	talk_ends(model, socket, model->scenario->client.keyless ? WORD_SSH_NO_KEY : end);
}

/* It has nothing to offer. */
static void ssh_ends(struct model *model, struct socket_model *socket)
{
	kernel_send(model, socket, TCP_FIN | TCP_ACK, NULL);
	talk_ends(model, socket, WORD_SSH_CLOSED);
}

static void identified(struct model *model, struct socket_model *socket)
{
	if (socket->talk == TALK_LISTENS)
		speak(model, socket);
	socket->talk = TALK_IDENTIFIED;
	kernel_say(model, socket, SAYS_CLIENT_KEXINIT);
	if (model->phrases->phrase[SAYS_CLIENT_KEXINIT_REST].length > 0)
		kernel_say(model, socket, SAYS_CLIENT_KEXINIT_REST);
}

void talk_hear(struct model *model, struct socket_model *socket, enum message message)
{
	if (socket->talk == TALK_NONE || socket->talk == TALK_OVER)
		return;
	switch (message) {
	case SAYS_SERVER_IDENT:
		identified(model, socket);
		break;
	case SAYS_SERVER_KEXINIT:
		kernel_say(model, socket, socket->ssh ? SAYS_CLIENT_KEX_LARGE : SAYS_CLIENT_KEX);
		break;
	case SAYS_SERVER_KEXINIT_OLD:
		talk_ends(model, socket, WORD_SSH_NO_COMMON);
		break;
	case SAYS_SERVER_KEX_LARGE_REST:
		kernel_say(model, socket, SAYS_CLIENT_NEWKEYS);
		break;
	case SAYS_SERVER_KEX:
		socket->keyed = true;
		kernel_say(model, socket, SAYS_CLIENT_NEWKEYS);
		break;
	case SAYS_SERVER_ACCEPT:
		kernel_say(model, socket, SAYS_CLIENT_AUTH);
		break;
	case SAYS_SERVER_METHODS:
		if (socket->ssh)
			ssh_ends(model, socket);
		else
			methods_came(model, socket);
		break;
	case SAYS_HTTP:
		talk_ends(model, socket, WORD_SSH_NOT_SSH);
		break;
	default:
		break;
	}
}
