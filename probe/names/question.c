#include "names/question.h"

#include <string.h>

/* A family that we know, and nothing behind its bytes. */
static bool is_sound_address(struct address *address)
{
	size_t used = address->family == 4 ? 4 : 16;

	if (address->family != 4 && address->family != 6)
		return false;
	memset(address->bytes + used, 0, sizeof(address->bytes) - used);
	return true;
}

bool name_question_is_sound(struct name_question *question)
{
	bool any = question->family == 0 || question->family == 4 || question->family == 6;

	question->name[sizeof(question->name) - 1] = '\0';
	return any && (question->address.family == 0 || is_sound_address(&question->address));
}

bool name_answer_is_sound(struct name_answer *answer)
{
	/* a bool that is neither 0 nor 1 is nothing that C knows */
	unsigned char confirmed;

	memcpy(&confirmed, &answer->confirmed, sizeof(confirmed));
	if (confirmed > 1 || answer->count > ADDRESSES_MAX || answer->error > 0)
		return false;
	for (size_t i = 0; i < answer->count; i++)
		if (!is_sound_address(&answer->address[i]))
			return false;
	answer->name[sizeof(answer->name) - 1] = '\0';
	return true;
}
