/* Opening and closing; the loop is in loop.c. */
#include "drive/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include "drive/source.h"
#include "route/neighbour.h"
#include "user/ip_qos.h"

/* The port is ours (reserve.h), but its last connection may have ended a moment ago. */
static bool bind_port(int fd, const struct address *local_address, uint16_t port)
{
	struct sockaddr_storage local;
	static const int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	socklen_t length = address_to_sockaddr(local_address, port, 0, &local);
	return bind(fd, (struct sockaddr *)&local, length) == 0;
}

static bool bind_interface(int fd, const char *interface)
{
	return interface == NULL || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
					       (socklen_t)strlen(interface)) == 0;
}

/* Where nothing comes the far end is asked each second where it stands: its acknowledgement
 * tells whether it has said more than was heard (RFC 9293 3.8.4). */
static void keep_alive(int fd)
{
	static const int on = 1, seconds = 1;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
}

/* A socket's owner is who made it, whoever connects it: rules that match on a user
 * see the one whose ssh fails, also when root has become nobody by then. */
static int open_socket(const struct address *local, const char *interface, uint16_t port)
{
	uint8_t version = local->family;
	int family = version == 6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	keep_alive(fd);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind_interface(fd, interface) && bind_port(fd, local, port))
		return fd;
	int cause = errno;
	close(fd);
	errno = cause;
	return -1;
}

/* The kernel chooses the source address when it connects. Where a flow may take one of several
 * interfaces, what is made by hand must come from the same: that is settled before. */
static struct address source_of(const struct session *session)
{
	if (session->source.family != 0)
		return session->source;
	if (session->route.way_count > 1 && session->route.source.family != 0)
		return session->route.source;
	return (struct address){ .family = session->run->address.family };
}

/* The last is the reference's: another family, perhaps, and another interface than the one
 * that was asked for. */
static void open_one(struct session *session, unsigned index)
{
	struct session_socket *s = &session->socket[index];
	s->local_port = (uint16_t)(session->ports.kernel + index);
	struct address any = { .family = session->reference.address.family };
	struct address source = source_of(session);
	if (index == SESSION_SOCKETS - 1)
		s->fd = open_socket(&any, NULL, s->local_port);
	else
		s->fd = open_socket(&source, session->options->interface, s->local_port);
}

static bool open_sockets(struct session *session, const struct person *person, struct error *error)
{
	uid_t self = geteuid();
	if (person->sudo && seteuid(person->uid) != 0)
		return error_set(error, EXIT_NOT_PERMITTED, "cannot open sockets as uid %u: %s",
				 (unsigned)person->uid, strerror(errno));
	int cause = 0;
	unsigned wanted = SESSION_SOCKETS - (session->reference.address.family == 0);
	for (unsigned i = 0; i < wanted && cause == 0; i++) {
		open_one(session, i);
		cause = session->socket[i].fd >= 0 ? 0 : errno;
	}
	if (person->sudo && seteuid(self) != 0)
		return error_set(error, EXIT_NOT_PERMITTED, "cannot go back to uid %u",
				 (unsigned)self);
	if (cause != 0)
		return error_set(error, EXIT_UNAVAILABLE, "local ports from %u: %s",
				 session->ports.kernel, strerror(cause));
	return true;
}

/* Which line or option has ssh bind to what is not here. */
static void describe_gone_source(const struct session *session, char *text, size_t room)
{
	const struct settings *settings = &session->consulted->settings;
	bool address = settings->bind_address[0] != '\0';
	const char *quote =
		session->consulted->quote[address ? CONFIG_BIND_ADDRESS : CONFIG_BIND_INTERFACE];
	snprintf(text, room, "ssh binds to %s, %s IPv%d address of this machine%s%s",
		 address ? settings->bind_address : settings->bind_interface,
		 address ? "which is no" : "which has no", session->run->address.family,
		 quote[0] != '\0' ? ": " : "", quote);
}

