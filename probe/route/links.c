#include "route/links.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "route/netlink.h"

int links_open(struct error *error)
{
	static const struct sockaddr_nl news = { .nl_family = AF_NETLINK,
						 .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&news, sizeof(news)) == 0)
		return fd;
	error_set(error, EXIT_UNAVAILABLE, "news of interfaces: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct news_taker {
	void (*gone)(void *context, unsigned index);
	void *context;
};

static int take_news(const struct nlmsghdr *message, void *context)
{
	const struct news_taker *taker = context;
	const struct ifinfomsg *link = netlink_body(message, sizeof(*link));

	/* (bridges tell of a port that they lose as of a link) */
	if (link == NULL || link->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	if (message->nlmsg_type == RTM_DELLINK || (link->ifi_flags & IFF_UP) == 0)
		taker->gone(taker->context, (unsigned)link->ifi_index);
	return MNL_CB_OK;
}

void links_read(int fd, void (*gone)(void *context, unsigned index), void *context)
{
	struct news_taker taker = { gone, context };
	struct sockaddr_nl sender = { 0 };
	union {
		struct nlmsghdr header;
		char bytes[8192];
	} news;

	for (;;) {
		socklen_t length = sizeof(sender);
		ssize_t got =
			recvfrom(fd, &news, sizeof(news), 0, (struct sockaddr *)&sender, &length);
		if (got < 0 && errno != EINTR)
			return;
		if (got > 0 && sender.nl_pid == 0) /* the kernel's own */
			(void)mnl_cb_run(&news, (size_t)got, 0, 0, take_news, &taker);
	}
}
