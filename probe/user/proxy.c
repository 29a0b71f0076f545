#include "user/proxy.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/clock.h"
#include "user/proxy_command.h"

#define HEARD_MAX   4096  /* kept of each stream: a banner may come before what is meant */
#define PATIENT_FOR 65536 /* bytes: who says more and never identifies himself is no SSH server */

struct heard {
	int *fd; /* of the command's; -1 when it has ended */
	size_t length, total;
	char bytes[HEARD_MAX + 1];
};

struct proxy {
	struct command command; /* its input stays open: most commands end with it */
	struct heard output, complaints;
	bool jump;
	bool stand_in; /* it runs as somebody who is not the person */
	int64_t started_ms;
};

/* -- the command ------------------------------------------------------------------- */

struct proxy *proxy_start(const struct settings *settings, const struct person *person)
{
	char command[2048];
	if (!proxy_command(settings, person, command, sizeof(command)))
		return NULL;
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	if (proxy == NULL)
		return NULL;
	proxy->jump = settings->proxy_jump[0] != '\0';
	proxy->stand_in = person->uid == 0;
	proxy->output.fd = &proxy->command.ends.output;
	proxy->complaints.fd = &proxy->command.ends.complaints;
	proxy->started_ms = clock_ms();
	const char *const words[] = { person->shell, "-c", command, NULL };
	if (command_start(&proxy->command,
			  &(struct command_wish){ .words = words, .person = person }))
		return proxy;
	free(proxy);
	return NULL;
}

/* -- what it says ------------------------------------------------------------------ */

static void hear_stream(struct heard *heard)
{
	char rest[256];
	bool full = heard->length == HEARD_MAX;
	ssize_t got =
		full ? read(*heard->fd, rest, sizeof(rest))
		     : read(*heard->fd, heard->bytes + heard->length, HEARD_MAX - heard->length);
	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		close(*heard->fd);
		*heard->fd = -1;
	} else {
		heard->length += full ? 0 : (size_t)got;
		heard->total += (size_t)got;
	}
}

/* RFC 4253 4.2: lines of other text may come before it. */
static bool has_identified(const struct heard *heard)
{
	const char *at = heard->bytes;
	while (strncmp(at, "SSH-", 4) != 0) {
		at = strchr(at, '\n');
		if (at == NULL)
			return false;
		at++;
	}
	return strchr(at, '\n') != NULL;
}

/* What ssh says once it has said why: of its own channel, and as the one who waits for another. */
static bool is_consequence(const char *line)
{
	static const char *const signs[] = { "stdio forwarding failed",
					     "Connection closed by UNKNOWN",
					     "Connection closed by remote host" };
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(line, signs[i]) != NULL)
			return true;
	return false;
}

/* Writes the last line that is not empty before `end`. Returns where it begins. */
static size_t line_before(const struct heard *heard, size_t end, char *out, size_t room)
{
	while (end > 0 && (heard->bytes[end - 1] == '\n' || heard->bytes[end - 1] == '\r'))
		end--;
	size_t from = end;
	while (from > 0 && heard->bytes[from - 1] != '\n')
		from--;
	snprintf(out, room, "%.*s", (int)(end - from), heard->bytes + from);
	return from;
}

/* The last line that is no mere consequence of another. */
static void last_line(const struct heard *heard, char *out, size_t room)
{
	char line[256];
	size_t from = line_before(heard, heard->length, out, room);
	snprintf(line, sizeof(line), "%.255s", out);
	while (from > 0 && is_consequence(line))
		from = line_before(heard, from, line, sizeof(line));
	if (line[0] != '\0' && !is_consequence(line))
		snprintf(out, room, "%s", line);
}

/* A jump host that asks for a password or has a new key is not at fault: nobody was there
 * to answer it. Nor is a command that root may run, and who stands in for root may not. */
static bool wants_its_user(const struct proxy *proxy)
{
	static const char *const signs[] = { "Permission denied", "Host key verification failed",
					     "Too many authentication failures" };
	bool somebody_is_missing = proxy->jump || proxy->stand_in;
	for (size_t i = 0; somebody_is_missing && i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(proxy->complaints.bytes, signs[i]) != NULL)
			return true;
	return false;
}

static bool may_say_more(const struct proxy *proxy)
{
	return !has_identified(&proxy->output) && proxy->output.total < PATIENT_FOR &&
	       (*proxy->output.fd >= 0 || *proxy->complaints.fd >= 0);
}

enum proxy_outcome proxy_wait(struct proxy *proxy, int patience_ms, int64_t deadline_ms, int stop,
			      char *said, size_t room)
{
	int64_t patient_until = proxy->started_ms + patience_ms;
	int64_t end_ms = patient_until < deadline_ms ? patient_until : deadline_ms;
	struct heard *heard[] = { &proxy->output, &proxy->complaints };
	while (may_say_more(proxy)) {
		struct pollfd fds[] = { { .fd = *proxy->output.fd, .events = POLLIN },
					{ .fd = *proxy->complaints.fd, .events = POLLIN },
					{ .fd = stop, .events = POLLIN } };
		int64_t left = end_ms - clock_ms();
		if (left <= 0 || poll(fds, 3, (int)left) == 0)
			break;
		if (fds[2].revents != 0)
			return PROXY_STOPPED;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents != 0)
				hear_stream(heard[i]);
	}
	last_line(proxy->complaints.length > 0 ? &proxy->complaints : &proxy->output, said, room);
	if (has_identified(&proxy->output)) {
		last_line(&proxy->output, said, room);
		return PROXY_ANSWERS;
	}
	bool ended = *proxy->output.fd < 0 || proxy->output.total >= PATIENT_FOR;
	if (wants_its_user(proxy))
		return PROXY_UNTOLD;
	if (ended)
		return PROXY_FAILS;
	return end_ms < patient_until ? PROXY_UNHEARD : PROXY_SILENT;
}

void proxy_end(struct proxy *proxy)
{
	if (proxy == NULL)
		return;
	command_end(&proxy->command);
	free(proxy);
}
