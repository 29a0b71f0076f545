#include "user/typed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sshwhy/address.h"
#include "user/ssh_names.h"

/* -- the destination ----------------------------------------------------------------- */

static bool parse_port(const char *text, uint16_t *port)
{
	size_t length = strlen(text);
	if (length == 0 || length > 5 || strspn(text, "0123456789") < length)
		return false;
	unsigned long value = strtoul(text, NULL, 10);
	*port = (uint16_t)value;
	return value >= 1 && value <= UINT16_MAX;
}

/* Where the host part ends, and where the port begins (NULL: there is none). */
static bool split_host(const char *text, const char **host, size_t *length, const char **port)
{
	const char *colon = strchr(text, ':');
	*host = text;
	*port = NULL;
	if (text[0] == '[') {
		const char *end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		*host = text + 1;
		*length = (size_t)(end - text - 1);
		*port = end[1] == ':' ? end + 2 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		*length = (size_t)(colon - text);
		*port = colon + 1;
	} else { /* a name, or an IPv6 literal */
		*length = strlen(text);
	}
	return *length > 0 && *length < 256;
}

/* Of all literals, those that no VM can have. */
static bool is_one_host(const struct address *address)
{
	static const struct address everybody = { 4, { 255, 255, 255, 255 } },
				    any = { .family = 6 };
	const uint8_t first = address->bytes[0];
	if (address->family == 4)
		return first != 0 && (first & 0xf0) != 0xe0 && !address_equal(address, &everybody);
	return address->family != 6 || (first != 0xff && !address_equal(address, &any));
}

bool typed_host(const char *text, char host[NI_MAXHOST], uint16_t *port, struct error *error)
{
	const char *start, *port_text;
	size_t length;
	if (!split_host(text, &start, &length, &port_text))
		return error_set(error, EXIT_USAGE, "\"%s\" is no HOST[:PORT]", text);
	if (port_text != NULL && !parse_port(port_text, port))
		return error_set(error, EXIT_USAGE, "\"%s\" is no port", port_text);
	snprintf(host, NI_MAXHOST, "%.*s", (int)length, start);
	if (!ssh_takes_host(host))
		return error_set(error, EXIT_USAGE, "\"%s\" is no name that ssh takes for a host",
				 host);
	struct address literal = address_of_literal(host);
	return is_one_host(&literal) ||
	       error_set(error, EXIT_USAGE, "\"%s\" is not the address of one host", host);
}

static int hex_value(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0'
					     : tolower((unsigned char)digit) - 'a' + 10;
}

/* RFC 3986 2.1, in a user's name; a bad escape ends in an empty name. */
static void decode_percent(char *text)
{
	char *out = text;
	for (const char *at = text; *at != '\0'; at++) {
		if (*at != '%') {
			*out++ = *at;
			continue;
		}
		if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2])) {
			out = text;
			break;
		}
		*out++ = (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
		at += 2;
	}
	*out = '\0';
}

/* The last @ ends the user: that is how ssh reads it. */
static bool take_user(struct typed *typed, const char **text, bool uri, struct error *error)
{
	const char *at = strrchr(*text, '@');
	if (at == NULL)
		return true;
	size_t length = (size_t)(at - *text);
	if (length < sizeof(typed->user))
		snprintf(typed->user, sizeof(typed->user), "%.*s", (int)length, *text);
	if (uri)
		typed->user[strcspn(typed->user, ";")] = '\0'; /* ssh leaves parameters out */
	if (uri)
		decode_percent(typed->user);
	if (typed->user[0] == '\0' || !ssh_takes_user(typed->user))
		return error_set(error, EXIT_USAGE, "\"%.*s\" is no name that ssh takes for a user",
				 (int)length, *text);
	*text = at + 1;
	return true;
}

static const char scheme[] = "ssh://";

bool typed_destination(struct typed *typed, const char *text, struct error *error)
{
	char rest[NI_MAXHOST + 8];
	bool uri = strncasecmp(text, scheme, strlen(scheme)) == 0;
	const char *at = uri ? text + strlen(scheme) : text;
	typed->user[0] = '\0';
	typed->port = 0;
	if (!take_user(typed, &at, uri, error))
		return false;
	size_t length = strlen(at);
	if (uri && length > 0 && at[length - 1] == '/')
		length--;
	if (length >= sizeof(rest))
		return error_set(error, EXIT_USAGE, "\"%s\" is no HOST[:PORT]", at);
	snprintf(rest, sizeof(rest), "%.*s", (int)length, at);
	if (uri && strchr(rest, '/') != NULL)
		return error_set(error, EXIT_USAGE, "\"%s\" has a path, which ssh takes nowhere",
				 text);
	return typed_host(rest, typed->host, &typed->port, error);
}

