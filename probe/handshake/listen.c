#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "handshake/listen.h"
#include "ssh/ident.h"
#include "sshwhy/fingerprint.h"
#include "sshwhy/shortage.h"
#include "sshwhy/ssh.h"

_Static_assert(EAVESDROPPER_NAMES == SSH_NAME_LIST_MAX, "what is given is kept");

struct eavesdropper {
	int fd;
	struct stream stream; /* all that was seen */
	struct ssh_dialog dialog;
	uint32_t taken; /* of these, bytes that are out of the socket */
	uint32_t quiet; /* bytes in the socket that poll() does not report */
};

static void offer(struct ssh_dialog *dialog, const char *const ours[EAVESDROPPER_LISTS])
{
	struct ssh_side *client = &dialog->side[SSH_CLIENT];
	for (int list = 0; list < EAVESDROPPER_LISTS; list++)
		snprintf(client->list[list], SSH_NAME_LIST_MAX, "%s", ours[list]);
	client->milestone = SSH_KEXINIT;
}

struct eavesdropper *eavesdropper_new(int fd, const char *const ours[EAVESDROPPER_LISTS])
{
	struct eavesdropper *eavesdropper = calloc(1, sizeof(*eavesdropper));
	if (eavesdropper == NULL)
		return NULL;
	offer(&eavesdropper->dialog, ours);
	eavesdropper->fd = fd;
	stream_start(&eavesdropper->stream, 0);
	return eavesdropper;
}

/* Has poll() wait for more than the `quiet` bytes that stay in the socket. */
static void set_quiet(struct eavesdropper *eavesdropper, uint32_t quiet)
{
	int low_water = (int)quiet + 1;
	if (quiet == eavesdropper->quiet)
		return;
	eavesdropper->quiet = quiet;
	(void)setsockopt(eavesdropper->fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof(low_water));
}

void eavesdropper_free(struct eavesdropper *eavesdropper)
{
	if (eavesdropper == NULL)
		return;
	set_quiet(eavesdropper, 0);
	free(eavesdropper);
}

