#include "user/key_order.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/ssh_config.h"

static bool in_list(const char *list, const char *name, size_t length)
{
	while (*list != '\0') {
		size_t its = strcspn(list, ",");
		if (its == length && strncmp(list, name, length) == 0)
			return true;
		list += its + (list[its] == ',');
	}
	return false;
}

/* What the setting is set to: the word behind the keyword. */
static const char *value_in(const char *quote, const char *keyword)
{
	const char *at = strcasestr(quote, keyword);
	if (at == NULL)
		return "";
	at += strlen(keyword);
	return at + strspn(at, " \t=\"");
}

static bool known_come_first(const char *quote)
{
	char first = value_in(quote, config_keywords[CONFIG_HOST_KEYS])[0];
	return quote[0] == '\0' || first == '+' || first == '-';
}

static void add_name(char *list, size_t room, const char *name, size_t length)
{
	size_t used = strlen(list);
	snprintf(list + used, room - used, "%s%.*s", used > 0 ? "," : "", (int)length, name);
}

static void add_offered(const char *names, const char *offered, char *list, size_t room)
{
	while (*names != '\0') {
		size_t length = strcspn(names, ",");
		if (offered[0] == '\0' || in_list(offered, names, length))
			add_name(list, room, names, length);
		names += length + (names[length] == ',');
	}
}

void key_order(const struct known *known, const char *offered, const char *quote, char *list,
	       size_t room)
{
	char algorithms[256];
	list[0] = '\0';
	if (!known_come_first(quote) || known->of_other_port)
		return;
	known_algorithms(known, algorithms, sizeof(algorithms));
	add_offered(algorithms, offered, list, room);
}