/* -- options -------------------------------------------------------------------------- */

static const struct {
	char letter[3];
	const char *keyword; /* of ssh_config(5), in lower case */
} letters[] = {
	{ "-4", "addressfamily" },
	{ "-6", "addressfamily" },
	{ "-p", "port" },
	{ "-l", "user" },
	{ "-o", NULL },
	{ "-F", NULL },
	{ "-J", "proxyjump" },
	{ "-b", "bindaddress" },
	{ "-B", "bindinterface" },
};

#define LETTERS (sizeof(letters) / sizeof(letters[0]))

static bool check_value(int letter, const char *value, struct error *error)
{
	uint16_t port;
	if (letter == 'p' && !parse_port(value, &port))
		return error_set(error, EXIT_USAGE, "\"%s\" is no port", value);
	if (letter == 'l' && !ssh_takes_user(value))
		return error_set(error, EXIT_USAGE, "\"%s\" is no name that ssh takes for a user",
				 value);
	return true;
}

bool typed_option(struct typed *typed, int letter, const char *value, struct error *error)
{
	size_t row = 0;
	while (row < LETTERS && letters[row].letter[1] != letter)
		row++;
	if (row == LETTERS)
		return error_set(error, EXIT_USAGE, "-%c is no option of ssh's that is known here",
				 letter);
	if (typed->word_count + 2 > TYPED_WORDS_MAX)
		return error_set(error, EXIT_USAGE, "more options for ssh than %d words",
				 TYPED_WORDS_MAX);
	typed->word[typed->word_count++] = letters[row].letter;
	if (value == NULL)
		return true;
	typed->word[typed->word_count++] = value;
	return check_value(letter, value, error);
}

static bool takes_value(const char *word)
{
	return word[1] != '4' && word[1] != '6';
}

/* Where the next option stands. */
static size_t next_option(const struct typed *typed, size_t at)
{
	return at + (takes_value(typed->word[at]) ? 2 : 1);
}

const char *typed_first(const struct typed *typed, char letter)
{
	for (size_t i = 0; i < typed->word_count; i = next_option(typed, i))
		if (typed->word[i][1] == letter)
			return typed->word[i + 1];
	return NULL;
}

const char *typed_last(const struct typed *typed, char letter)
{
	const char *value = NULL;
	for (size_t i = 0; i < typed->word_count; i = next_option(typed, i))
		if (typed->word[i][1] == letter)
			value = typed->word[i + 1];
	return value;
}

int typed_family(const struct typed *typed)
{
	int family = 0;
	for (size_t i = 0; i < typed->word_count; i = next_option(typed, i))
		if (!takes_value(typed->word[i]))
			family = typed->word[i][1] - '0';
	return family;
}

/* "Port=22", "port 22": about that keyword? */
static bool is_about(const char *setting, const char *keyword)
{
	size_t length = strlen(keyword);
	setting += strspn(setting, " \t");
	return strncasecmp(setting, keyword, length) == 0 &&
	       strchr(" \t=", setting[length]) != NULL && setting[length] != '\0';
}

static bool sets(const char *word, const char *value, const char *keyword)
{
	if (word[1] == 'o')
		return is_about(value, keyword);
	for (size_t row = 0; row < LETTERS; row++)
		if (letters[row].letter[1] == word[1])
			return letters[row].keyword != NULL &&
			       strcmp(letters[row].keyword, keyword) == 0;
	return false;
}

bool typed_setting(const struct typed *typed, const char *keyword, char *text, size_t room)
{
	for (size_t i = 0; i < typed->word_count; i = next_option(typed, i)) {
		const char *word = typed->word[i];
		const char *value = takes_value(word) ? typed->word[i + 1] : NULL;
		if (!sets(word, value, keyword))
			continue;
		snprintf(text, room, "%s%s%s", word, value != NULL ? " " : "",
			 value != NULL ? value : "");
		return true;
	}
	return false;
}

/* -- for ssh --------------------------------------------------------------------------- */

void typed_command(const struct typed *typed, const char *const *before,
		   struct typed_command *command)
{
	size_t count = 0;
	while (before[count] != NULL && count < 8) {
		command->word[count] = before[count];
		count++;
	}
	for (size_t i = 0; i < typed->word_count; i++)
		command->word[count++] = typed->word[i];
	/* Of two users or ports the first one stands. */
	if (typed->user[0] != '\0') {
		command->word[count++] = "-l";
		command->word[count++] = typed->user;
	}
	if (typed->port != 0) {
		snprintf(command->port, sizeof(command->port), "%u", typed->port);
		command->word[count++] = "-p";
		command->word[count++] = command->port;
	}
	command->word[count++] = "--";
	command->word[count++] = typed->host;
	command->word[count] = NULL;
}
