#include "loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- a connection over the loopback interface ------------------------------------- */

struct link connect_link(void)
{
	struct link link;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
	link.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(link.client, (struct sockaddr *)&address, length), 0);
	assert_int_equal(fcntl(link.client, F_SETFL, O_NONBLOCK), 0);
	link.server = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(link.server >= 0);
	close(listening);
	return link;
}

void reset_server(struct link *link)
{
	struct linger now = { .l_onoff = 1 };
	setsockopt(link->server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(link->server);
	link->server = -1;
}

void settle(struct handshake *handshake, struct link *link, int64_t now_ns)
{
	for (int i = 0; i < 2000; i++) {
		if (handshake_step(handshake, now_ns) == HANDSHAKE_DONE)
			return;
		struct pollfd poll_fd = { .fd = link->client,
					  .events = handshake_poll_events(handshake) };
		if (poll(&poll_fd, 1, 60) == 0)
			return;
	}
	fail_msg("it never comes to rest");
}

int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(fd);
	return fd;
}
