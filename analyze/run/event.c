#include <string.h>

#include "sshwhy/run.h"

static const char *const kinds[EVENTS] = {
#define EVENT(id, name, place) [EVENT_##id] = (name),
#include "sshwhy/events.def"
};

static const struct {
	enum event_kind kind;
	const char *name;
} words[EVENT_WORDS] = {
	[WORD_NONE] = { .name = "" },
#define WORD(event, id, word) [WORD_##event##_##id] = { .kind = EVENT_##event, .name = (word) },
#include "sshwhy/events.def"
};

const char *event_name(enum event_kind kind)
{
	return kinds[kind];
}

bool event_by_name(const char *name, enum event_kind *kind)
{
	for (int i = 0; i < EVENTS; i++)
		if (strcmp(kinds[i], name) == 0) {
			*kind = (enum event_kind)i;
			return true;
		}
	return false;
}

const char *event_word_name(enum event_word word)
{
	return words[word].name;
}

enum event_word event_word_by_name(enum event_kind kind, const char *name, size_t length)
{
	for (int i = WORD_NONE + 1; i < EVENT_WORDS; i++)
		if (words[i].kind == kind && strlen(words[i].name) == length &&
		    memcmp(words[i].name, name, length) == 0)
			return (enum event_word)i;
	return WORD_NONE;
}
