#include "route/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's NLMSG_ALIGN and NLA_ALIGN (both 4) without their signed arithmetic. */
static size_t aligned(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

void netlink_begin(struct netlink_request *request, uint16_t type, const void *body, size_t length)
{
	struct nlmsghdr header = { .nlmsg_type = type,
				   .nlmsg_flags = NLM_F_REQUEST,
				   .nlmsg_seq = 1 };

	memset(request, 0, sizeof(*request));
	memcpy(request->bytes, &header, sizeof(header));
	memcpy(request->bytes + NLMSG_HDRLEN, body, length);
	request->length = NLMSG_HDRLEN + aligned(length);
}

void netlink_attribute(struct netlink_request *request, uint16_t type, const void *value,
		       size_t length)
{
	struct nlattr header = { .nla_type = type,
				 .nla_len = (uint16_t)(sizeof(struct nlattr) + length) };

	if (sizeof(struct nlattr) + aligned(length) > sizeof(request->bytes) - request->length)
		return; /* cannot happen: callers add a handful of addresses and numbers */
	memcpy(request->bytes + request->length, &header, sizeof(header));
	memcpy(request->bytes + request->length + sizeof(struct nlattr), value, length);
	request->length += sizeof(struct nlattr) + aligned(length);
}

static bool exchange(int fd, const struct netlink_request *request, uint8_t *bytes, size_t room,
		     size_t *received)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct sockaddr_nl from = { 0 };
	socklen_t from_length = sizeof(from);
	struct nlmsghdr header;
	uint8_t sent[sizeof(request->bytes)];

	memcpy(sent, request->bytes, request->length);
	memcpy(&header, sent, sizeof(header));
	header.nlmsg_len = (uint32_t)request->length;
	memcpy(sent, &header, sizeof(header));
	if (sendto(fd, sent, request->length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return false;
	ssize_t got = recvfrom(fd, bytes, room, 0, (struct sockaddr *)&from, &from_length);
	if (got < 0)
		return false;
	if (from.nl_pid !=
	    0) { /* another process may write to our port; only pid 0 is the kernel */
		errno = EPROTO;
		return false;
	}
	*received = (size_t)got;
	return true;
}

static bool parse(struct netlink_reply *reply, size_t received, struct error *error)
{
	struct cursor all = cursor_over(reply->bytes, received);
	struct nlmsghdr header;
	int code = 0;

	netlink_value(all, &header, sizeof(header));
	cursor_skip(&all, NLMSG_HDRLEN);
	if (all.failed || header.nlmsg_len < NLMSG_HDRLEN)
		return error_set(error, EXIT_UNAVAILABLE, "netlink: the answer is no message");
	reply->body = cursor_part(&all, header.nlmsg_len - NLMSG_HDRLEN);
	if (reply->body.failed)
		return error_set(error, EXIT_UNAVAILABLE, "netlink: the answer is cut short");
	if (header.nlmsg_type == NLMSG_ERROR)
		netlink_value(reply->body, &code, sizeof(code));
	reply->error = -code;
	return true;
}

bool netlink_ask(const struct netlink_request *request, struct netlink_reply *reply,
		 struct error *error)
{
	size_t received = 0;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return error_set(error, EXIT_UNAVAILABLE, "netlink socket: %s", strerror(errno));
	bool done = exchange(fd, request, reply->bytes, sizeof(reply->bytes), &received);
	int cause = errno;
	close(fd);
	if (!done)
		return error_set(error, EXIT_UNAVAILABLE, "netlink: %s", strerror(cause));
	return parse(reply, received, error);
}

bool netlink_next(struct cursor *from, uint16_t *type, struct cursor *value)
{
	struct nlattr header;

	if (from->failed || from->left < sizeof(struct nlattr))
		return false;
	netlink_value(*from, &header, sizeof(header));
	cursor_skip(from, sizeof(struct nlattr));
	if (header.nla_len < sizeof(struct nlattr)) {
		from->failed = true;
		return false;
	}
	size_t length = (size_t)(header.nla_len - sizeof(struct nlattr));
	*value = cursor_part(from, length);
	size_t padding = aligned(length) - length;
	cursor_skip(from, padding < from->left ? padding : from->left);
	*type = header.nla_type & (uint16_t)NLA_TYPE_MASK;
	return !value->failed;
}

void netlink_value(struct cursor value, void *out, size_t length)
{
	const uint8_t *bytes = cursor_take(&value, length);

	if (bytes != NULL)
		memcpy(out, bytes, length);
	else
		memset(out, 0, length);
}