static void note_route(struct session *session)
{
	const struct route *route = &session->route;
	char source[ADDRESS_TEXT], hop[ADDRESS_TEXT], text[QUOTE_MAX + NI_MAXHOST + 128];
	if (session->source_gone)
		describe_gone_source(session, text, sizeof(text));
	else if (route->error != 0)
		snprintf(text, sizeof(text), "%s", route_refusal(route->error));
	else
		snprintf(text, sizeof(text), "%s %s dev %s src %s mtu %u",
			 route->on_link ? "on-link" : "via", address_text(&route->next_hop, hop),
			 route->interface, address_text(&route->source, source), route->mtu);
	int error = route->error == 0 && !route->up ? ENETDOWN : route->error;
	int refused = route_refuses_port(session->netlink, &session->run->address, route,
					 session->run->port);
	if (error == 0 && refused != 0) {
		error = refused;
		snprintf(text, sizeof(text), "a routing rule refuses TCP port %u: %s",
			 session->run->port, route_refusal(refused));
	}
	run_event(session->run, &(struct event){ .kind = EVENT_ROUTE,
						 .time_ns = session->run->started_ns,
						 .error = error,
						 .text = text });
}

/* As ssh does before it connects; a socket that cannot be marked is as good as one of ssh's. */
static void mark_socket(int fd, int mark)
{
	int family = 0;
	socklen_t length = sizeof(family);
	if (mark == 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0)
		return;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &mark, sizeof(mark));
	else
		setsockopt(fd, IPPROTO_IP, IP_TOS, &mark, sizeof(mark));
}

static void mark_sockets(struct session *session)
{
	for (unsigned i = 0; i < SESSION_SOCKETS; i++)
		if (session->socket[i].fd >= 0)
			mark_socket(session->socket[i].fd,
				    ip_qos_mark(session->consulted->settings.ip_qos));
}

static void note_mark(struct session *session)
{
	run_event(session->run,
		  &(struct event){ .kind = EVENT_MARK,
				   .time_ns = session->run->started_ns,
				   .value = ip_qos_mark(session->consulted->settings.ip_qos),
				   .text = session->consulted->settings.ip_qos });
}

static void note_limit(struct session *session, const char *what, const char *why)
{
	char text[512];
	snprintf(text, sizeof(text), "%s: %s", what, why);
	run_event(session->run, &(struct event){ .kind = EVENT_LIMIT,
						 .time_ns = session->run->started_ns,
						 .text = text });
}

void session_init(struct session *session)
{
	*session = (struct session){ 0 };
	for (unsigned i = 0; i < SESSION_SOCKETS; i++)
		session->socket[i].fd = -1;
}

static bool look_route_up(struct session *session, uid_t uid, struct error *error)
{
	const struct address *target = &session->run->address;
	enum source_state state =
		source_find(&session->consulted->settings, target->family, &session->source);
	session->source_gone = state == SOURCE_GONE;
	if (state != SOURCE_BOUND)
		session->source = (struct address){ 0 };
	if (!route_lookup(session->netlink, target, session->options->interface,
			  state == SOURCE_BOUND ? &session->source : NULL, uid, &session->route,
			  error))
		return false;
	if (session->source_gone)
		session->route.error = EADDRNOTAVAIL;
	return true;
}

bool session_stands(const struct session *session, uid_t uid)
{
	struct session now = *session;
	struct error ignored;
	return look_route_up(&now, uid, &ignored) && route_equal(&now.route, &session->route) &&
	       now.source_gone == session->source_gone;
}

bool session_open(struct session *session, const struct session_wish *wish, struct error *error)
{
	uid_t uid = wish->person->uid;
	session_init(session);
	if (wish->reference != NULL)
		session->reference = *wish->reference;
	session->run = wish->run;
	session->netlink = wish->netlink;
	session->options = wish->options;
	session->consulted = wish->consulted;
	session->ports = wish->ports;
	session->run->address = *wish->address;
	return look_route_up(session, uid, error) &&
	       (session->reference.address.family == 0 ||
		route_lookup(wish->netlink, &session->reference.address, NULL, NULL, uid,
			     &session->reference_route, error)) &&
	       open_sockets(session, wish->person, error);
}

