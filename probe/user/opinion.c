#include "user/opinion.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/command.h"

#define CARRIED_MAX (64 * 1024) /* bytes each way: a handshake takes a few thousand */

struct opinion {
	struct command command; /* its complaints are the way to the server */
	size_t said, heard;	/* bytes */
};

/* -- ssh ------------------------------------------------------------------------------- */

/* ssh closes all that it does not know before it starts the command; 2 it leaves open. */
#define JOINED "-oProxyCommand=cat <&2 & exec cat >&2"

struct ssh_words {
	char text[6][SETTINGS_LIST_MAX + 64];
	size_t texts;
	const char *word[48];
	size_t count;
};

static void add_word(struct ssh_words *words, const char *word)
{
	words->word[words->count++] = word;
}

/* What ssh did not tell is ssh's default. */
static void add_list(struct ssh_words *words, const char *keyword, const char *value)
{
	char *text = words->text[words->texts];
	if (value[0] == '\0')
		return;
	snprintf(text, sizeof(words->text[0]), "-o%s=%s", keyword, value);
	words->texts++;
	add_word(words, text);
}

static bool is_in(const char *list, const char *name, size_t length)
{
	for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == length && strncmp(list, name, length) == 0)
			return true;
	return false;
}

/* ssh is told none of the keys that the person knows, and would ask for others first: their answers
 * are of other sizes. */
static void put_first(const char *first, const char *list, char *ordered, size_t room)
{
	snprintf(ordered, room, "%s", list[0] != '\0' ? first : "");
	for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',') {
		size_t length = strcspn(list, ","), used = strlen(ordered);
		if (!is_in(first, list, length))
			snprintf(ordered + used, room - used, "%s%.*s", used > 0 ? "," : "",
				 (int)length, list);
	}
}

static void fill_words(struct ssh_words *words, const struct settings *settings, const char *first)
{
	/* quiet: what it complains of would go to the server */
	static const char *const fixed[] = {
		"env",
		"SHELL=/bin/sh",
		"ssh",
		"-F",
		"none",
		"-oLogLevel=QUIET",
		"-oBatchMode=yes",
		"-oPreferredAuthentications=none",
		"-oStrictHostKeyChecking=no",
		"-oUserKnownHostsFile=/dev/null",
		"-oGlobalKnownHostsFile=/dev/null",
		"-oUpdateHostKeys=no",
		"-N",
		"-T",
		JOINED,
	};
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add_word(words, fixed[i]);
	char ordered[SETTINGS_LIST_MAX];
	put_first(first, settings->host_keys, ordered, sizeof(ordered));
	add_list(words, "KexAlgorithms", settings->kex);
	add_list(words, "HostKeyAlgorithms", ordered);
	add_list(words, "Ciphers", settings->ciphers);
	add_list(words, "MACs", settings->macs);
	add_list(words, "User", settings->user);
	add_word(words, settings->compression ? "-oCompression=yes" : "-oCompression=no");
	add_word(words, "--");
	add_word(words, settings->hostname);
}

static bool make_patient(const struct opinion *opinion)
{
	int fd = opinion_words_fd(opinion);
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

struct opinion *opinion_start(const struct settings *settings, const char *first,
			      const struct person *person)
{
	struct opinion *opinion = calloc(1, sizeof(*opinion));
	struct ssh_words *words = calloc(1, sizeof(*words));
	bool started = false;
	if (opinion != NULL && words != NULL) {
		fill_words(words, settings, first);
		started = command_start(&opinion->command,
					&(struct command_wish){ .words = words->word,
								.person = person,
								.converses = true });
	}
	free(words);
	if (started && make_patient(opinion))
		return opinion;
	if (started)
		command_end(&opinion->command);
	free(opinion);
	return NULL;
}

int opinion_words_fd(const struct opinion *opinion)
{
	return opinion->command.ends.complaints;
}

int opinion_end_fd(const struct opinion *opinion)
{
	return opinion->command.ends.output;
}

void opinion_end(struct opinion *opinion)
{
	if (opinion == NULL)
		return;
	command_end(&opinion->command);
	free(opinion);
}

/* -- what is carried ---------------------------------------------------------------------- */

/* False: whoever speaks has ended, or says too much, or the other takes no more. `begins`: what the
 * first of it must begin with. */
static bool carry(int from, int to, size_t *carried, const char *begins)
{
	char bytes[16384];
	for (;;) {
		ssize_t got = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got < 0)
			return errno == EAGAIN || errno == EINTR;
		size_t length = strlen(begins);
		bool begun = *carried > 0 ||
			     ((size_t)got >= length && strncmp(bytes, begins, length) == 0);
		if (got == 0 || *carried + (size_t)got > CARRIED_MAX || !begun)
			return false;
		*carried += (size_t)got;
		if (send(to, bytes, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT) != got)
			return false;
	}
}

static bool has_ended(const struct opinion *opinion)
{
	struct pollfd end = { .fd = opinion_end_fd(opinion), .events = POLLIN };
	return poll(&end, 1, 0) > 0;
}

bool opinion_spoke(const struct opinion *opinion)
{
	return opinion->said > 0;
}

bool opinion_carry(struct opinion *opinion, int fd)
{
	int words = opinion_words_fd(opinion);
	bool ended = has_ended(opinion); /* what it said last is carried */
	return carry(words, fd, &opinion->said, "SSH-") && carry(fd, words, &opinion->heard, "") &&
	       !ended;
}