static const struct ssh_side *server(const struct eavesdropper *eavesdropper)
{
	return &eavesdropper->dialog.side[SSH_SERVER];
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
static uint32_t ident_start(const struct eavesdropper *eavesdropper)
{
	const struct stream *stream = &eavesdropper->stream;
	struct cursor rest = cursor_over(stream->bytes, stream->length);
	bool inside_line =
		eavesdropper->taken > 0 && stream->bytes[eavesdropper->taken - 1] != '\n';
	cursor_skip(&rest, eavesdropper->taken);
	if (inside_line)
		skip_line(&rest);
	while (rest.left > 0 && !begins_ident(rest))
		skip_line(&rest);
	return stream->length - (uint32_t)rest.left;
}

/* Takes the bytes before `end` out of the socket. */
static void take_until(struct eavesdropper *eavesdropper, uint32_t end)
{
	uint8_t bytes[4096];
	while (eavesdropper->taken < end) {
		size_t length = end - eavesdropper->taken;
		if (length > sizeof(bytes))
			length = sizeof(bytes);
		ssize_t got = recv(eavesdropper->fd, bytes, length, MSG_DONTWAIT);
		if (got <= 0)
			return;
		eavesdropper->taken += (uint32_t)got;
	}
}

/* Nothing new to read: has the other side hung up? */
static enum heard hung_up(const struct eavesdropper *eavesdropper, enum heard otherwise, int *error)
{
	struct pollfd poll_fd = { .fd = eavesdropper->fd, .events = POLLRDHUP };
	socklen_t length = sizeof(*error);
	if (poll(&poll_fd, 1, 0) <= 0)
		return otherwise;
	if (getsockopt(eavesdropper->fd, SOL_SOCKET, SO_ERROR, error, &length) == 0 && *error != 0)
		return HEARD_RESET;
	return poll_fd.revents & (POLLRDHUP | POLLHUP) ? HEARD_CLOSED : otherwise;
}

static enum heard judge(const struct eavesdropper *eavesdropper)
{
	const struct ssh_side *side = server(eavesdropper);
	if (side->milestone >= SSH_IDENTIFIED)
		return HEARD_IDENT;
	if (side->not_ssh)
		return HEARD_OTHER;
	if (eavesdropper->stream.length == SSH_STREAM_MAX)
		return HEARD_ENDLESS;
	return eavesdropper_has_bytes(eavesdropper) ? HEARD_TEXT : HEARD_NOTHING;
}

/* The socket's bytes from the first that is not taken: those known are skipped. */
static void learn(struct eavesdropper *eavesdropper, const uint8_t *bytes, uint32_t length)
{
	struct stream *stream = &eavesdropper->stream;
	uint32_t known = stream->length - eavesdropper->taken;
	stream_segment(stream, stream->length, bytes + known, length - known, length - known);
	(void)ssh_dialog_read(&eavesdropper->dialog, SSH_SERVER, stream);
	take_until(eavesdropper, ident_start(eavesdropper));
}

enum heard eavesdropper_hear(struct eavesdropper *eavesdropper, int *error)
{
	uint8_t bytes[16384];
	*error = 0;
	for (;;) {
		ssize_t got = recv(eavesdropper->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
		if (got < 0 && !is_shortage(ASKED_RECEIVE, errno)) {
			*error = errno;
			return HEARD_RESET;
		}
		if (got == 0)
			return HEARD_CLOSED;
		uint32_t known = eavesdropper->stream.length - eavesdropper->taken;
		if (got < 0 || (uint32_t)got <= known) {
			set_quiet(eavesdropper, known);
			return hung_up(eavesdropper, judge(eavesdropper), error);
		}
		learn(eavesdropper, bytes, (uint32_t)got);
		enum heard heard = judge(eavesdropper);
		if (heard != HEARD_TEXT)
			return heard;
	}
}

enum heard eavesdropper_overhear(struct eavesdropper *eavesdropper, uint64_t read, int *error)
{
	uint8_t bytes[16384];
	uint64_t offset = eavesdropper->taken + read;
	ssize_t got = recv(eavesdropper->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	*error = 0;
	if (got == 0)
		return HEARD_CLOSED;
	if (got < 0 && is_shortage(ASKED_RECEIVE, errno))
		return HEARD_TEXT;
	if (got < 0) {
		*error = errno;
		return HEARD_RESET;
	}
	/* Bytes that came between a look and libssh's read leave a gap, and all behind
	 * it unread: what is known then is less, never wrong. */
	if (offset < SSH_STREAM_MAX) {
		stream_segment(&eavesdropper->stream, (uint32_t)offset, bytes, (uint32_t)got,
			       (uint32_t)got);
		(void)ssh_dialog_read(&eavesdropper->dialog, SSH_SERVER, &eavesdropper->stream);
	}
	return HEARD_TEXT;
}

bool eavesdropper_has_bytes(const struct eavesdropper *eavesdropper)
{
	return eavesdropper->stream.length > 0;
}

bool eavesdropper_has_version_2(const struct eavesdropper *eavesdropper)
{
	return ident_is_version_2(server(eavesdropper)->ident);
}

unsigned eavesdropper_lines(const struct eavesdropper *eavesdropper)
{
	return server(eavesdropper)->lines;
}

const char *eavesdropper_first_line(const struct eavesdropper *eavesdropper)
{
	return server(eavesdropper)->first_line;
}

const char *eavesdropper_ident(const struct eavesdropper *eavesdropper)
{
	return server(eavesdropper)->ident;
}

const char *eavesdropper_disconnect(const struct eavesdropper *eavesdropper, uint32_t *reason)
{
	if (!server(eavesdropper)->disconnected)
		return NULL;
	*reason = server(eavesdropper)->disconnect_reason;
	return server(eavesdropper)->disconnect_text;
}

const char *eavesdropper_unshared(const struct eavesdropper *eavesdropper,
				  const char *const ours[EAVESDROPPER_LISTS], const char **what)
{
	char name[128];
	struct ssh_dialog dialog = eavesdropper->dialog;
	if (server(eavesdropper)->milestone < SSH_KEXINIT)
		return NULL;
	offer(&dialog, ours);
	for (enum ssh_list list = 0; list < EAVESDROPPER_LISTS; list++) {
		if (!ssh_negotiate(&dialog, list, name)) {
			*what = ssh_list_names[list];
			return server(eavesdropper)->list[list];
		}
	}
	return NULL;
}

void eavesdropper_kex(const struct eavesdropper *eavesdropper, char name[128])
{
	(void)ssh_negotiate(&eavesdropper->dialog, SSH_LIST_KEX, name);
}

void eavesdropper_host_key(const struct eavesdropper *eavesdropper, char type[64],
			   char fingerprint[64])
{
	const struct ssh_side *side = server(eavesdropper);
	type[0] = fingerprint[0] = '\0';
	if (side->host_key_length == 0 ||
	    !fingerprint_key_type(side->host_key, side->host_key_length, type))
		return;
	(void)fingerprint_sha256(side->host_key, side->host_key_length, fingerprint);
}
