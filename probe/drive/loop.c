/* The loop that runs the plans: due actions out, frames and answers in. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drive/carry.h"
#include "drive/hop.h"
#include "drive/losses.h"
#include "drive/machine.h"
#include "drive/tell.h"
#include "names/names.h"
#include "sshwhy/shortage.h"

/* -- actions out ------------------------------------------------------------------ */

static struct session_socket *socket_of(struct session *session, uint16_t local_port)
{
	for (unsigned i = 0; i < SESSION_SOCKETS; i++)
		if (session->socket[i].local_port == local_port)
			return &session->socket[i];
	return NULL;
}

static const struct address *remote_of(const struct session *session, const struct action *action)
{
	return action->to_reference ? &session->reference.address : &session->run->address;
}

static void tell_opening(struct session *session, const struct action *action, int64_t time_ns)
{
	char text[ADDRESS_TEXT];
	tell_event_at(
		session, time_ns,
		action_opening(action, action->to_reference
					       ? address_text(remote_of(session, action), text)
					       : NULL));
}

static void connect_answered(struct session *session, struct session_socket *s, int error)
{
	char peer[PEER_TEXT];
	s->connecting = false;
	if (error != 0 && wire_gone(session->wire))
		return; /* because of that, as a rule: no fact about the network */
	tell_shortage(session, ASKED_CONNECT, "a connection of this machine", error);
	tell_event(session,
		   (struct event){ .kind = EVENT_CONNECT,
				   .local_port = s->local_port,
				   .remote_port = s->remote_port,
				   .error = error,
				   .text = error == 0 ? session_led_to(session, s, peer) : NULL });
}

/* Has the courier do it; false: it was not even tried. What is not tried opens nothing: it would be
 * waited for, and its silence judged. */
static bool carry(struct session *session, const struct action *action, int *error)
{
	int64_t before_ns = now_of(session);
	if (!courier_carry(session->courier, session->index, action, error))
		return false;
	if (action->opens)
		tell_opening(session, action, before_ns);
	return true;
}

/* As connect() ends where bind() has failed before it: nothing leaves. */
static void refuse_connect(struct session *session, const struct session_socket *s,
			   const struct action *action)
{
	tell_opening(session, action, now_of(session));
	tell_event(session, (struct event){ .kind = EVENT_CONNECT,
					    .local_port = s->local_port,
					    .remote_port = action->remote_port,
					    .error = EADDRNOTAVAIL });
}

static bool do_connect(struct session *session, const struct action *action)
{
	struct session_socket *s = socket_of(session, action->local_port);
	int error;
	if (s == NULL || s->fd < 0)
		return true;
	if (session->source_gone && !action->to_reference) {
		refuse_connect(session, s, action);
		return true;
	}
	if (!carry(session, action, &error))
		return false;
	s->remote_port = action->remote_port;
	s->connecting = true;
	if (error != EINPROGRESS)
		connect_answered(session, s, error);
	return true;
}

static void do_talk(struct session *session, const struct machine *machine,
		    const struct action *action)
{
	struct session_socket *s = socket_of(session, action->local_port);
	struct handshake_options options = { 0 };
	struct error error = { 0 };
	if (s == NULL || s->fd < 0)
		return;
	if (action->purpose == PURPOSE_OPINION) {
		carry_begin(s);
		return;
	}
	machine_offer(machine, &options);
	s->handshake = handshake_new(s->fd, &options, &error);
	if (s->handshake != NULL)
		return;
	tell_event(session, (struct event){ .kind = EVENT_LIMIT, .text = error.text });
	tell_event(
		session,
		(struct event){ .kind = EVENT_SSH, .local_port = s->local_port, .error = ENOMEM });
}

static bool do_send(struct session *session, const struct action *action)
{
	int error;
	if (!carry(session, action, &error))
		return false;
	if (error == 0 || wire_gone(session->wire))
		return true;
	tell_shortage(session, ASKED_SEND, "crafted packets, some of them", error);
	tell_event(session, action_refused(action, error));
	return true;
}

