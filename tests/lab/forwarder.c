/*
 * Carries packets between two ends, with the weather of a bad line in between:
 *
 *     forwarder END END [loss=N] [duplicate=N] [reorder=N] [delay=MS] [jitter=MS] [seed=N]
 *
 * END is link:IFACE                  an Ethernet interface
 *     or tun:IFACE                   a tun device
 *     or udp:ADDRESS:PORT:PEER:PORT  datagrams to and from a peer (IPv4), one packet each
 *
 * loss, duplicate and reorder are in percent of the packets, both ways alike. A reordered
 * packet is one that overtakes: it is not delayed (with no delay: it waits for 5 ms instead).
 * Address resolution (ARP, IPv6 neighbours) always passes at once: the weather is for what
 * the hosts say, not for whether they find each other.
 *
 * Links are read and written with the kernel's virtio header in front, so that unfinished
 * checksums and unsegmented packets come out at the other end as they went in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_PACKET = 65536 + 64, LONGEST_QUEUE = 10000, OVERTAKEN_MS = 5 };

struct weather {
	unsigned loss, duplicate, reorder; /* percent */
	unsigned delay, jitter;		   /* milliseconds */
	uint64_t seed;
};

/* A packet on its way, in a list in the order of leaving. */
struct packet {
	struct packet *next;
	int64_t leaves; /* microseconds, monotonic */
	int to;
	size_t length;
	unsigned char bytes[];
};

struct queue {
	struct packet *first;
	size_t length;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "forwarder: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static _Noreturn void usage(const char *what)
{
	fprintf(stderr, "forwarder: what is %s? (see the head of forwarder.c)\n", what);
	exit(64);
}

/* ---- ends ---- */

static int open_link(const char *interface)
{
	static const int on = 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
	struct sockaddr_ll here = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	if (fd < 0 || here.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&here, sizeof here) < 0)
		fail(interface);
	return fd;
}

static int open_tun(const char *interface)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		fail(interface);
	return fd;
}

static int open_udp(const char *addresses)
{
	char from[16], to[16];
	uint16_t from_port, to_port;
	if (sscanf(addresses, "%15[^:]:%hu:%15[^:]:%hu", from, &from_port, to, &to_port) != 4)
		usage(addresses);
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(from_port) };
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(to_port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (inet_pton(AF_INET, from, &here.sin_addr) != 1 ||
	    inet_pton(AF_INET, to, &peer.sin_addr) != 1)
		usage(addresses);
	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0 ||
	    connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0)
		fail(addresses);
	return fd;
}

static int open_end(const char *end)
{
	if (strncmp(end, "link:", 5) == 0)
		return open_link(end + 5);
	if (strncmp(end, "tun:", 4) == 0)
		return open_tun(end + 4);
	if (strncmp(end, "udp:", 4) == 0)
		return open_udp(end + 4);
	usage(end);
}

/* ---- weather ---- */

static struct weather read_weather(char **settings)
{
	struct weather weather = { .seed = 1 };
	for (; *settings; settings++) {
		char name[16];
		unsigned value;
		if (sscanf(*settings, "%15[a-z]=%u", name, &value) != 2)
			usage(*settings);
		if (strcmp(name, "loss") == 0)
			weather.loss = value;
		else if (strcmp(name, "duplicate") == 0)
			weather.duplicate = value;
		else if (strcmp(name, "reorder") == 0)
			weather.reorder = value;
		else if (strcmp(name, "delay") == 0)
			weather.delay = value;
		else if (strcmp(name, "jitter") == 0)
			weather.jitter = value;
		else if (strcmp(name, "seed") == 0)
			weather.seed = value;
		else
			usage(*settings);
	}
	return weather;
}

