/* What the making of a joined report stands on: which end is which, facts, texts. */
#include "joint/joining.h"

#include <stdarg.h>
#include <stdio.h>

bool is_client_end(const struct joint *joint, const struct entry *entry)
{
	const struct dossier *d = &entry->dossier;
	const struct joint_capture *capture = &joint->captures[entry->capture];
	if (capture->vantage_given)
		return capture->vantage == VANTAGE_CLIENT;
	return d->place == WORD_PLACE_CLIENT;
}

bool is_server_end(const struct joint *joint, const struct entry *entry)
{
	const struct joint_capture *capture = &joint->captures[entry->capture];
	if (capture->vantage_given)
		return capture->vantage == VANTAGE_VM;
	return entry->dossier.place == WORD_PLACE_VM;
}

/* Both sides' packets are undiminished when somebody near answers in the server's place. That
 * the server is elsewhere shows in the other capture. */
bool may_be_client_end(const struct joint *joint, const struct entry *entry)
{
	const struct conversation *c = &entry->dossier.conversation;
	return is_client_end(joint, entry) ||
	       (entry->dossier.place == WORD_PLACE_UNCLEAR && ttl_is_undiminished(c->client_ttl));
}

void joining_set(struct joining *j, enum answer answer, const char *text)
{
	struct fact *fact = &j->facts.fact[answer_question(answer)];
	*fact = (struct fact){ .answer = answer, .text = arena_string(&j->run->arena, text) };
}

void joining_drop(struct joining *j, enum question question)
{
	j->facts.fact[question] = (struct fact){ .answer = ANSWER_NONE };
}

/* The two were matched, and not by numbers: by their words, then. Another connection of a proxy's
 * would carry other words. */
bool is_relayed(const struct marks *x, const struct marks *y)
{
	bool numbers = x->client_isn == y->client_isn ||
		       (x->answer && y->answer && x->server_isn == y->server_isn);
	bool stamps = x->stamped && y->stamped && x->timestamp == y->timestamp;
	return x->syn && y->syn && !numbers && !stamps;
}

void line_add(struct line *line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format,
			       arguments);
	va_end(arguments);
	line->used += length > 0 ? (size_t)length : 0;
	if (line->used >= sizeof(line->text))
		line->used = sizeof(line->text) - 1;
}