/* False: there is no more to do now, or nobody who does it (courier_trouble()). */
static bool perform(struct session *session, const struct machine *machine,
		    const struct action *action)
{
	switch (action->kind) {
	case ACTION_CONNECT:
		return do_connect(session, action);
	case ACTION_SEND:
		return do_send(session, action);
	case ACTION_TALK:
		do_talk(session, machine, action);
		return true;
	default:
		return false;
	}
}

/* Performs what is due; false when the plan is complete. */
static bool perform_due(struct session *session, const struct machine *machine)
{
	struct action action;
	do
		action = plan_next(session->plan, now_of(session));
	while (perform(session, machine, &action));
	return action.kind != ACTION_DONE;
}

/* -- answers in ------------------------------------------------------------------- */

static bool packet_concerns(const struct session *session, const struct packet *packet)
{
	return !session->done && admit(&session->wire->home, &session->ports, packet);
}

/* Nobody else makes a run grow: what answers nothing that was sent is counted, and the run holds
 * examples only. Whether it is tied to something that was sent. */
static bool keep_frame(struct session *session, const struct frame *frame, struct packet *packet)
{
	if (!run_has_room(session->run, frame))
		return false;
	packet->number = session->run->frame_count + 1;
	enum packet_use use = plan_packet(session->plan, packet);
	if (use == PACKET_COUNTED)
		return false;
	return run_frame(session->run, frame) && use == PACKET_TIED;
}

static void ssh_ended(struct session *session, const struct machine *machine,
		      struct session_socket *s)
{
	const struct handshake_result *result = handshake_result(s->handshake);
	uint16_t port = s->local_port;
	if (result->kex[0] != '\0')
		tell_event(session, (struct event){ .kind = EVENT_KEX,
						    .local_port = port,
						    .text = result->kex });
	if (result->fingerprint[0] != '\0') {
		char key[160], why[640];
		snprintf(key, sizeof(key), "%s %s", result->host_key_type, result->fingerprint);
		enum event_word word = machine_judge_key(machine, result->host_key_type,
							 result->fingerprint, why, sizeof(why));
		tell_event(session, (struct event){ .kind = EVENT_HOST_KEY,
						    .local_port = port,
						    .value = result->signature_verified,
						    .word = word,
						    .text = key,
						    .detail = why });
	}
	if (result->stage == HANDSHAKE_STAGE_AUTH)
		tell_event(session, (struct event){ .kind = EVENT_AUTH,
						    .local_port = port,
						    .text = result->auth_methods });
	if (result->withheld)
		tell_event(session,
			   (struct event){ .kind = EVENT_LIMIT,
					   .text = "authentication: no key was offered to a server "
						   "that shows another host key than it should" });
	tell_event(session, (struct event){ .kind = EVENT_SSH,
					    .local_port = port,
					    .error = result->error,
					    .value = result->reason,
					    .word = result->end,
					    .detail = result->message });
}

static void step_socket(struct session *session, const struct machine *machine,
			struct session_socket *s, short ready)
{
	if (s->connecting && (ready & (POLLOUT | POLLERR | POLLHUP))) {
		int error = 0;
		socklen_t length = sizeof(error);
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
			error = ERROR_UNTOLD;
		connect_answered(session, s, error);
	}
	if (s->carried)
		carry_on(session, s);
	if (s->handshake == NULL || handshake_state(s->handshake) == HANDSHAKE_DONE)
		return;
	if (handshake_step(s->handshake, now_of(session)) == HANDSHAKE_DONE)
		ssh_ended(session, machine, s);
}

/* -- waiting ---------------------------------------------------------------------- */

/* All sessions, and what they wait for together. */
struct loop {
	struct session *sessions;
	size_t count;
	struct wire *wire;
	const struct courier *courier;
	struct machine *machine;
	int signals;
	struct names names;
	struct pollfd fd[3 + WIRE_CAPTURES + DRIVE_ADDRESSES * (SESSION_SOCKETS + 2)];
	nfds_t fd_count;
	int64_t left_ns;     /* until somebody wants to be woken */
	int64_t deadline_ns; /* of the whole; monotonic clock */
	int64_t counted_ns;  /* when the captures were last asked what they dropped; monotonic */
	bool interrupted;
	bool deaf; /* a capture ended, or the interface under it; so does the run */
};

