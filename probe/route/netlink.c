#include "route/netlink.h"

#include <errno.h>
#include <string.h>

enum { SEQUENCE = 1 }; /* a socket asks one question */

void netlink_begin(union netlink_request *request, uint16_t type, uint16_t flags, const void *body,
		   size_t length)
{
	memset(request, 0, sizeof(*request));
	mnl_nlmsg_put_header(request->bytes);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	request->header.nlmsg_seq = SEQUENCE;
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
static bool open_to_kernel(const struct mnl_socket *socket)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return connect(mnl_socket_get_fd(socket), (const struct sockaddr *)&kernel,
		       sizeof(kernel)) == 0;
}

static bool exchange_over(struct mnl_socket *socket, const union netlink_request *request,
			  struct netlink_exchange *exchange)
{
	mnl_cb_t control[] = { [NLMSG_ERROR] = take_refusal };
	union {
		struct nlmsghdr header;
		char bytes[8192]; /* the most that the kernel puts into one answer */
	} reply;

	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 || !open_to_kernel(socket) ||
	    mnl_socket_sendto(socket, request, request->header.nlmsg_len) < 0)
		return false;
	ssize_t got = mnl_socket_recvfrom(socket, &reply, sizeof(reply));
	return got >= 0 &&
	       mnl_cb_run2(&reply, (size_t)got, SEQUENCE, mnl_socket_get_portid(socket),
			   take_answer, exchange, control, MNL_ARRAY_SIZE(control)) >= 0;
}

bool netlink_ask(union netlink_request *request, mnl_cb_t take, void *context, int *refusal,
		 struct error *error)
{
	struct netlink_exchange exchange = { .take = take, .context = context };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (socket == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "netlink socket: %s", strerror(errno));
	bool done = exchange_over(socket, request, &exchange);
	int cause = errno;
	mnl_socket_close(socket);
	*refusal = exchange.refusal;
	return done || error_set(error, EXIT_UNAVAILABLE, "netlink: %s", strerror(cause));
}
