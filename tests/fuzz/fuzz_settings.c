/* What `ssh -G` says, and what was typed before it: every text ends within its room, what is read
 * is read again from what another process sends, and what would be run holds the names as words. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "forge.h"
#include "fuzz.h"
#include "user/proxy_command.h"

static const struct person ann = { .uid = 1000, .name = "ann", .home = "/home/ann" };

/* The rest of the input's line, or all of it; the caller frees. */
static char *line_of(struct cursor *input)
{
	const uint8_t *end = input->left > 0 ? memchr(input->at, '\n', input->left) : NULL;
	struct cursor line =
		cursor_part(input, end != NULL ? (size_t)(end - input->at) : input->left);
	cursor_skip(input, end != NULL ? 1 : 0);
	char *text = malloc(line.left + 1);
	expect(text != NULL);
	if (line.left > 0)
		memcpy(text, line.at, line.left);
	text[line.left] = '\0';
	return text;
}

static void check_expansion(const struct settings *settings)
{
	char path[512];
	for (size_t i = 0; i < settings->identity_count; i++)
		if (settings_expand(settings, &ann, settings->identity[i], path, sizeof(path)))
			expect(memchr(path, '\0', sizeof(path)) != NULL);
}

/* In the place of a word: that many words, and nothing else that a shell would see. */
static void check_command(const struct settings *settings)
{
	char command[4096];
	struct settings plain = *settings;
	if (proxy_command(settings, &ann, command, sizeof(command)))
		expect(strncmp(command, "exec ", 5) == 0);
	plain.proxy_jump[0] = '\0';
	strcpy(plain.proxy_command, "nc %h %n %p");
	if (!proxy_command(&plain, &ann, command, sizeof(command)))
		return;
	unsigned spaces = 0;
	for (const char *at = command; *at != '\0'; at++) {
		spaces += *at == ' ';
		expect(*at == ' ' ||
		       (!isspace((unsigned char)*at) && !iscntrl((unsigned char)*at)));
	}
	expect(spaces == 4 && command[strcspn(command, "'`\"$\\;&<>|(){}")] == '\0');
	expect(strstr(command, " -") == NULL);
}

/* A line: the destination; a line: a value of -o; then the dump. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	char *destination = line_of(&input), *value = line_of(&input), text[256];
	struct typed typed = { 0 };
	struct typed_command words;
	struct error error = { 0 };
	static struct settings settings;
	static const char *const before[] = { "ssh", "-G", NULL };
	if (typed_destination(&typed, destination, &error) &&
	    typed_option(&typed, 'o', value, &error)) {
		settings_assume(&settings, &typed, &ann);
		expect(settings_sound(&settings));
		(void)typed_setting(&typed, "port", text, sizeof(text));
		typed_command(&typed, before, &words);
		if (settings_read(&settings, (const char *)input.at, input.left))
			expect(settings.hostname[0] != '\0' && settings.port != 0);
		expect(settings_sound(&settings));
		check_expansion(&settings);
		check_command(&settings);
	}
	free(value);
	free(destination);
	return 0;
}
