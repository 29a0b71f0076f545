#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "route/netlink.h"
#include "route/route.h"

/* What the kernel's answer says, before interface and source are filled in. */
struct answer {
	struct rtmsg head;
	int oif;
	struct address source, gateway;
	uint32_t mtu;
	int error; /* RTA_CACHEINFO's, IPv6 */
};

static uint8_t family_of(const struct address *address)
{
	return address->family == 6 ? AF_INET6 : AF_INET;
}

static size_t size_of(const struct address *address)
{
	return address->family == 6 ? 16 : 4;
}

static struct address address_in(struct cursor value)
{
	uint8_t bytes[16] = { 0 };

	netlink_value(value, bytes, value.left == 16 ? 16 : 4);
	if (value.left == 16)
		return address_v6(bytes);
	return value.left == 4 ? address_v4(bytes) : (struct address){ 0 };
}

/* struct rtvia: a next hop of the other family (RFC 5549 style routes). */
static struct address address_via(struct cursor value)
{
	cursor_skip(&value, sizeof(((struct rtvia *)0)->rtvia_family));
	return address_in(value);
}

static uint32_t metrics_mtu(struct cursor metrics)
{
	uint16_t type;
	struct cursor value;
	uint32_t mtu = 0;

	while (netlink_next(&metrics, &type, &value))
		if (type == RTAX_MTU)
			netlink_value(value, &mtu, sizeof(mtu));
	return mtu;
}

static void read_answer(struct cursor body, struct answer *answer)
{
	uint16_t type;
	struct cursor value;
	struct rta_cacheinfo cache;

	memset(answer, 0, sizeof(*answer));
	netlink_value(body, &answer->head, sizeof(answer->head));
	cursor_skip(&body, NLMSG_ALIGN(sizeof(answer->head)));
	while (netlink_next(&body, &type, &value)) {
		switch (type) {
		case RTA_OIF:
			netlink_value(value, &answer->oif, sizeof(answer->oif));
			break;
		case RTA_PREFSRC:
			answer->source = address_in(value);
			break;
		case RTA_GATEWAY:
			answer->gateway = address_in(value);
			break;
		case RTA_VIA:
			answer->gateway = address_via(value);
			break;
		case RTA_METRICS:
			answer->mtu = metrics_mtu(value);
			break;
		case RTA_CACHEINFO:
			netlink_value(value, &cache, sizeof(cache));
			answer->error = (int)cache.rta_error;
			break;
		}
	}
}

/* IPv4 answers a refusing route with an error message, IPv6 with the route itself. */
static int refusal(const struct answer *answer)
{
	switch (answer->head.rtm_type) {
	case RTN_BLACKHOLE:
		return EINVAL;
	case RTN_PROHIBIT:
		return EACCES;
	case RTN_UNREACHABLE:
		return EHOSTUNREACH;
	case RTN_THROW:
		return ENETUNREACH;
	}
	return answer->error < 0 ? -answer->error : answer->error;
}

/* `port` 0: whatever flow it may be. */
static void ask_for(const struct address *target, unsigned index, uid_t uid, uint16_t port,
		    struct netlink_request *request)
{
	uint8_t protocol = IPPROTO_TCP;
	uint16_t destination = htons(port);
	struct rtmsg head = { .rtm_family = family_of(target),
			      .rtm_dst_len = (unsigned char)(size_of(target) * 8) };

	netlink_begin(request, RTM_GETROUTE, &head, sizeof(head));
	netlink_attribute(request, RTA_DST, target->bytes, size_of(target));
	netlink_attribute(request, RTA_UID, &uid, sizeof(uid)); /* "ip rule ... uidrange" */
	if (index != 0)
		netlink_attribute(request, RTA_OIF, &index, sizeof(index));
	if (port == 0)
		return;
	netlink_attribute(request, RTA_IP_PROTO, &protocol, sizeof(protocol));
	netlink_attribute(request, RTA_DPORT, &destination, sizeof(destination));
}

static bool is_up(const struct ifreq *request)
{
	return (request->ifr_flags & IFF_UP) != 0 && (request->ifr_flags & IFF_RUNNING) != 0;
}

static bool has_addresses(uint16_t hardware)
{
	return hardware == ARPHRD_ETHER;
}

/* Name, flags, MTU and hardware type; what cannot be asked stays zero. */
static void fill_interface(struct route *route)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (if_indextoname(route->index, route->interface) == NULL || fd < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	memcpy(request.ifr_name, route->interface, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
		route->up = is_up(&request);
	if (route->mtu == 0 && ioctl(fd, SIOCGIFMTU, &request) == 0)
		route->mtu = (uint32_t)request.ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, &request) == 0)
		route->hardware = request.ifr_hwaddr.sa_family;
	route->has_link_address = has_addresses(route->hardware);
	close(fd);
}

/* The source a connect() would bind to: a datagram connect() sends nothing. */
static struct address picked_source(const struct address *target, const struct route *route)
{
	struct sockaddr_storage name = { 0 };
	struct address source = { 0 };
	socklen_t length = address_to_sockaddr(target, 9, route->index, &name);
	int fd = socket(family_of(target), SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return source;
	if (route->bound)
		(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, route->interface,
				 (socklen_t)strlen(route->interface));
	if (connect(fd, (struct sockaddr *)&name, length) == 0) {
		length = sizeof(name);
		if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
			source = address_from_sockaddr((struct sockaddr *)&name, NULL);
	}
	close(fd);
	return source;
}

static void fill_route(const struct address *target, const struct answer *answer,
		       struct route *route)
{
	route->local = answer->head.rtm_type == RTN_LOCAL;
	/* the route of an own address may name its interface; the packets pass lo */
	route->index = route->local ? if_nametoindex("lo") : (unsigned)answer->oif;
	route->on_link = answer->gateway.family == 0;
	route->next_hop = route->on_link ? *target : answer->gateway;
	route->mtu = answer->mtu;
	fill_interface(route);
	route->source = answer->source.family != 0 ? answer->source : picked_source(target, route);
}

bool route_lookup(const struct address *target, const char *interface, uid_t uid,
		  struct route *route, struct error *error)
{
	struct netlink_request request;
	struct netlink_reply reply;
	struct answer answer;
	unsigned index = 0;

	memset(route, 0, sizeof(*route));
	route->uid = uid;
	route->bound = interface != NULL;
	if (interface != NULL && (index = if_nametoindex(interface)) == 0)
		return error_set(error, EXIT_UNAVAILABLE, "no such interface: %s", interface);
	ask_for(target, index, uid, 0, &request);
	if (!netlink_ask(&request, &reply, error))
		return error_context(error, "route lookup");
	route->error = reply.error;
	if (route->error != 0)
		return true;
	read_answer(reply.body, &answer);
	route->error = refusal(&answer);
	if (route->error == 0)
		fill_route(target, &answer, route);
	return true;
}

int route_refuses_port(const struct address *target, const struct route *route, uint16_t port)
{
	struct netlink_request request;
	struct netlink_reply reply;
	struct answer answer;
	struct error error = { 0 };

	if (route->error != 0)
		return 0;
	ask_for(target, route->bound ? route->index : 0, route->uid, port, &request);
	if (!netlink_ask(&request, &reply, &error))
		return 0;
	if (reply.error != 0)
		return reply.error;
	read_answer(reply.body, &answer);
	return refusal(&answer);
}
