#include "company/plain.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/escape.h"
#include "company/program.h"
#include "process/child.h"
#include "process/clock.h"
#include "sshwhy/run.h"
#include "user/person.h"
#include "user/privilege.h"

enum { CONNECT_MS = 6000, LISTEN_MS = 4000, IN_ALL_MS = 16000 };

static bool become_ready(int fd, short events, int patience_ms)
{
	struct pollfd wait = { .fd = fd, .events = events };
	return poll(&wait, 1, patience_ms) > 0;
}

/* 0 or the errno; ETIMEDOUT also where the kernel would try for longer. */
static int try_connect(int fd, const struct addrinfo *to)
{
	int error = 0;
	socklen_t length = sizeof(error);
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (!become_ready(fd, POLLOUT, CONNECT_MS))
		return ETIMEDOUT;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

/* What it says first, in words. */
static void listen_to(int fd, char *text, size_t room)
{
	char said[256] = "", safe[512];
	ssize_t got = become_ready(fd, POLLIN, LISTEN_MS) ? read(fd, said, sizeof(said) - 1) : -2;
	said[got > 0 ? strcspn(said, "\r\n") : 0] = '\0';
	if (got == -2)
		snprintf(text, room, "it accepts the connection and says nothing");
	else if (got < 0)
		snprintf(text, room, "it accepts the connection and ends it: %s", strerror(errno));
	else if (got == 0)
		snprintf(text, room, "it accepts the connection and closes it without a word");
	else
		snprintf(text, room, "it answers \"%s\"", escape_text(said, safe, sizeof(safe)));
}

static void try_address(const struct addrinfo *to, char *text, size_t room)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = fd < 0 ? errno : try_connect(fd, to);
	if (error != 0)
		snprintf(text, room, "a connection fails: %s", strerror(error));
	else
		listen_to(fd, text, room);
	if (fd >= 0)
		close(fd);
}

static void try_all(const struct plain_wish *wish, char *text, size_t room)
{
	char port[8], numeric[NI_MAXHOST] = "?", what[700] = "";
	struct addrinfo *found = NULL, hints = { .ai_socktype = SOCK_STREAM,
						 .ai_family = wish->family == 4	  ? AF_INET
							      : wish->family == 6 ? AF_INET6
										  : AF_UNSPEC };
	snprintf(port, sizeof(port), "%u", wish->port);
	int error = getaddrinfo(wish->hostname, port, &hints, &found);
	if (error != 0) {
		snprintf(text, room, "%.300s does not resolve: %s", wish->hostname,
			 gai_strerror(error));
		return;
	}
	(void)getnameinfo(found->ai_addr, found->ai_addrlen, numeric, sizeof(numeric), NULL, 0,
			  NI_NUMERICHOST);
	try_address(found, what, sizeof(what));
	snprintf(text, room, "%.100s port %u, tried by hand: %s", numeric, wish->port, what);
	freeaddrinfo(found);
}

/* Without packets nothing tells who is silent or refuses. */
static int work(int fd, void *context)
{
	static const char *const lacking[] = { "packets: no right to capture" };
	const struct plain_wish *wish = context;
	char text[1024];
	struct error error;
	struct person person;
	struct found_out finding = { 0 };
	person_find(&person);
	if (!program_drop(&person, &error) || !privilege_shed())
		return EXIT_FAILURE;
	int64_t started_ns = clock_ns(CLOCK_REALTIME);
	try_all(wish, text, sizeof(text));
	struct report report = { .host = wish->host,
				 .port = wish->port,
				 .vantage = vantage_names[VANTAGE_CLIENT],
				 .deployment = deployment_names[DEPLOYMENT_UNKNOWN],
				 .outcome = OUTCOME_UNKNOWN,
				 .cause = CAUSE_UNKNOWN,
				 .summary = text,
				 .started_ns = started_ns,
				 .not_observed = lacking,
				 .not_observed_count = 1 };
	finding_of_report(&finding, &report, wish->color);
	bool sent = finding_send(fd, &finding);
	finding_free(&finding);
	return sent ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool plain_try(const struct plain_wish *wish, int stop, struct found_out *finding)
{
	int ends[2];
	struct child child;
	memset(finding, 0, sizeof(*finding));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	bool made = child_start(&child, "sshwhy: connects", ends[1], work, (void *)(uintptr_t)wish);
	close(ends[1]);
	struct pollfd wait[] = { { .fd = ends[0], .events = POLLIN },
				 { .fd = stop, .events = POLLIN } };
	made = made && poll(wait, 2, IN_ALL_MS) > 0 && wait[0].revents != 0 &&
	       finding_receive(ends[0], finding) && finding->kind == FINDING_MADE;
	close(ends[0]);
	(void)child_end(&child);
	return made;
}
