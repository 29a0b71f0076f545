#include "route/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "route/netlink.h"
#include "sshwhy/shortage.h"

/* What the kernel's answer says, before interface and source are filled in. */
struct answer {
	struct rtmsg head;
	int oif;
	struct address source, gateway;
	uint32_t mtu;
	int error; /* the errno it amounts to */
};

static uint8_t family_of(const struct address *address)
{
	return address->family == 6 ? AF_INET6 : AF_INET;
}

static struct address address_of(const void *bytes, size_t length)
{
	if (length == 16)
		return address_v6(bytes);
	return length == 4 ? address_v4(bytes) : (struct address){ 0 };
}

static struct address address_in(const struct nlattr *attribute)
{
	return address_of(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
}

/* struct rtvia: a next hop of the other family (RFC 5549 style routes). */
static struct address address_via(const struct nlattr *attribute)
{
	const struct rtvia *via = mnl_attr_get_payload(attribute);
	size_t length = mnl_attr_get_payload_len(attribute);

	if (length < sizeof(*via))
		return (struct address){ 0 };
	return address_of(via->rtvia_addr, length - sizeof(*via));
}

static int take_metric(const struct nlattr *attribute, void *context)
{
	struct answer *answer = context;

	if (mnl_attr_get_type(attribute) == RTAX_MTU)
		netlink_value(attribute, &answer->mtu, sizeof(answer->mtu));
	return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attribute, void *context)
{
	struct answer *answer = context;
	struct rta_cacheinfo cache = { 0 };

	switch (mnl_attr_get_type(attribute)) {
	case RTA_OIF:
		netlink_value(attribute, &answer->oif, sizeof(answer->oif));
		break;
	case RTA_PREFSRC:
		answer->source = address_in(attribute);
		break;
	case RTA_GATEWAY:
		answer->gateway = address_in(attribute);
		break;
	case RTA_VIA:
		answer->gateway = address_via(attribute);
		break;
	case RTA_METRICS:
		return mnl_attr_parse_nested(attribute, take_metric, answer);
	case RTA_CACHEINFO:
		netlink_value(attribute, &cache, sizeof(cache));
		answer->error = (int)cache.rta_error;
		break;
	}
	return MNL_CB_OK;
}

static int take_answer(const struct nlmsghdr *message, void *context)
{
	struct answer *answer = context;
	const struct rtmsg *head = netlink_body(message, sizeof(*head));

	if (head == NULL)
		return MNL_CB_ERROR;
	answer->head = *head;
	return mnl_attr_parse(message, sizeof(*head), take_attribute, answer);
}

/* IPv4 answers a refusing route with an error message, IPv6 with the route itself, and its
 * error in RTA_CACHEINFO. */
static int refusal_error(const struct answer *answer)
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

struct flow_question {
	const struct address *target, *source; /* source NULL: the kernel chooses */
	unsigned index;			       /* of an interface; 0: any */
	uid_t uid;
	uint16_t port; /* 0: whatever flow it may be */
};

/* What the kernel would do with such a flow. */
static bool ask_for(struct netlink *netlink, const struct flow_question *flow,
		    struct answer *answer, struct error *error)
{
	union netlink_request request;
	struct rtmsg head = { .rtm_family = family_of(flow->target),
			      .rtm_dst_len = flow->target->family == 6 ? 128 : 32 };
	if (flow->source != NULL)
		head.rtm_src_len = head.rtm_dst_len;
	int refused;

