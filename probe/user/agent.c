#include "user/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "sshwhy/cursor.h"
#include "user/privilege.h"

/* draft-miller-ssh-agent: each message is its length, its kind, and what goes with it. */
enum { FAILURE = 5, REQUEST_IDENTITIES = 11, IDENTITIES_ANSWER = 12 };

#define LENGTH_BYTES   4
#define PATIENCE_S     3 /* an agent that asks whether it may sign is not waited for longer */
#define GO_BETWEEN_FDS 8

/* -- messages ------------------------------------------------------------------------- */

/* With a time limit, both are broken off when the process is stopped and continued (socket(7)). */
static bool read_all(int fd, uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t got = read(fd, bytes, length);
		if (got > 0)
			bytes += got, length -= (size_t)got;
		else if (got == 0 || errno != EINTR)
			return false;
	}
	return true;
}

static bool write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t put = send(fd, bytes, length, MSG_NOSIGNAL);
		if (put > 0)
			bytes += put, length -= (size_t)put;
		else if (errno != EINTR)
			return false;
	}
	return true;
}

/* The next message with its length before it; 0: there is none, or it is too long. */
static size_t read_message(int fd, uint8_t *message)
{
	if (!read_all(fd, message, LENGTH_BYTES))
		return 0;
	struct cursor cursor = cursor_over(message, LENGTH_BYTES);
	uint32_t length = cursor_be32(&cursor);
	if (length == 0 || length > AGENT_MESSAGE_MAX - LENGTH_BYTES ||
	    !read_all(fd, message + LENGTH_BYTES, length))
		return 0;
	return LENGTH_BYTES + length;
}

static int connect_agent(const char *path)
{
	struct sockaddr_un agent = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	if (strlen(path) >= sizeof(agent.sun_path))
		return -1;
	memcpy(agent.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    connect(fd, (const struct sockaddr *)&agent, sizeof(agent)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* -- what it holds ---------------------------------------------------------------------- */

static bool take_key(struct cursor *cursor, struct agent_key *key)
{
	key->length = cursor_be32(cursor);
	key->blob = cursor_take(cursor, key->length);
	size_t length = cursor_be32(cursor);
	const uint8_t *comment = cursor_take(cursor, length);
	if (cursor->failed)
		return false;
	snprintf(key->comment, sizeof(key->comment), "%.*s", (int)(length < 127 ? length : 127),
		 (const char *)comment);
	return true;
}

static void take_keys(struct agent_list *list, size_t length)
{
	struct cursor cursor = cursor_over(list->answer, length);
	cursor_skip(&cursor, LENGTH_BYTES);
	if (cursor_u8(&cursor) != IDENTITIES_ANSWER)
		return;
	uint32_t count = cursor_be32(&cursor);
	while (list->count < count && list->count < AGENT_KEYS_MAX &&
	       take_key(&cursor, &list->key[list->count]))
		list->count++;
}

bool agent_ask(const char *path, struct agent_list *list)
{
	static const uint8_t request[] = { 0, 0, 0, 1, REQUEST_IDENTITIES };
	*list = (struct agent_list){ .answer = malloc(AGENT_MESSAGE_MAX) };
	int fd = connect_agent(path);
	size_t length = 0;
	if (fd >= 0 && list->answer != NULL && write_all(fd, request, sizeof(request)))
		length = read_message(fd, list->answer);
	if (length > 0)
		take_keys(list, length);
	if (fd >= 0)
		close(fd);
	return length > 0;
}

void agent_forget(struct agent_list *list)
{
	free(list->answer);
	*list = (struct agent_list){ 0 };
}

/* -- the go-between ------------------------------------------------------------------- */

struct shown {
	const char *path;
	const struct agent_key *const *keys;
	size_t count;
};

static size_t put_number(uint8_t *at, size_t number)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> (24 - 8 * i));
	return 4;
}

/* What it lists, as an agent would; without the comments. */
static size_t list_shown(const struct shown *shown, uint8_t *message)
{
	size_t used = LENGTH_BYTES;
	message[used++] = IDENTITIES_ANSWER;
	used += put_number(message + used, shown->count);
	for (size_t i = 0; i < shown->count; i++) {
		const struct agent_key *key = shown->keys[i];
		used += put_number(message + used, key->length);
		memcpy(message + used, key->blob, key->length);
		used += key->length;
		used += put_number(message + used, 0);
	}
	(void)put_number(message, used - LENGTH_BYTES);
	return used;
}

/* What the agent says to a request; that it fails, where it says nothing. */
static size_t hand_on(const char *path, uint8_t *message, size_t length)
{
	static const uint8_t failure[] = { 0, 0, 0, 1, FAILURE };
	int agent = connect_agent(path);
	size_t answer = 0;
	if (agent >= 0 && write_all(agent, message, length))
		answer = read_message(agent, message);
	if (agent >= 0)
		close(agent);
	if (answer > 0)
		return answer;
	memcpy(message, failure, sizeof(failure));
	return sizeof(failure);
}

/* Nothing but this: no file, no program, no socket but the agent's. */
static bool be_confined(void)
{
	static const struct child_bounds bounds = { .seconds = 10, .files = GO_BETWEEN_FDS };
	return privilege_shed() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       child_bound(&bounds) && child_forbid(CHILD_SOCKETS_NAMES);
}

static int go_between(int fd, void *context)
{
	const struct shown *shown = context;
	size_t length;
	uint8_t *message = be_confined() ? malloc(AGENT_MESSAGE_MAX) : NULL;
	if (message == NULL)
		return EXIT_FAILURE;
	while ((length = read_message(fd, message)) > 0) {
		bool lists = message[LENGTH_BYTES] == REQUEST_IDENTITIES;
		length = lists ? list_shown(shown, message) : hand_on(shown->path, message, length);
		if (!write_all(fd, message, length))
			break;
	}
	free(message);
	return EXIT_SUCCESS;
}

bool agent_show(const char *path, const struct agent_key *const *keys, size_t count,
		struct child *child, int *fd)
{
	struct shown shown = { .path = path, .keys = keys, .count = count };
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	bool started = child_start(child, "sshwhy: agent", ends[1], go_between, &shown);
	close(ends[1]);
	if (!started)
		close(ends[0]);
	*fd = started ? ends[0] : -1;
	return started;
}
