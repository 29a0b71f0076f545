/* Whether the host key that the server showed is the one known. */
#include "observe/asked.h"
#include "observe/small.h"
#include "observe/word.h"
#include "observe/words.h"

/* The key that the server showed, if not in the first conversation, in the second. */
static const struct event *key_event(const struct observation *o)
{
	const struct event *event = event_of(o, EVENT_HOST_KEY);
	const struct exchange *small = small_conversation(o);
	if (event == NULL && small != NULL)
		event = find_event_of(o->run, EVENT_HOST_KEY, small->local_port);
	return event;
}

void observe_key(struct observation *o)
{
	const struct event *event = converses(o) || works_unseen(o) ? key_event(o) : NULL;
	if (event == NULL || event->word == WORD_NONE)
		return;
	struct fact *fact = fact_set(o, word_answer(event->word), "the server's key is %s (%s%s%s)",
				     event->text, event_word_name(event->word),
				     event->detail[0] != '\0' ? ": " : "", event->detail);
	if (o->kernel->connection != NULL)
		fact_packet(fact, o->kernel->connection->server_data_frame);
}