	memset(answer, 0, sizeof(*answer));
	netlink_begin(&request, RTM_GETROUTE, 0, &head, sizeof(head));
	netlink_put_address(&request, RTA_DST, flow->target);
	mnl_attr_put_u32(&request.header, RTA_UID, flow->uid); /* "ip rule ... uidrange" */
	if (flow->source != NULL)			       /* "ip rule ... from" */
		netlink_put_address(&request, RTA_SRC, flow->source);
	if (flow->index != 0)
		mnl_attr_put_u32(&request.header, RTA_OIF, flow->index);
	if (flow->port != 0) {
		mnl_attr_put_u8(&request.header, RTA_IP_PROTO, IPPROTO_TCP);
		mnl_attr_put_u16(&request.header, RTA_DPORT, htons(flow->port));
	}
	if (!netlink_ask(netlink, &request, take_answer, answer, &refused, error))
		return false;
	answer->error = refused != 0 ? refused : refusal_error(answer);
	return true;
}

static bool is_up(const struct ifreq *request)
{
	return (request->ifr_flags & IFF_UP) != 0 && (request->ifr_flags & IFF_RUNNING) != 0;
}

static bool has_addresses(uint16_t hardware)
{
	return hardware == ARPHRD_ETHER;
}

static bool ask_interface(int fd, struct route *route)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, route->interface, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		return false;
	route->up = is_up(&request);
	if (route->mtu == 0) {
		if (ioctl(fd, SIOCGIFMTU, &request) != 0)
			return false;
		route->mtu = (uint32_t)request.ifr_mtu;
	}
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		return false;
	route->hardware = request.ifr_hwaddr.sa_family;
	route->has_link_address = has_addresses(route->hardware);
	return true;
}

/* Name, flags, MTU and hardware type. */
static bool fill_interface(struct route *route, struct error *error)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool told = fd >= 0 && if_indextoname(route->index, route->interface) != NULL &&
		    ask_interface(fd, route);
	int cause = errno;

	if (fd >= 0)
		close(fd);
	return told ||
	       error_set(error, EXIT_UNAVAILABLE, "the route's interface: %s", strerror(cause));
}

/* The source a connect() would bind to: a datagram connect() sends nothing. */
static bool pick_source_by(int fd, const struct address *target, struct route *route)
{
	struct sockaddr_storage name = { 0 };
	socklen_t length = address_to_sockaddr(target, 9, route->scope, &name);

	if (route->bound && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, route->interface,
				       (socklen_t)strlen(route->interface)) != 0)
		return false;
	if (connect(fd, (struct sockaddr *)&name, length) != 0) /* perhaps there is no address */
		return errno == EADDRNOTAVAIL || !is_shortage(ASKED_CONNECT, errno);
	length = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
		return false;
	route->source = address_from_sockaddr((struct sockaddr *)&name, NULL);
	return true;
}

static unsigned interface_with(const struct address *address)
{
	struct ifaddrs *all;
	unsigned index = 0;
	if (getifaddrs(&all) != 0)
		return 0;
	for (const struct ifaddrs *one = all; one != NULL && index == 0; one = one->ifa_next) {
		struct address its = { 0 };
		if (one->ifa_addr != NULL)
			its = address_from_sockaddr(one->ifa_addr, NULL);
		if (address_equal(&its, address))
			index = if_nametoindex(one->ifa_name);
	}
	freeifaddrs(all);
	return index;
}

/* Where it leads nowhere else, every answer would be this machine's own. */
static bool leads_astray(const struct route *route)
{
	return route->hardware == ARPHRD_LOOPBACK && !route->local;
}

static bool pick_source(const struct address *target, struct route *route, struct error *error)
{
	int fd = socket(family_of(target), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool picked = fd >= 0 && pick_source_by(fd, target, route);
	int cause = errno;

	if (fd >= 0)
		close(fd);
	return picked ||
	       error_set(error, EXIT_UNAVAILABLE, "the source address: %s", strerror(cause));
}

static bool fill_route(const struct address *target, const struct answer *answer,
		       struct route *route, struct error *error)
{
	route->local = answer->head.rtm_type == RTN_LOCAL;
	/* the route of an own address may name its interface; the packets pass lo */
	route->index = route->local ? if_nametoindex("lo") : (unsigned)answer->oif;
	if (route->scope == 0)
		route->scope = route->local ? interface_with(target) : route->index;
	route->on_link = answer->gateway.family == 0;
	route->next_hop = route->on_link ? *target : answer->gateway;
	route->mtu = answer->mtu;
	route->source = answer->source;
	if (!fill_interface(route, error))
		return false;
	if (leads_astray(route))
		route->error = EADDRNOTAVAIL;
	return route->source.family != 0 || pick_source(target, route, error);
}

/* -- several next hops --------------------------------------------------------------- */

static void add_way(struct route *route, int index)
{
	if (route->way_count < ROUTE_WAYS &&
	    if_indextoname((unsigned)index, route->way[route->way_count]) != NULL)
		route->way_count++;
}

static int take_next_hops(const struct nlattr *attribute, void *context)
{
	if (mnl_attr_get_type(attribute) != RTA_MULTIPATH)
		return MNL_CB_OK;
	const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
	size_t left = mnl_attr_get_payload_len(attribute);
	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t step = RTNH_ALIGN(hop->rtnh_len);
		add_way(context, hop->rtnh_ifindex);
		left -= step < left ? step : left;
		hop = (const struct rtnexthop *)(const void *)((const char *)hop + step);
	}
	return MNL_CB_OK;
}