static void wait_at_most(struct loop *loop, int64_t left_ns)
{
	if (left_ns < loop->left_ns)
		loop->left_ns = left_ns > 0 ? left_ns : 0;
}

static void await_descriptor(struct loop *loop, int fd, short events)
{
	loop->fd[loop->fd_count++] = (struct pollfd){ .fd = fd, .events = events };
}

static void want_sockets(struct loop *loop, const struct session *session)
{
	int64_t now = now_of(session);
	if (!session->done)
		wait_at_most(loop, plan_wakeup(session->plan) - now);
	for (size_t i = 0; i < SESSION_SOCKETS; i++) {
		const struct session_socket *s = &session->socket[i];
		bool talks = !session->done && s->handshake != NULL &&
			     handshake_state(s->handshake) != HANDSHAKE_DONE;
		if (talks)
			wait_at_most(loop, handshake_deadline(s->handshake) - now);
		bool carried = !session->done && s->carried;
		await_descriptor(
			loop, carried || (!session->done && (s->connecting || talks)) ? s->fd : -1,
			carried ? POLLIN
			: talks ? handshake_poll_events(s->handshake)
				: POLLOUT);
	}
}

/* What ssh says, and that it ends, where it talks. */
static void want_opinion(struct loop *loop, const struct session *session)
{
	for (size_t i = 0; i < SESSION_SOCKETS; i++) {
		if (session->done || !session->socket[i].carried)
			continue;
		await_descriptor(loop, opinion_words_fd(session->opinion), POLLIN);
		await_descriptor(loop, opinion_end_fd(session->opinion), POLLIN);
	}
}

static void forget_events(struct loop *loop)
{
	for (nfds_t i = 0; i < loop->fd_count; i++)
		loop->fd[i].revents = 0;
}

static void poll_now(struct loop *loop)
{
	if (poll(loop->fd, loop->fd_count, 0) < 0)
		forget_events(loop);
}

/* False: the kernel does not wait for us. */
static bool wait_for(struct loop *loop, struct error *error)
{
	loop->fd_count = 0;
	loop->left_ns = SECONDS(1);
	await_descriptor(loop, loop->signals, POLLIN);
	for (size_t i = 0; i < loop->wire->capture_count; i++)
		await_descriptor(loop, capture_fd(loop->wire->capture[i]), POLLIN);
	for (size_t i = 0; i < loop->count; i++)
		want_sockets(loop, &loop->sessions[i]);
	await_descriptor(loop, machine_fd(loop->machine), POLLIN);
	await_descriptor(loop, loop->wire->links, POLLIN);
	for (size_t i = 0; i < loop->count; i++)
		want_opinion(loop, &loop->sessions[i]);
	struct timespec timeout = { .tv_sec = loop->left_ns / SECONDS(1),
				    .tv_nsec = loop->left_ns % SECONDS(1) };
	if (ppoll(loop->fd, loop->fd_count, &timeout, NULL) >= 0)
		return true;
	forget_events(loop);
	return errno == EINTR ||
	       error_set(error, EXIT_UNAVAILABLE, "waiting for answers: %s", strerror(errno));
}

/* Where a TTL ran out there is a router. (Who forges that must not choose whom we ask about.) */
static bool tells_of_a_router(const struct packet *packet)
{
	bool v6 = packet->protocol == IP_ICMP6;
	return (v6 || packet->protocol == IP_ICMP) && packet->icmp_type == (v6 ? 3 : 11) &&
	       packet->icmp_code == 0;
}

static void take_frame(void *context, const struct frame *frame)
{
	struct loop *loop = context;
	struct packet packet;
	decode(frame, &packet);
	for (size_t i = 0; i < loop->count; i++)
		if (packet_concerns(&loop->sessions[i], &packet) &&
		    keep_frame(&loop->sessions[i], frame, &packet) && tells_of_a_router(&packet))
			names_ask(&loop->names, &packet.source);
}

