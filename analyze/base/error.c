/* One line of text and the exit code that goes with it. */
#include "sshwhy/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* File names and answers of others end up here: they must neither break the line
 * nor move the cursor of a terminal. */
static void make_one_line(char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == 0x7f)
			*text = '?';
	}
}

/* vsnprintf cuts where the room ends; a UTF-8 character must not be cut in two. */
static void drop_partial_character(char *text)
{
	size_t length = strlen(text), tail = 0;
	while (tail < length && ((unsigned char)text[length - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail == length)
		return;
	unsigned char lead = (unsigned char)text[length - 1 - tail];
	size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	if (tail < wanted)
		text[length - 1 - tail] = '\0';
}

bool error_set(struct error *error, enum exit_code code, const char *format, ...)
{
	if (error == NULL)
		return false;
	va_list arguments;
	va_start(arguments, format);
	char text[sizeof(error->text)] = "";
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	make_one_line(text);
	drop_partial_character(text);
	error->code = code;
	memcpy(error->text, text, sizeof(text)); /* an argument may have been error->text */
	return false;
}

bool error_context(struct error *error, const char *format, ...)
{
	if (error == NULL)
		return false;
	char context[sizeof(error->text)], before[sizeof(error->text)];
	memcpy(before, error->text, sizeof(before));
	va_list arguments;
	va_start(arguments, format);
	if (vsnprintf(context, sizeof(context), format, arguments) < 0)
		context[0] = '\0';
	va_end(arguments);
	return error_set(error, error->code, "%s: %s", context, before);
}
