#include "guide/shell.h"

#include <string.h>

#include "base/escape.h"

const char *shell_name(enum shell shell)
{
	static const char *const names[SHELLS] = {
		[SHELL_SH] = "sh",
		[SHELL_AZURE_CLI] = "azure-cli",
		[SHELL_POWERSHELL] = "powershell",
		[SHELL_AZURE_CLASSIC] = "azure-classic",
	};
	return names[shell];
}

char shell_escape(enum shell shell)
{
	return shell == SHELL_POWERSHELL ? '`' : '\\';
}

void quoting_step(struct quoting *quoting, char c)
{
	if (quoting->escaped)
		quoting->escaped = false;
	else if (c == quoting->escapes && quoting->open != '\'')
		quoting->escaped = true;
	else if (quoting->open != 0 && c == quoting->open)
		quoting->open = 0;
	else if (quoting->open == 0 && (c == '\'' || c == '"'))
		quoting->open = c;
}

bool shell_is_plain(const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._:/-";

	return value[0] != '\0' && value[strspn(value, plain)] == '\0';
}

/* PowerShell takes U+2018 to U+201B for an apostrophe, and two of them for one. */
static size_t apostrophe(const char *text, bool powershell)
{
	uint32_t code = 0;
	size_t length = utf8_decode(text, &code);

	if (code == '\'' || (powershell && code >= 0x2018 && code <= 0x201B))
		return length;
	return 0;
}

struct room {
	char *out;
	size_t used, size;
};

static void put_bytes(struct room *room, const char *bytes, size_t length)
{
	if (length < room->size - room->used)
		memcpy(room->out + room->used, bytes, length);
	else
		length = room->size - room->used; /* full from here on */
	room->used += length;
}

bool shell_quote(enum shell shell, const char *value, char *out, size_t size)
{
	bool powershell = shell_escape(shell) == '`';
	struct room room = { .out = out, .size = size };
	const char *mark = shell_is_plain(value) ? "" : "'";

	put_bytes(&room, mark, strlen(mark));
	while (*value != '\0') {
		size_t length = apostrophe(value, powershell);
		if (length > 0 && powershell) {
			put_bytes(&room, value, length);
			put_bytes(&room, value, length);
		} else if (length > 0) {
			put_bytes(&room, "'\\''", 4);
		} else {
			length = 1;
			put_bytes(&room, value, 1);
		}
		value += length;
	}
	put_bytes(&room, mark, strlen(mark));
	if (room.used == size)
		return false;
	out[room.used] = '\0';
	return true;
}

size_t shell_fold(enum shell shell, const char *text, size_t room)
{
	struct quoting quoting = { .escapes = shell_escape(shell) };
	size_t any = 0;
	size_t option = 0;

	for (size_t at = 0; text[at] != '\0'; at++) {
		bool between = text[at] == ' ' && quoting.open == 0 && !quoting.escaped && at > 0;
		if (between && utf8_columns(text, at) > room)
			return option > room / 2 ? option : any > 0 ? any : at;
		if (between) {
			any = at;
			if (text[at + 1] == '-' || text[at + 1] == '|')
				option = at;
		}
		quoting_step(&quoting, text[at]);
	}
	return option > room / 2 ? option : any;
}
