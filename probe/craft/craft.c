#include "craft/craft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include "craft/shape.h"

struct craft {
	int raw, link;
	struct sockaddr_storage target;
	socklen_t target_length;
	struct sockaddr_ll next_hop;
	bool addressed; /* next_hop holds all that the link layer needs */
	bool martian;	/* the kernel would drop our frames unread */
	uint16_t mss;	/* what the route's MTU leaves */
	struct shape shapes[SHAPES];
};

static bool cannot_open(const char *what, struct error *error)
{
	enum exit_code code = errno == EPERM ? EXIT_NOT_PERMITTED : EXIT_UNAVAILABLE;

	return error_set(error, code, "%s socket: %s", what, strerror(errno));
}

static bool set_header_included(int fd, bool six)
{
	int on = 1;

	if (six)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) == 0;
	return setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) == 0;
}

/* The raw way passes the rules of the user whose ssh fails ("meta skuid", "uidrange"):
 * a socket belongs to the file system uid of the moment it was made. CAP_NET_RAW stays. */
static int raw_socket(int family, uid_t uid)
{
	int before = setfsuid(uid);
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	int cause = errno;

	setfsuid((uid_t)before);
	errno = cause;
	return fd;
}

/* Bound only when the user asked for an interface: a bound socket is routed past
 * unreachable routes and policy rules that an ssh of his would meet. */
static bool open_raw(struct craft *craft, bool six, const struct route *route, struct error *error)
{
	craft->raw = raw_socket(six ? AF_INET6 : AF_INET, route->uid);
	if (craft->raw < 0 || !set_header_included(craft->raw, six))
		return cannot_open("raw", error);
	if (route->bound && setsockopt(craft->raw, SOL_SOCKET, SO_BINDTODEVICE, route->interface,
				       (socklen_t)strlen(route->interface)) != 0)
		return cannot_open("raw", error);
	return true;
}

/* Protocol 0: a packet socket that receives nothing, so no queue fills unread. */
static bool open_link(struct craft *craft, bool six, const struct route *route, struct error *error)
{
	craft->link = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (craft->link < 0)
		return cannot_open("packet", error);
	craft->next_hop = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = htons(six ? ETH_P_IPV6 : ETH_P_IP),
		.sll_ifindex = (int)route->index,
		.sll_hatype = route->hardware,
	};
	craft->addressed = !route->has_link_address;
	/* A frame put on lo comes in as from a wire, and IPv4 drops what arrives from a wire
	 * with an own source. That silence must not look like an answer. */
	craft->martian = route->local && !six;
	return true;
}

static uint16_t default_mss(const struct route *route, bool six)
{
	uint32_t headers = six ? 60 : 40;
	uint32_t mtu = route->mtu > headers ? route->mtu : 1500;

	return (uint16_t)(mtu - headers < UINT16_MAX ? mtu - headers : UINT16_MAX);
}

static void set_target(struct craft *craft, const struct address *target, unsigned index)
{
	/* port 0: a raw IPv6 socket takes another number for a protocol and refuses it */
	craft->target_length = address_to_sockaddr(target, 0, index, &craft->target);
}

struct craft *craft_open(const struct address *target, const struct route *route,
			 struct error *error)
{
	bool six = target->family == 6;
	struct craft *craft = calloc(1, sizeof(*craft));

	if (craft == NULL) {
		error_set(error, EXIT_UNAVAILABLE, "craft: out of memory");
		return NULL;
	}
	craft->raw = craft->link = -1;
	craft->mss = default_mss(route, six);
	set_target(craft, target, route->index);
	if (!open_raw(craft, six, route, error) || !open_link(craft, six, route, error) ||
	    !shape_build(&route->source, target, craft->shapes, error)) {
		craft_close(craft);
		return NULL;
	}
	return craft;
}

void craft_close(struct craft *craft)
{
	if (craft == NULL)
		return;
	if (craft->raw >= 0)
		close(craft->raw);
	if (craft->link >= 0)
		close(craft->link);
	free(craft);
}

void craft_link_address(struct craft *craft, const uint8_t *bytes, size_t length)
{
	if (length > sizeof(craft->next_hop.sll_addr))
		return;
	if (length != 0)
		memcpy(craft->next_hop.sll_addr, bytes, length);
	craft->next_hop.sll_halen = (unsigned char)length;
	craft->addressed = true;
}

static int send_bytes(int fd, const uint8_t *packet, size_t length, const void *to,
		      socklen_t to_length)
{
	return sendto(fd, packet, length, MSG_DONTWAIT, to, to_length) < 0 ? errno : 0;
}

int craft_send(struct craft *craft, enum way way, const struct craft_segment *segment)
{
	uint8_t packet[PACKET_MAX];
	struct craft_segment filled = *segment;

	if (filled.mss == 0)
		filled.mss = craft->mss;
	size_t length = shape_fill(&craft->shapes[shape_of(&filled)], &filled, packet);
	if (length == 0)
		return EMSGSIZE;
	if (way == WAY_RAW)
		return send_bytes(craft->raw, packet, length, &craft->target, craft->target_length);
	if (way != WAY_LINK)
		return EINVAL;
	if (craft->martian)
		return EOPNOTSUPP;
	if (!craft->addressed)
		return EHOSTUNREACH;
	return send_bytes(craft->link, packet, length, &craft->next_hop, sizeof(craft->next_hop));
}
