/* Opening and closing; the loop is in loop.c. */
#include "drive/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/tcp.h>

static bool open_capture(struct session *session, const char *interface, struct error *error)
{
	char filter[96];
	const struct ports *ports = &session->ports;
	snprintf(filter, sizeof(filter), "tcp portrange %u-%u or tcp portrange %u-%u or icmp or icmp6",
		 ports->kernel, ports->kernel + PLAN_KERNEL_PORTS - 1, ports->crafted,
		 ports->crafted + PLAN_CRAFTED_PORTS - 1);
	uint32_t index = (uint32_t)session->capture_count;
	struct capture *capture = capture_open(interface, filter, index, error);
	if (capture == NULL)
		return false;
	session->capture[session->capture_count++] = capture;
	struct run *run = session->run;
	run->interfaces[run->interface_count].name = arena_string(&run->arena, interface);
	run->interfaces[run->interface_count++].link = capture_link(capture);
	return true;
}

static bool bind_port(int fd, const struct session *session, uint16_t port)
{
	struct address any = { .family = session->run->address.family };
	struct sockaddr_storage local;
	socklen_t length = address_to_sockaddr(&any, port, 0, &local);
	return bind(fd, (struct sockaddr *)&local, length) == 0;
}

/* A socket's owner is who made it, whoever connects it: rules that match on a user
 * see the one whose ssh fails, also when root has become nobody by then. */
static int open_socket(const struct session *session, uint16_t port)
{
	int family = session->run->address.family == 6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (session->options->interface != NULL)
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, session->options->interface,
			   (socklen_t)strlen(session->options->interface));
	if (!bind_port(fd, session, port)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool open_sockets(struct session *session, const struct person *person,
			 struct error *error)
{
	uid_t self = geteuid();
	if (person->sudo && seteuid(person->uid) != 0)
		return error_set(error, EXIT_NOT_PERMITTED, "cannot open sockets as uid %u: %s",
				 (unsigned)person->uid, strerror(errno));
	bool opened = true;
	for (unsigned i = 0; i < SESSION_SOCKETS; i++) {
		struct session_socket *s = &session->socket[i];
		s->local_port = (uint16_t)(session->ports.kernel + i);
		s->fd = open_socket(session, s->local_port);
		opened &= s->fd >= 0;
	}
	int cause = errno;
	if (person->sudo && seteuid(self) != 0)
		return error_set(error, EXIT_NOT_PERMITTED, "cannot go back to uid %u",
				 (unsigned)self);
	if (!opened)
		return error_set(error, EXIT_UNAVAILABLE, "local ports from %u: %s",
				 session->ports.kernel, strerror(cause));
	return true;
}

static void note_route(struct session *session)
{
	const struct route *route = &session->route;
	char source[ADDRESS_TEXT], hop[ADDRESS_TEXT], text[256];
	if (route->error != 0)
		snprintf(text, sizeof(text), "%s", strerror(route->error));
	else
		snprintf(text, sizeof(text), "%s %s dev %s src %s mtu %u",
			 route->on_link ? "on-link" : "via",
			 address_text(&route->next_hop, hop), route->interface,
			 address_text(&route->source, source), route->mtu);
	int error = route->error == 0 && !route->up ? ENETDOWN : route->error;
	run_event(session->run, &(struct event){ .kind = EVENT_ROUTE,
						 .time_ns = session->run->started_ns,
						 .error = error,
						 .text = text });
}

static void note_limit(struct session *session, const char *what, const struct error *error)
{
	char text[512];
	snprintf(text, sizeof(text), "%s: %s", what, error->text);
	run_event(session->run, &(struct event){ .kind = EVENT_LIMIT,
						 .time_ns = session->run->started_ns,
						 .text = text });
}

/* Captures and crafting sockets; without a route there is nothing to listen on. */
static bool open_wire(struct session *session, struct error *error)
{
	const struct route *route = &session->route;
	struct run *run = session->run;
	run->interface = arena_string(&run->arena, route->interface);
	run->local_address = route->source;
	run->mtu = route->mtu;
	if (!open_capture(session, route->interface, error))
		return false;
	if (!route->local && !open_capture(session, "lo", error)) {
		note_limit(session, "redirects to this machine itself", error);
		*error = (struct error){ 0 };
	}
	struct error crafting = { 0 };
	session->craft = craft_open(&run->address, route, &crafting);
	if (session->craft == NULL)
		note_limit(session, "crafted packets", &crafting);
	else if (!neighbour_ask(route))
		note_limit(session, "the next hop's address, when no packet of the kernel's leaves",
			   &(struct error){ .text = "it cannot be asked for" });
	return true;
}

bool session_open(struct session *session, const struct drive_options *options,
		  const struct address *address, const struct person *person,
		  const struct ports *ports, struct run *run, struct error *error)
{
	*session = (struct session){ .run = run, .options = options, .ports = *ports };
	for (unsigned i = 0; i < SESSION_SOCKETS; i++)
		session->socket[i].fd = -1;
	run->address = *address;
	if (!route_lookup(address, options->interface, person->uid, &session->route, error) ||
	    !open_sockets(session, person, error))
		return false;
	note_route(session);
	if (session->route.error != 0)
		return true;
	return open_wire(session, error);
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
	for (size_t i = 0; i < session->capture_count; i++)
		capture_close(session->capture[i]);
	craft_close(session->craft);
	plan_free(session->plan);
}
