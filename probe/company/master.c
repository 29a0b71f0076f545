#include "company/master.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "company/program.h"
#include "process/clock.h"
#include "user/command.h"

#define CHECK_MS 1000

/* What it complains of until it ends, as much as there is room for. */
static void hear(int fd, char *text, size_t room)
{
	size_t length = 0;
	int64_t until_ms = clock_ms() + CHECK_MS, left_ms;
	while (length + 1 < room && (left_ms = until_ms - clock_ms()) > 0) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		if (poll(&wait, 1, (int)left_ms) <= 0)
			break;
		ssize_t got = read(fd, text + length, room - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
}

bool master_runs(char *const *words, const struct person *person)
{
	const char *all[PROGRAM_WORDS + 4] = { "ssh", "-O", "check" };
	char said[4096];
	struct command command;
	size_t count = 3;
	for (; *words != NULL && count < PROGRAM_WORDS + 3; words++)
		all[count++] = *words;
	all[count] = NULL;
	struct command_wish wish = { .words = all };
	if (person->sudo) /* whose environment is not this process's */
		wish.person = person;
	else
		wish.environment = (const char *const *)environ;
	if (*words != NULL || !command_start(&command, &wish))
		return false;
	hear(command.ends.complaints, said, sizeof(said));
	command_end(&command);
	return strstr(said, "Master running") != NULL;
}
