#include "names/names.h"

#include <string.h>

#include "process/clock.h"

void names_ask(struct names *names, const struct address *address)
{
	if (names->resolver == NULL || address->family == 0 || names->count == NAMES_MAX)
		return;
	for (size_t i = 0; i < names->count; i++)
		if (address_equal(&names->address[i], address))
			return;
	names->asked_ms = clock_ms();
	names->address[names->count] = *address;
	names->question[names->count++] =
		resolver_ask(names->resolver, &(struct name_question){ .address = *address });
}

void names_wait(struct names *names, int patience_ms)
{
	for (size_t i = 0; i < names->count; i++) {
		int64_t left = names->asked_ms + patience_ms - clock_ms();
		if (left <= 0)
			return;
		(void)resolver_wait(names->resolver, names->question[i], (int)left, -1);
	}
}

bool names_get(struct names *names, size_t index, struct address *address, char name[NAME_LENGTH],
	       bool *confirmed)
{
	if (index >= names->count)
		return false;
	int question = names->question[index];
	*address = names->address[index];
	*confirmed = false;
	name[0] = '\0';
	if (resolver_wait(names->resolver, question, 0, -1) == 0) {
		const struct name_answer *answer = resolver_answer(names->resolver, question);
		memcpy(name, answer->name, NAME_LENGTH);
		*confirmed = answer->confirmed;
	}
	return true;
}
