#include "craft/errand.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define SOCKETS_TOLD (DELIVERY_SESSIONS * PLAN_KERNEL_PORTS)

/* Room for the sockets beside the message, where cmsg(3) wants it. */
union passage {
	char room[CMSG_SPACE(SOCKETS_TOLD * sizeof(int))];
	struct cmsghdr aligned;
};

static size_t list_sockets(const struct errands *errands, int sockets[SOCKETS_TOLD])
{
	size_t count = 0;
	for (size_t i = 0; i < errands->count; i++)
		for (size_t n = 0; n < PLAN_KERNEL_PORTS; n++)
			if (errands->errand[i].socket[n] >= 0)
				sockets[count++] = errands->errand[i].socket[n];
	return count;
}

bool errands_tell(int channel, const struct errands *errands)
{
	int sockets[SOCKETS_TOLD];
	size_t length = list_sockets(errands, sockets) * sizeof(int);
	union passage passage = { .room = { 0 } };
	struct iovec bytes = { (void *)(uintptr_t)errands, sizeof(*errands) };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	if (length > 0) {
		message.msg_control = passage.room;
		message.msg_controllen = CMSG_SPACE(length);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(length);
		memcpy(CMSG_DATA(header), sockets, length);
	}
	ssize_t put;
	do
		put = sendmsg(channel, &message, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put == (ssize_t)sizeof(*errands);
}

/* Those that were open have other numbers here. */
static bool take_sockets(struct msghdr *message, struct errands *errands)
{
	int sockets[SOCKETS_TOLD], here[SOCKETS_TOLD];
	size_t count = list_sockets(errands, sockets), next = 0;
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	if (count == 0)
		return true;
	if (header == NULL || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(count * sizeof(int)))
		return false;
	memcpy(here, CMSG_DATA(header), count * sizeof(int));
	for (size_t i = 0; i < errands->count; i++)
		for (size_t n = 0; n < PLAN_KERNEL_PORTS; n++)
			if (errands->errand[i].socket[n] >= 0)
				errands->errand[i].socket[n] = here[next++];
	return true;
}

bool errands_hear(int channel, struct errands *errands)
{
	union passage passage;
	struct iovec bytes = { errands, sizeof(*errands) };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = passage.room,
				  .msg_controllen = sizeof(passage.room) };
	ssize_t got;
	do
		got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(*errands) && errands->count <= DELIVERY_SESSIONS &&
	       take_sockets(&message, errands);
}
