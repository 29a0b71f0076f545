#include "company/line.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ssh(1) of OpenSSH 9 and 10: with a value, and without. */
static const char with_value[] = "bceilmopBDEFIJLOPQRSWw";
static const char without[] = "1246afgknqstvxACGKMNTVXYy";
static const char tells_only[] = "GVQO";

static bool is_one_of(char letter, const char *letters)
{
	return letter != '\0' && strchr(letters, letter) != NULL;
}

static void take_option(struct ssh_line *line, char letter, const char *value)
{
	struct error ignored;
	if (is_one_of(letter, tells_only))
		line->connects = false;
	if (is_one_of(letter, TYPED_OPTIONS) && letter != ':')
		line->connects &= typed_option(&line->typed, letter, value, &ignored);
}

/* Letters of one word: "-4p22". Returns the last word that belongs to it; NULL: it makes no sense.
 */
static char *const *take_letters(struct ssh_line *line, char *const *word)
{
	for (const char *at = *word + 1; *at != '\0'; at++) {
		if (is_one_of(*at, without)) {
			take_option(line, *at, NULL);
			continue;
		}
		if (!is_one_of(*at, with_value))
			return NULL;
		const char *value = at[1] != '\0' ? at + 1 : *++word;
		if (value != NULL)
			take_option(line, *at, value);
		return value != NULL ? word : NULL;
	}
	return word;
}

/* Up to the first word that is no option. Returns where it stands; NULL: it makes no sense. */
static char *const *take_options(struct ssh_line *line, char *const *word, bool *ended)
{
	while (*word != NULL && (*word)[0] == '-' && (*word)[1] != '\0' && !*ended) {
		*ended = strcmp(*word, "--") == 0;
		char *const *last = *ended ? word : take_letters(line, word);
		if (last == NULL)
			return NULL;
		word = last + 1;
	}
	return word;
}

/* HOST:PORT is ours: to ssh all of it is a name, but in a URI. */
static void take_as_ssh_does(struct typed *typed, const char *word)
{
	const char *at = strrchr(word, '@');
	if (typed->port == 0 || strncasecmp(word, "ssh://", 6) == 0)
		return;
	typed->port = 0;
	snprintf(typed->host, sizeof(typed->host), "%s", at != NULL ? at + 1 : word);
}

/* Options may stand behind the destination too, before the command. */
void line_read(struct ssh_line *line, char *const *words)
{
	struct error ignored;
	bool ended = false;
	*line = (struct ssh_line){ .connects = true };
	char *const *word = take_options(line, words, &ended);
	if (word == NULL || *word == NULL || !typed_destination(&line->typed, *word, &ignored)) {
		line->connects = false;
		return;
	}
	take_as_ssh_does(&line->typed, *word);
	if (!ended && take_options(line, word + 1, &ended) == NULL)
		line->connects = false;
}