struct plan_config session_plan(const struct session *session)
{
	const struct drive_options *options = session->options;
	struct plan_config config = {
		.control_count = options->control_count,
		.kernel_ports = session->ports.kernel,
		.reference = session->reference.address.family != 0 ? session->reference.port : 0,
		.crafted_ports = session->ports.crafted,
		.crafted = session->crafts,
		.opinion = session->opinion != NULL,
		.deep = options->deep,
		.tos = ip_qos_mark(session->consulted->settings.ip_qos),
		.full_ttl = 64,
	};
	memcpy(config.control_ports, options->control_ports, sizeof(options->control_ports));
	return config;
}

struct errand session_errand(const struct session *session)
{
	struct plan_config config = session_plan(session);
	struct errand errand = {
		.target = session->run->address,
		.route = session->route,
		.reference = session->reference.address,
		.reference_route = session->reference_route,
	};
	licence_grant(&errand.licence, &config, session->run->port);
	for (unsigned i = 0; i < SESSION_SOCKETS; i++)
		errand.socket[i] = session->socket[i].fd;
	return errand;
}

static void note_addresses(struct session *session)
{
	const struct home *home = &session->wire->home;
	uint8_t family = session->run->address.family, other = session->reference.address.family;
	char text[ADDRESS_TEXT];
	for (size_t i = 0; i < home->count; i++) {
		const struct address *address = &home->address[i];
		if ((address->family == family || address->family == other) &&
		    !address_equal(address, &session->route.source))
			run_event(session->run,
				  &(struct event){ .kind = EVENT_LOCAL,
						   .time_ns = session->run->started_ns,
						   .text = address_text(address, text) });
	}
}

void session_attach(struct session *session, struct wire *wire)
{
	const struct route *route = &session->route;
	struct run *run = session->run;
	session->wire = wire;
	note_route(session);
	mark_sockets(session);
	note_mark(session);
	note_addresses(session);
	for (size_t i = 0; i < wire->capture_count; i++)
		run->interfaces[run->interface_count++] = (struct run_interface){
			.name = arena_string(&run->arena, wire->interface[i]),
			.link = capture_link(wire->capture[i]),
		};
	if (session->reference.address.family != 0 && session->reference_route.error == 0)
		(void)neighbour_ask(session->netlink, &session->reference_route);
	if (route->error != 0)
		return;
	run->interface = arena_string(&run->arena, route->interface);
	run->local_address = route->source;
	run->mtu = route->mtu;
	session->hop_asked = neighbour_ask(session->netlink, route);
}

void session_craft(struct session *session)
{
	const char *limit = courier_limit(session->courier, session->index);
	if (session->route.error != 0)
		return;
	session->crafts = limit == NULL;
	if (limit != NULL)
		note_limit(session, "crafted packets", limit);
	else if (!session->hop_asked)
		note_limit(session, "the next hop's address, unless the kernel asks for it",
			   "CAP_NET_ADMIN is missing");
}

void session_close(struct session *session)
{
	for (unsigned i = 0; i < SESSION_SOCKETS; i++) {
		struct session_socket *s = &session->socket[i];
		if (s->handshake != NULL)
			handshake_free(s->handshake);
		if (s->fd >= 0)
			close(s->fd);
	}
	plan_free(session->plan);
	session_init(session);
}

const char *session_led_to(const struct session *session, const struct session_socket *s,
			   char text[PEER_TEXT])
{
	struct sockaddr_storage name = { 0 };
	socklen_t length = sizeof(name);
	bool reference = s == &session->socket[SESSION_SOCKETS - 1];
	const struct address *asked =
		reference ? &session->reference.address : &session->run->address;
	if (getpeername(s->fd, (struct sockaddr *)&name, &length) != 0)
		return NULL;
	uint16_t port = 0;
	char words[ADDRESS_TEXT];
	struct address peer = address_from_sockaddr((struct sockaddr *)&name, &port);
	if (peer.family == 0)
		return "another kind of socket";
	if (port == s->remote_port && address_equal(&peer, asked))
		return NULL;
	snprintf(text, PEER_TEXT, "%s port %u", address_text(&peer, words), port);
	return text;
}

bool run_healthy(const struct run *run)
{
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].kind == EVENT_AUTH)
			return true;
	return false;
}