static void tell_deaf(struct loop *loop, const char *why)
{
	for (size_t i = 0; i < loop->count; i++)
		if (!loop->sessions[i].done)
			tell_limit(&loop->sessions[i], "the rest of the plan", why);
	loop->deaf = true;
}

/* What the captures have; then whether they can have more. */
static void read_captures(struct loop *loop)
{
	char text[64];
	struct error error = { 0 };
	bool ended = false;
	for (size_t i = 0; i < loop->wire->capture_count; i++)
		ended |= capture_read(loop->wire->capture[i], take_frame, loop, &error) < 0;
	if (wire_gone(loop->wire)) {
		snprintf(text, sizeof(text), "%s went down while it was used", loop->wire->gone);
		tell_deaf(loop, text);
	} else if (ended) {
		tell_deaf(loop, error.text);
	}
}

static bool make_plan(struct session *session, int64_t deadline_ns)
{
	struct plan_config config = session_plan(session);
	session->clock_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	config.deadline_ns = deadline_ns + session->clock_offset_ns;
	if (getrandom(config.key, sizeof(config.key), 0) != sizeof(config.key))
		return false;
	session->run->started_ns = session->heard_ns = now_of(session);
	session->plan = plan_new(session->run, &config, session->run->started_ns);
	return session->plan != NULL;
}

/* The verdict may be in doubt for want of it. */
static void tell_withheld(struct session *session)
{
	if (session->plan != NULL && plan_withheld(session->plan) > 0)
		tell_limit(
			session, "more of the SSH port",
			"a sixth new connection within 30 s is what firewalls refuse (ufw limit)");
}

static void finish_session(struct session *session)
{
	tell_withheld(session);
	losses_tell(session, now_of(session));
	session->run->stopped_ns = session->heard_ns;
	run_tell_refused(session->run);
	session->done = true;
}

/* Of the whole time, and so long at most; a moment where there is none left. */
static int left_ms(const struct loop *loop, int most)
{
	int64_t left = (loop->deadline_ns - clock_ns(CLOCK_MONOTONIC)) / 1000000;
	return left < 1 ? 1 : left < most ? (int)left : most;
}

/* How long a verdict of trouble waits for a large ruleset. */
#define RULES_PATIENCE_MS 500

/* Everything of one session that is due; frames were read before. */
static void session_turn(struct loop *loop, size_t index)
{
	struct session *session = &loop->sessions[index];
	const struct pollfd *fd =
		&loop->fd[1 + loop->wire->capture_count + index * SESSION_SOCKETS];
	look_at_next_hop(session);
	look_at_reference_hop(session);
	machine_tell_rules(loop->machine, session, index, 0);
	for (unsigned i = 0; i < SESSION_SOCKETS; i++)
		step_socket(session, loop->machine, &session->socket[i],
			    loop->fd_count > 0 ? fd[i].revents : 0);
	if (perform_due(session, loop->machine))
		return;
	if (!run_healthy(session->run))
		machine_tell_rules(loop->machine, session, index, left_ms(loop, RULES_PATIENCE_MS));
	finish_session(session);
}

/* Name servers were asked while the sweeps went on; so long are slow ones waited for. */
#define NAMES_PATIENCE_MS 300

static void tell_names(struct loop *loop, bool wait)
{
	bool confirmed;
	struct address address;
	char name[NAME_LENGTH], text[ADDRESS_TEXT];
	if (wait)
		names_wait(&loop->names, left_ms(loop, NAMES_PATIENCE_MS));
	for (size_t i = 0; names_get(&loop->names, i, &address, name, &confirmed); i++)
		for (size_t n = 0; name[0] != '\0' && n < loop->count; n++)
			run_event(loop->sessions[n].run,
				  &(struct event){ .kind = EVENT_NAME,
						   .time_ns = loop->sessions[n].run->stopped_ns,
						   .value = !confirmed,
						   .text = address_text(&address, text),
						   .detail = name });
}

