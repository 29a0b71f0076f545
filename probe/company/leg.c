#include "company/leg.h"

#include <stdio.h>
#include <string.h>

#include "company/line.h"

#define ASK_MS 1000 /* ssh waits for this; what `Match exec` runs may take its time */
#define WORDS  64

static void consult(const struct typed *typed, const struct person *person,
		    struct consulted *consulted)
{
	struct error ignored;
	consult_end(consult_start(typed, person, &ignored), typed, person, ASK_MS, -1, consulted);
}

/* Of all commands, `ssh -W %h:%p JUMP` is one that can be followed. */
static bool read_command(struct leg *leg)
{
	char *word[WORDS + 1], *rest = NULL;
	struct ssh_line line;
	size_t count = 0;
	snprintf(leg->words, sizeof(leg->words), "%s", leg->host.target.proxy_command);
	if (strpbrk(leg->words, "'\"\\;|&$`<>(){}") != NULL)
		return false;
	for (char *at = strtok_r(leg->words, " \t", &rest); at != NULL && count < WORDS;
	     at = strtok_r(NULL, " \t", &rest))
		word[count++] = at;
	word[count] = NULL;
	size_t first = count > 0 && strcmp(word[0], "exec") == 0 ? 1 : 0;
	if (first >= count || strcmp(word[first], "ssh") != 0)
		return false;
	line_read(&line, word + first + 1);
	leg->jump = line.typed;
	return line.connects;
}

/* Some jump hosts were followed (consult.h), each goes through another, and one of them is met
 * again. A circle of three is not seen. */
static bool goes_in_circle(const struct consulted *host)
{
	char first[sizeof(host->settings.proxy_jump)];
	struct typed next = { .host = "" };
	struct error ignored;
	const struct settings *last = &host->settings;
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(last->proxy_jump, ","),
		 last->proxy_jump);
	return host->by_jump && first[0] != '\0' && typed_destination(&next, first, &ignored) &&
	       (strcmp(next.host, last->host) == 0 || strcmp(last->host, host->target.host) == 0);
}

void leg_find(struct leg *leg, const struct typed *typed, const struct person *person)
{
	static struct consulted jump;
	memset(leg, 0, sizeof(*leg));
	consult(typed, person, &leg->host);
	const struct settings *target = &leg->host.target;
	bool commands = target->proxy_command[0] != '\0';
	leg->proxied = commands || target->proxy_jump[0] != '\0' || leg->host.by_jump;
	leg->circle = goes_in_circle(&leg->host);
	leg->first = leg->host.settings;
	leg->by_command = commands && read_command(leg);
	leg->known = !leg->proxied || leg->host.by_jump || leg->by_command;
	if (!leg->by_command)
		return;
	consult(&leg->jump, person, &jump);
	leg->first = jump.settings;
}
