#include "route/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void netlink_begin(union netlink_request *request, uint16_t type, uint16_t flags, const void *body,
		   size_t length)
{
	memset(request, 0, sizeof(*request));
	mnl_nlmsg_put_header(request->bytes);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(&request->header, length), body, length);
}

void netlink_put_address(union netlink_request *request, uint16_t type,
			 const struct address *address)
{
	mnl_attr_put(&request->header, type, address->family == 6 ? 16 : 4, address->bytes);
}

const void *netlink_body(const struct nlmsghdr *message, size_t length)
{
	if (mnl_nlmsg_get_payload_len(message) >= length)
		return mnl_nlmsg_get_payload(message);
	errno = EBADMSG;
	return NULL;
}

void netlink_value(const struct nlattr *attribute, void *out, size_t length)
{
	if (mnl_attr_get_payload_len(attribute) >= length)
		memcpy(out, mnl_attr_get_payload(attribute), length);
}

/* -- the exchange ------------------------------------------------------------------- */

struct netlink_exchange {
	mnl_cb_t take;
	void *context;
	int refusal;
};

static int take_answer(const struct nlmsghdr *message, void *context)
{
	struct netlink_exchange *exchange = context;

	return exchange->take != NULL ? exchange->take(message, exchange->context) : MNL_CB_OK;
}

/* NLMSG_ERROR: an acknowledgement when its error is 0. */
static int take_refusal(const struct nlmsghdr *message, void *context)
{
	struct netlink_exchange *exchange = context;
	const struct nlmsgerr *refusal = netlink_body(message, sizeof(*refusal));

	if (refusal == NULL)
		return MNL_CB_ERROR;
	exchange->refusal = -refusal->error;
	return MNL_CB_STOP;
}

/* Connected to the kernel, the socket takes nothing from other processes: only then is what
 * comes the kernel's answer, for the library does not look at the sender. */
static bool open_to_kernel(int fd)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return fd >= 0 && connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) == 0;
}

bool netlink_open(struct netlink *netlink, struct error *error)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	*netlink = (struct netlink){ .fd = fd };
	if (open_to_kernel(fd))
		return true;
	error_set(error, EXIT_UNAVAILABLE, "netlink socket: %s", strerror(errno));
	netlink_close(netlink);
	return false;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->fd >= 0)
		close(netlink->fd);
	netlink->fd = -1;
}

union netlink_reply {
	struct nlmsghdr header;
	char bytes[8192]; /* the most that the kernel puts into one answer */
};

/* The answer to our last question; the one before may have been given up. The kernel answers
 * before send() returns: what is not there then does not come. */
static ssize_t receive(const struct netlink *netlink, union netlink_reply *reply)
{
	ssize_t got;

	do {
		got = recv(netlink->fd, reply, sizeof(*reply), MSG_DONTWAIT | MSG_TRUNC);
	} while (got >= (ssize_t)sizeof(reply->header) &&
		 reply->header.nlmsg_seq != netlink->sequence);
	if (got <= (ssize_t)sizeof(*reply))
		return got;
	errno = EMSGSIZE;
	return -1;
}

/* Whatever address the kernel gave the socket, connect() chose it: it need not be asked for. */
static bool exchange_over(struct netlink *netlink, union netlink_request *request,
			  struct netlink_exchange *exchange)
{
	mnl_cb_t control[] = { [NLMSG_ERROR] = take_refusal };
	union netlink_reply reply;

	request->header.nlmsg_seq = ++netlink->sequence;
	if (send(netlink->fd, request, request->header.nlmsg_len, 0) < 0)
		return false;
	ssize_t got = receive(netlink, &reply);
	return got >= 0 && mnl_cb_run2(&reply, (size_t)got, netlink->sequence, 0, take_answer,
				       exchange, control, MNL_ARRAY_SIZE(control)) >= 0;
}

bool netlink_ask(struct netlink *netlink, union netlink_request *request, mnl_cb_t take,
		 void *context, int *refusal, struct error *error)
{
	struct netlink_exchange exchange = { .take = take, .context = context };
	bool done = exchange_over(netlink, request, &exchange);

	*refusal = exchange.refusal;
	return done || error_set(error, EXIT_UNAVAILABLE, "netlink: %s", strerror(errno));
}