static bool all_done(const struct loop *loop)
{
	if (loop->sessions[0].done && run_healthy(loop->sessions[0].run))
		return true;
	for (size_t i = 0; i < loop->count; i++)
		if (!loop->sessions[i].done)
			return false;
	return true;
}

static void tell_grown(const struct session *session)
{
	const struct drive_options *options = session->options;
	options->grew(options->context, session->run, true);
}

#define COUNT_EVERY MILLISECONDS(100)

static void look_at_drops(struct loop *loop)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	if (now_ns - loop->counted_ns < COUNT_EVERY)
		return;
	loop->counted_ns = now_ns;
	for (size_t i = 0; i < loop->count; i++)
		if (!loop->sessions[i].done)
			losses_tell_new(&loop->sessions[i], now_of(&loop->sessions[i]));
}

/* All that came until now: to the sockets, which may have waited since they were last asked, and to
 * the captures. */
static void hear(struct loop *loop)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	poll_now(loop);
	read_captures(loop);
	for (size_t i = 0; i < loop->count; i++) {
		struct session *session = &loop->sessions[i];
		session->heard_ns = now_ns + session->clock_offset_ns;
		plan_heard(session->plan, session->heard_ns);
	}
}

/* Until all plans are done, a signal comes, or nothing can be sent or heard any more. */
static bool run_until_done(struct loop *loop, struct error *error)
{
	for (;;) {
		for (size_t i = 0; i < loop->count; i++)
			if (!loop->sessions[i].done)
				session_turn(loop, i);
		tell_grown(&loop->sessions[0]);
		if (all_done(loop) || courier_trouble(loop->courier) != NULL)
			return true;
		if (!wait_for(loop, error))
			return false;
		hear(loop);
		look_at_drops(loop);
		loop->interrupted = (loop->fd[0].revents & POLLIN) != 0;
		if (loop->interrupted || loop->deaf)
			return true;
	}
}

/* What is known by now is, all the same. */
static void tell_trouble(struct session *session, const struct courier *courier)
{
	if (courier_trouble(courier) != NULL)
		tell_event(session,
			   (struct event){ .kind = EVENT_LIMIT, .text = courier_trouble(courier) });
}

static void finish_all(struct loop *loop)
{
	for (size_t i = 0; i < loop->count; i++) {
		struct session *session = &loop->sessions[i];
		if (session->done)
			continue;
		tell_trouble(session, loop->courier);
		session->run->interrupted = loop->interrupted;
		session->run->unfinished = !loop->interrupted && !loop->deaf;
		finish_session(session);
	}
	bool asks = !loop->interrupted && !loop->deaf;
	if (asks && !machine_tell_proxy(loop->machine, loop->deadline_ns, loop->signals,
					loop->sessions[0].run))
		loop->sessions[0].run->interrupted = true;
	tell_names(loop, asks);
}

/* Before anything is sent: what waits in the captures, which may be all that they hold, is others',
 * and so is what they have lost. */
static void begin_captures(struct loop *loop)
{
	for (unsigned round = 0; !loop->deaf && round < CAPTURE_ROUNDS; round++)
		hear(loop);
	for (size_t i = 0; i < loop->count; i++)
		losses_forget(&loop->sessions[i]);
}

bool sessions_plan(struct sessions *all, struct error *error)
{
	for (size_t i = 0; i < all->count; i++)
		if (!make_plan(&all->session[i], all->deadline_ns))
			return error_set(error, EXIT_UNAVAILABLE, "the plan cannot be made: %s",
					 strerror(errno));
	return true;
}

bool sessions_run(struct sessions *all, struct error *error)
{
	struct loop loop = { .sessions = all->session,
			     .count = all->count,
			     .wire = all->wire,
			     .courier = all->courier,
			     .machine = all->machine,
			     .deadline_ns = all->deadline_ns,
			     .signals = all->signals };
	tell_grown(&all->session[0]);
	if (!all->session[0].options->no_names)
		loop.names.resolver = all->resolver;
	begin_captures(&loop);
	machine_read_rules(loop.machine);
	bool done = loop.deaf || run_until_done(&loop, error);
	if (done)
		finish_all(&loop);
	return done;
}