static int take_entry(const struct nlmsghdr *message, void *context)
{
	return mnl_attr_parse(message, sizeof(struct rtmsg), take_next_hops, context);
}

/* Flows are spread over the next hops: the kernel's connection may take another one than the
 * packets that are made by hand. Kernels before 4.18 tell one only. */
static void find_ways(struct netlink *netlink, const struct address *target, struct route *route)
{
	union netlink_request request;
	struct rtmsg head = { .rtm_family = family_of(target),
			      .rtm_dst_len = target->family == 6 ? 128 : 32,
			      .rtm_flags = RTM_F_FIB_MATCH };
	int refused;

	netlink_begin(&request, RTM_GETROUTE, 0, &head, sizeof(head));
	netlink_put_address(&request, RTA_DST, target);
	mnl_attr_put_u32(&request.header, RTA_UID, route->uid);
	(void)netlink_ask(netlink, &request, take_entry, route, &refused, NULL);
}

bool route_lookup(struct netlink *netlink, const struct address *target, const char *interface,
		  const struct address *source, uid_t uid, struct route *route, struct error *error)
{
	struct answer answer;
	unsigned index = 0;

	memset(route, 0, sizeof(*route));
	route->uid = uid;
	route->bound = interface != NULL;
	if (interface != NULL && (index = if_nametoindex(interface)) == 0)
		return error_set(error, EXIT_UNAVAILABLE, "no such interface: %s", interface);
	route->scope = index;
	struct flow_question flow = {
		.target = target, .source = source, .index = index, .uid = uid
	};
	if (!ask_for(netlink, &flow, &answer, error))
		return error_context(error, "route lookup");
	if (is_shortage(ASKED_ROUTE, answer.error))
		return error_set(error, EXIT_UNAVAILABLE, "route lookup: %s",
				 strerror(answer.error));
	route->error = answer.error;
	if (route->error != 0)
		return true;
	if (!route->bound)
		find_ways(netlink, target, route);
	if (source != NULL)
		answer.source = *source;
	return fill_route(target, &answer, route, error);
}

int route_refuses_port(struct netlink *netlink, const struct address *target,
		       const struct route *route, uint16_t port)
{
	struct answer answer;
	struct flow_question flow = { .target = target,
				      .index = route->bound ? route->scope : 0,
				      .uid = route->uid,
				      .port = port };

	if (route->error != 0 || !ask_for(netlink, &flow, &answer, NULL))
		return 0;
	return is_shortage(ASKED_ROUTE, answer.error) ? 0 : answer.error;
}

bool route_equal(const struct route *a, const struct route *b)
{
	bool ways = a->way_count == b->way_count;
	for (size_t i = 0; ways && i < a->way_count; i++)
		ways = strcmp(a->way[i], b->way[i]) == 0;
	return ways && a->error == b->error && a->index == b->index && a->scope == b->scope &&
	       address_equal(&a->source, &b->source) && address_equal(&a->next_hop, &b->next_hop) &&
	       a->on_link == b->on_link && a->local == b->local && a->up == b->up &&
	       a->mtu == b->mtu;
}

const char *route_refusal(int error)
{
	switch (error) {
	case EINVAL:
		return "a blackhole route";
	case EACCES:
		return "a prohibit route";
	case EHOSTUNREACH:
		return "an unreachable route, or none from that interface";
	case ENETUNREACH:
		return "there is none";
	case EADDRNOTAVAIL:
		return "the interface leads to this machine alone";
	default:
		return strerror(error);
	}
}
