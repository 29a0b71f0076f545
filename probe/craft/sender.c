#include "craft/sender.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

struct sender {
	int raw4, raw6; /* raw6 is -1 on a machine without IPv6 */
	int link;
	struct shape shapes4[SHAPES], shapes6[SHAPES];
};

static bool cannot_open(const char *what, struct error *error)
{
	enum exit_code code = errno == EPERM ? EXIT_NOT_PERMITTED : EXIT_UNAVAILABLE;

	return error_set(error, code, "%s socket: %s", what, strerror(errno));
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

/* They are there to send. A raw socket hears others' packets too, and who has only sockets that
 * send must not be reached by what comes. */
static bool hear_nothing(int fd)
{
	static struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	static const struct sock_fprog program = { .len = 1, .filter = &none };
	static const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) == 0;
}

static bool bind_to(int fd, const char *interface)
{
	return interface == NULL || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
					       (socklen_t)strlen(interface)) == 0;
}

static bool open_raw4(struct sender *sender, uid_t uid, const char *interface)
{
	int on = 1;

	sender->raw4 = raw_socket(AF_INET, uid);
	return sender->raw4 >= 0 &&
	       setsockopt(sender->raw4, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) == 0 &&
	       bind_to(sender->raw4, interface) && hear_nothing(sender->raw4);
}

static bool open_raw6(struct sender *sender, uid_t uid, const char *interface)
{
	int on = 1;

	sender->raw6 = raw_socket(AF_INET6, uid);
	if (sender->raw6 < 0)
		return errno == EAFNOSUPPORT;
	return setsockopt(sender->raw6, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) == 0 &&
	       bind_to(sender->raw6, interface) && hear_nothing(sender->raw6);
}

/* Protocol 0: a packet socket that receives nothing, so no queue fills unread. */
static bool open_link(struct sender *sender)
{
	sender->link = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return sender->link >= 0 && hear_nothing(sender->link);
}

static bool open_all(struct sender *sender, uid_t uid, const char *interface, struct error *error)
{
	if (!open_raw4(sender, uid, interface) || !open_raw6(sender, uid, interface))
		return cannot_open("raw", error);
	if (!open_link(sender))
		return cannot_open("packet", error);
	return shape_build(4, sender->shapes4, error) && shape_build(6, sender->shapes6, error);
}

struct sender *sender_open(uid_t uid, const char *interface, struct error *error)
{
	struct sender *sender = calloc(1, sizeof(*sender));

	if (sender == NULL) {
		error_set(error, EXIT_UNAVAILABLE, "craft: out of memory");
		return NULL;
	}
	sender->raw4 = sender->raw6 = sender->link = -1;
	if (open_all(sender, uid, interface, error))
		return sender;
	sender_close(sender);
	return NULL;
}

void sender_close(struct sender *sender)
{
	if (sender == NULL)
		return;
	if (sender->raw4 >= 0)
		close(sender->raw4);
	if (sender->raw6 >= 0)
		close(sender->raw6);
	if (sender->link >= 0)
		close(sender->link);
	free(sender);
}

int *sender_socket(struct sender *sender, unsigned index)
{
	int *const sockets[SENDER_SOCKETS] = { &sender->raw4, &sender->raw6, &sender->link };

	return sockets[index];
}

const struct shape *sender_shapes(const struct sender *sender, unsigned family)
{
	return family == 6 ? sender->shapes6 : sender->shapes4;
}

static int send_to(int fd, const uint8_t *packet, size_t length, const void *to,
		   socklen_t to_length)
{
	return sendto(fd, packet, length, MSG_DONTWAIT, to, to_length) < 0 ? errno : 0;
}

int sender_raw(const struct sender *sender, const uint8_t *packet, size_t length,
	       const struct sockaddr_storage *to, socklen_t to_length)
{
	int fd = to->ss_family == AF_INET6 ? sender->raw6 : sender->raw4;

	return fd < 0 ? EAFNOSUPPORT : send_to(fd, packet, length, to, to_length);
}

int sender_link(const struct sender *sender, const uint8_t *packet, size_t length,
		const struct sockaddr_ll *to)
{
	return send_to(sender->link, packet, length, to, sizeof(*to));
}
