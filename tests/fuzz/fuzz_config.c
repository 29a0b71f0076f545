/* A file of ssh's configuration, for a host and a user: what is kept of it is text of its lines. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "expect.h"
#include "forge.h"
#include "fuzz.h"
#include "user/ssh_config.h"

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

/* Includes lead into the machine's own files, which are no input of ours. */
static bool includes(const struct cursor *input)
{
	for (size_t i = 0; i + 7 <= input->left; i++)
		if (strncasecmp((const char *)input->at + i, "include", 7) == 0)
			return true;
	return false;
}

static bool is_text(const char *bytes, size_t room)
{
	return memchr(bytes, '\0', room) != NULL;
}

static void check_settings(const struct ssh_config *config)
{
	for (int k = 0; k < CONFIG_KEYWORD_COUNT; k++) {
		const struct config_setting *setting = &config->setting[k];
		char text[640];
		expect(is_text(setting->value, sizeof(setting->value)));
		expect(is_text(setting->file, sizeof(setting->file)));
		expect(is_text(setting->text, sizeof(setting->text)));
		expect(setting->set || (!setting->certain && setting->value[0] == '\0'));
		config_describe(setting, text, sizeof(text));
	}
}

/* Three lines: host, user, local user; then the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	char *host = line_of(&input), *user = line_of(&input), *self = line_of(&input);
	static struct ssh_config config;
	struct config_reader reader = { .host = host,
					.user = user[0] != '\0' ? user : NULL,
					.local_user = self,
					.home = "/home/ann",
					.config = &config };
	memset(&config, 0, sizeof(config));
	if (!includes(&input)) {
		expect(config_read(&reader, forge_file(input.at, input.left), "/home/ann/.ssh"));
		check_settings(&config);
	}
	free(self);
	free(user);
	free(host);
	return 0;
}
