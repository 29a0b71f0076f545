#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "handshake/listen.h"
#include "ssh/ident.h"
#include "sshwhy/fingerprint.h"
#include "sshwhy/ssh.h"

struct listener {
	int fd;
	struct stream stream; /* all that was seen */
	struct ssh_dialog dialog;
	uint32_t taken; /* of these, bytes that are out of the socket */
	uint32_t quiet; /* bytes in the socket that poll() does not report */
};

struct listener *listener_new(int fd, const char *const ours[LISTENER_LISTS])
{
	struct listener *listener = calloc(1, sizeof(*listener));
	if (listener == NULL)
		return NULL;
	struct ssh_side *client = &listener->dialog.side[SSH_CLIENT];
	for (int list = 0; list < LISTENER_LISTS; list++)
		snprintf(client->list[list], SSH_NAME_LIST_MAX, "%s", ours[list]);
	client->milestone = SSH_KEXINIT;
	listener->fd = fd;
	stream_start(&listener->stream, 0);
	return listener;
}

/* Has poll() wait for more than the `quiet` bytes that stay in the socket. */
static void set_quiet(struct listener *listener, uint32_t quiet)
{
	int low_water = (int)quiet + 1;
	if (quiet == listener->quiet)
		return;
	listener->quiet = quiet;
	(void)setsockopt(listener->fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof(low_water));
}

void listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	set_quiet(listener, 0);
	free(listener);
}

static const struct ssh_side *server(const struct listener *listener)
{
	return &listener->dialog.side[SSH_SERVER];
}

/* Skips the rest of a line, its line feed included. */
static void skip_line(struct cursor *rest)
{
	const uint8_t *end = memchr(rest->at, '\n', rest->left);
	cursor_skip(rest, end == NULL ? rest->left : (size_t)(end - rest->at) + 1);
}

/* Whether a line that begins like this is the identification string, or may be. */
static bool begins_ident(struct cursor line)
{
	size_t length = line.left < 4 ? line.left : 4;
	return memcmp(cursor_take(&line, length), "SSH-", length) == 0;
}

/* Where the first line begins that is or may become the identification string; the
 * stream's end when none does. Looks from the first byte that is not taken. */
static uint32_t ident_start(const struct listener *listener)
{
	const struct stream *stream = &listener->stream;
	struct cursor rest = cursor_over(stream->bytes, stream->length);
	bool inside_line = listener->taken > 0 && stream->bytes[listener->taken - 1] != '\n';
	cursor_skip(&rest, listener->taken);
	if (inside_line)
		skip_line(&rest);
	while (rest.left > 0 && !begins_ident(rest))
		skip_line(&rest);
	return stream->length - (uint32_t)rest.left;
}

/* Takes the bytes before `end` out of the socket. */
static void take_until(struct listener *listener, uint32_t end)
{
	uint8_t bytes[4096];
	while (listener->taken < end) {
		size_t length = end - listener->taken;
		if (length > sizeof(bytes))
			length = sizeof(bytes);
		ssize_t got = recv(listener->fd, bytes, length, MSG_DONTWAIT);
		if (got <= 0)
			return;
		listener->taken += (uint32_t)got;
	}
}

/* Nothing new to read: has the other side hung up? */
static enum heard hung_up(const struct listener *listener, enum heard otherwise, int *error)
{
	struct pollfd poll_fd = { .fd = listener->fd, .events = POLLRDHUP };
	socklen_t length = sizeof(*error);
	if (poll(&poll_fd, 1, 0) <= 0)
		return otherwise;
	(void)getsockopt(listener->fd, SOL_SOCKET, SO_ERROR, error, &length);
	if (*error != 0)
		return HEARD_RESET;
	return poll_fd.revents & (POLLRDHUP | POLLHUP) ? HEARD_CLOSED : otherwise;
}