/* splitmix64 (public domain, Sebastiano Vigna) */
static uint64_t draw(struct weather *weather)
{
	uint64_t z = weather->seed += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static bool happens(struct weather *weather, unsigned percent)
{
	return draw(weather) % 100 < percent;
}

static int64_t travel_time(struct weather *weather)
{
	int64_t overtaken = happens(weather, weather->reorder);
	int64_t jitter = weather->jitter ? (int64_t)(draw(weather) % (weather->jitter * 1000)) : 0;
	if (weather->delay == 0)
		return jitter + overtaken * OVERTAKEN_MS * 1000;
	return overtaken ? 0 : weather->delay * 1000 + jitter;
}

/* Whether a frame of a link is ARP or IPv6 neighbour discovery. */
static bool resolves_addresses(const unsigned char *bytes, size_t length)
{
	struct ether_header ethernet;
	struct ip6_hdr ip;
	size_t at = sizeof(struct virtio_net_hdr);
	if (length < at + sizeof ethernet)
		return false;
	memcpy(&ethernet, bytes + at, sizeof ethernet);
	at += sizeof ethernet;
	if (ethernet.ether_type == htons(ETHERTYPE_ARP))
		return true;
	if (ethernet.ether_type != htons(ETHERTYPE_IPV6) || length < at + sizeof ip + 1)
		return false;
	memcpy(&ip, bytes + at, sizeof ip);
	unsigned char type = bytes[at + sizeof ip];
	return ip.ip6_nxt == IPPROTO_ICMPV6 && type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT;
}

/* ---- queue ---- */

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000;
}

static void enqueue(struct queue *queue, int to, const void *bytes, size_t length, int64_t leaves)
{
	struct packet *packet = malloc(sizeof *packet + length);
	if (!packet || queue->length == LONGEST_QUEUE) {
		free(packet); /* as any router would */
		return;
	}
	*packet = (struct packet){ .leaves = leaves, .to = to, .length = length };
	memcpy(packet->bytes, bytes, length);
	struct packet **place = &queue->first;
	while (*place && (*place)->leaves <= leaves)
		place = &(*place)->next;
	packet->next = *place;
	*place = packet;
	queue->length++;
}

/* What cannot be sent (an interface that is down, a peer not there yet) is lost. */
static void send_what_is_due(struct queue *queue)
{
	while (queue->first && queue->first->leaves <= now()) {
		struct packet *packet = queue->first;
		ssize_t sent = write(packet->to, packet->bytes, packet->length);
		(void)sent;
		queue->first = packet->next;
		queue->length--;
		free(packet);
	}
}

/* ---- forwarding ---- */

static void take(struct queue *queue, struct weather *weather, int from, int to, bool is_link)
{
	static unsigned char bytes[LARGEST_PACKET];
	ssize_t length;
	while ((length = read(from, bytes, sizeof bytes)) > 0) {
		bool exempt = is_link && resolves_addresses(bytes, (size_t)length);
		if (!exempt && happens(weather, weather->loss))
			continue;
		int copies = 1 + (!exempt && happens(weather, weather->duplicate));
		for (; copies > 0; copies--)
			enqueue(queue, to, bytes, (size_t)length,
				now() + (exempt ? 0 : travel_time(weather)));
	}
}

static struct timespec time_left(const struct queue *queue)
{
	int64_t left = queue->first ? queue->first->leaves - now() : 3600 * INT64_C(1000000);
	if (left < 0)
		left = 0;
	return (struct timespec){ .tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000 };
}

int main(int argc, char **argv)
{
	if (argc < 3)
		usage("missing");
	struct weather weather = read_weather(argv + 3);
	struct queue queue = { 0 };
	struct pollfd ends[2];
	for (int i = 0; i < 2; i++)
		ends[i] = (struct pollfd){ .fd = open_end(argv[1 + i]), .events = POLLIN };
	for (;;) {
		struct timespec left = time_left(&queue);
		ppoll(ends, 2, &left, NULL);
		for (int i = 0; i < 2; i++)
			take(&queue, &weather, ends[i].fd, ends[!i].fd, argv[1 + i][0] == 'l');
		send_what_is_due(&queue);
	}
}
