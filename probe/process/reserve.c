/* A zone is divided into as many blocks as it has room for, their own ports all below
 * their held ones: the same division for everybody, so that whoever holds a block's held
 * ports has its own ports too, and that connections that ended a moment ago (TIME_WAIT)
 * are never where ports are to be held. */
#include "process/reserve.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sshwhy/address.h"

/* Below the ephemeral ports, but above those that most services are known by. */
#define LOWEST	10000u
#define HIGHEST 65535u

/* Linux's own range, and what lies above it. */
#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_LAST	60999u

struct port_zone reserve_ephemeral(void)
{
	struct port_zone zone = { EPHEMERAL_FIRST, EPHEMERAL_LAST };
	uint16_t first, last;
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	if (file == NULL)
		return zone;
	if (fscanf(file, "%hu %hu", &first, &last) == 2 && first <= last)
		zone = (struct port_zone){ first, last };
	fclose(file);
	return zone;
}

/* Sockets that the kernel serves with a port leave out those that are held, so that a
 * zone inside is no fault, only the last to look at: others crowd there. */
size_t reserve_zones(struct port_zone ephemeral, struct port_zone zones[RESERVE_ZONES])
{
	size_t count = 0;
	if (ephemeral.last < HIGHEST)
		zones[count++] =
			(struct port_zone){ (uint16_t)(ephemeral.last + 1), (uint16_t)HIGHEST };
	if (ephemeral.first > LOWEST)
		zones[count++] =
			(struct port_zone){ (uint16_t)LOWEST, (uint16_t)(ephemeral.first - 1) };
	zones[count++] = (struct port_zone){ (uint16_t)(EPHEMERAL_LAST + 1), (uint16_t)HIGHEST };
	return count;
}

/* -- one port ----------------------------------------------------------------------- */

/* One socket for both families; without IPv6 there is only one. */
static int open_socket(uint8_t *family)
{
	static const int off = 0;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*family = fd >= 0 ? 6 : 4;
	if (fd < 0)
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return fd;
}

/* A socket bound to `port`; -1, and errno. `reuse`: also where the last connection has
 * ended and only waits for stray segments (TIME_WAIT). */
static int bind_port(uint16_t port, bool reuse)
{
	struct sockaddr_storage local;
	struct address any = { 0 };
	int on = reuse, fd = open_socket(&any.family);
	if (fd < 0)
		return -1;
	socklen_t length = address_to_sockaddr(&any, port, 0, &local);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&local, length) == 0)
		return fd;
	int cause = errno;
	close(fd);
	errno = cause;
	return -1;
}

/* -- blocks ------------------------------------------------------------------------- */

/* Passes a descriptor on to nobody (unix(7), SCM_RIGHTS): what it stands for lives as long as
 * the queue. */
static bool put_into(int queue, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} rights = { .head = { .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS,
			       .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &rights,
				  .msg_controllen = sizeof(rights.room) };
	memcpy(CMSG_DATA(&rights.head), &fd, sizeof(fd));
	return sendmsg(queue, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

static bool hold(struct reservation *reservation, uint16_t port)
{
	int fd = bind_port(port, false);
	if (fd < 0)
		return false;
	bool held = put_into(reservation->queue[0], fd);
	int cause = errno;
	close(fd);
	errno = cause;
	reservation->count += held;
	return held;
}

static void close_queue(struct reservation *reservation)
{
	int cause = errno;
	close(reservation->queue[0]);
	close(reservation->queue[1]);
	reservation->count = 0;
	errno = cause;
}

/* All or none. */
static bool hold_all(struct reservation *reservation, size_t count)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, reservation->queue) != 0)
		return false;
	while (reservation->count < count)
		if (!hold(reservation, (uint16_t)(reservation->held + reservation->count))) {
			close_queue(reservation);
			return false;
		}
	return true;
}

static bool all_free(uint16_t first, size_t count, bool reuse)
{
	for (size_t i = 0; i < count; i++) {
		int fd = bind_port((uint16_t)(first + i), reuse);
		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

void reserve_release(struct reservation *reservation)
{
	if (reservation->count > 0)
		close_queue(reservation);
	reservation->count = 0;
}

static size_t random_below(size_t limit)
{
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint32_t)getpid();
	return random % limit;
}

/* 0, EADDRINUSE when none of the zone's is free, or why there are no sockets. */
static int reserve_in(struct port_zone zone, struct port_block block, size_t blocks, bool reuse,
		      struct reservation *reservation)
{
	size_t room = zone.first <= zone.last ? (size_t)zone.last - zone.first + 1 : 0;
	size_t all = room / ((size_t)block.own + block.held);
	size_t places = all >= blocks ? all - blocks + 1 : 0;
	size_t start = places > 0 ? random_below(places) : 0;
	for (size_t i = 0; i < places; i++) {
		size_t at = (start + i) % places;
		reservation->own = (uint16_t)(zone.first + at * block.own);
		reservation->held = (uint16_t)(zone.first + all * block.own + at * block.held);
		if (hold_all(reservation, blocks * block.held) &&
		    all_free(reservation->own, blocks * block.own, reuse))
			return 0;
		int cause = errno;
		reserve_release(reservation);
		if (cause != EADDRINUSE)
			return cause;
	}
	return EADDRINUSE;
}

bool reserve(const struct port_zone *zones, size_t zone_count, struct port_block block,
	     size_t blocks, struct reservation *reservation, struct error *error)
{
	int cause = EADDRINUSE;
	*reservation = (struct reservation){ 0 };
	if (blocks * block.held > RESERVE_HELD_MAX)
		return error_set(error, EXIT_UNAVAILABLE, "local ports: too many are asked for");
	for (int reuse = 0; reuse <= 1; reuse++)
		for (size_t i = 0; i < zone_count && cause == EADDRINUSE; i++)
			cause = reserve_in(zones[i], block, blocks, reuse != 0, reservation);
	if (cause == 0)
		return true;
	return error_set(error, EXIT_UNAVAILABLE, "local ports: %s", strerror(cause));
}
