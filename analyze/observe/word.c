/* Which answer an event's word is, for the kinds whose words are answers and nothing else. */
#include "observe/word.h"

#define ANSWER_OF_HOST_KEY(id) [WORD_HOST_KEY_##id] = ANSWER_KEY_##id,
#define ANSWER_OF_PLACE(id)    [WORD_PLACE_##id] = ANSWER_PLACE_##id,
/* These are weighed with what else is known. */
#define ANSWER_OF_SSH(id)
#define ANSWER_OF_RULE(id)
#define ANSWER_OF_CONFIG(id)
#define ANSWER_OF_MODE(id)
#define ANSWER_OF_STRAY(id)
#define ANSWER_OF_LIMIT(id)

/* A new word of the first two without an answer of its name does not compile. */
static const enum answer answers[EVENT_WORDS] = {
#define WORD(event, id, word) ANSWER_OF_##event(id)
#include "sshwhy/events.def"
};

enum answer word_answer(enum event_word word)
{
	return answers[word];
}