static enum heard judge(const struct listener *listener)
{
	const struct ssh_side *side = server(listener);
	if (side->milestone >= SSH_IDENTIFIED)
		return HEARD_IDENT;
	if (side->not_ssh)
		return HEARD_OTHER;
	if (listener->stream.length == SSH_STREAM_MAX)
		return HEARD_ENDLESS;
	return listener_has_bytes(listener) ? HEARD_TEXT : HEARD_NOTHING;
}

/* The socket's bytes from the first that is not taken: those known are skipped. */
static void learn(struct listener *listener, const uint8_t *bytes, uint32_t length)
{
	struct stream *stream = &listener->stream;
	uint32_t known = stream->length - listener->taken;
	stream_segment(stream, stream->length, bytes + known, length - known, length - known);
	(void)ssh_dialog_read(&listener->dialog, SSH_SERVER, stream);
	take_until(listener, ident_start(listener));
}

enum heard listener_hear(struct listener *listener, int *error)
{
	uint8_t bytes[16384];
	*error = 0;
	for (;;) {
		ssize_t got = recv(listener->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
		if (got < 0 && errno != EAGAIN && errno != EINTR) {
			*error = errno;
			return HEARD_RESET;
		}
		if (got == 0)
			return HEARD_CLOSED;
		uint32_t known = listener->stream.length - listener->taken;
		if (got < 0 || (uint32_t)got <= known) {
			set_quiet(listener, known);
			return hung_up(listener, judge(listener), error);
		}
		learn(listener, bytes, (uint32_t)got);
		enum heard heard = judge(listener);
		if (heard != HEARD_TEXT)
			return heard;
	}
}

enum heard listener_overhear(struct listener *listener, uint64_t read, int *error)
{
	uint8_t bytes[16384];
	uint64_t offset = listener->taken + read;
	ssize_t got = recv(listener->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	*error = 0;
	if (got == 0)
		return HEARD_CLOSED;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return HEARD_TEXT;
	if (got < 0) {
		*error = errno;
		return HEARD_RESET;
	}
	/* Bytes that came between a look and libssh's read leave a gap, and all behind
	 * it unread: what is known then is less, never wrong. */
	if (offset < SSH_STREAM_MAX) {
		stream_segment(&listener->stream, (uint32_t)offset, bytes, (uint32_t)got,
			       (uint32_t)got);
		(void)ssh_dialog_read(&listener->dialog, SSH_SERVER, &listener->stream);
	}
	return HEARD_TEXT;
}

bool listener_has_bytes(const struct listener *listener)
{
	return listener->stream.length > 0;
}

bool listener_has_version_2(const struct listener *listener)
{
	return ident_is_version_2(server(listener)->ident);
}

unsigned listener_lines(const struct listener *listener)
{
	return server(listener)->lines;
}

const char *listener_first_line(const struct listener *listener)
{
	return server(listener)->first_line;
}

const char *listener_ident(const struct listener *listener)
{
	return server(listener)->ident;
}

bool listener_has_kexinit(const struct listener *listener)
{
	return server(listener)->milestone >= SSH_KEXINIT;
}

const char *listener_disconnect(const struct listener *listener)
{
	return server(listener)->disconnected ? server(listener)->disconnect_text : NULL;
}

const char *listener_unshared(const struct listener *listener, const char **what)
{
	char name[128];
	if (!listener_has_kexinit(listener))
		return NULL;
	for (enum ssh_list list = 0; list < LISTENER_LISTS; list++) {
		if (!ssh_negotiate(&listener->dialog, list, name)) {
			*what = ssh_list_names[list];
			return server(listener)->list[list];
		}
	}
	return NULL;
}

void listener_kex(const struct listener *listener, char name[128])
{
	(void)ssh_negotiate(&listener->dialog, SSH_LIST_KEX, name);
}

void listener_host_key(const struct listener *listener, char type[64], char fingerprint[64])
{
	const struct ssh_side *side = server(listener);
	type[0] = fingerprint[0] = '\0';
	if (side->host_key_length == 0 ||
	    !fingerprint_key_type(side->host_key, side->host_key_length, type))
		return;
	(void)fingerprint_sha256(side->host_key, side->host_key_length, fingerprint);
}
