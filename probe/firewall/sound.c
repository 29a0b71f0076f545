/* What the processes that read rules and owners say is not believed before it was looked at: they
 * read much that others wrote. */
#include <string.h>

#include "firewall/inventory.h"

/* A bool that is neither 0 nor 1 is nothing that C knows. */
static bool is_bool(const bool *value)
{
	unsigned char byte;
	memcpy(&byte, value, sizeof(byte));
	return byte <= 1;
}

static bool ends(const char *text, size_t room)
{
	return memchr(text, '\0', room) != NULL;
}

#define IS_TEXT(array) ends(array, sizeof(array))

static bool is_effect(enum event_word effect)
{
	return effect == WORD_RULE_DROPS || effect == WORD_RULE_REJECTS ||
	       effect == WORD_RULE_DIVERTS || effect == WORD_RULE_QUEUES ||
	       effect == WORD_RULE_TRANSLATES || effect == WORD_RULE_READDRESSES;
}

static bool is_sound_finding(const struct finding *finding)
{
	unsigned family = finding->to.family;
	return is_effect(finding->effect) && is_bool(&finding->incoming) &&
	       is_bool(&finding->certain) && is_bool(&finding->policy) &&
	       is_bool(&finding->device_unknown) && is_bool(&finding->other_port) &&
	       IS_TEXT(finding->tool) && IS_TEXT(finding->family) && IS_TEXT(finding->table) &&
	       IS_TEXT(finding->chain) && IS_TEXT(finding->text) &&
	       (family == 0 || family == 4 || family == 6);
}

static bool is_sound_owner(const struct owner *owner)
{
	return is_bool(&owner->listens) && IS_TEXT(owner->name) && IS_TEXT(owner->program);
}

static bool is_sound_part(const struct inventory_part *part)
{
	if (part->rules.count > FINDINGS_MAX || !is_bool(&part->diverted) ||
	    !is_sound_owner(&part->owner))
		return false;
	for (size_t i = 0; i < part->rules.count; i++)
		if (!is_sound_finding(&part->rules.finding[i]))
			return false;
	return true;
}

bool inventory_is_sound(const struct inventory_result *result)
{
	for (size_t i = 0; i < INVENTORY_FLOWS; i++)
		if (!is_sound_part(&result->part[i]))
			return false;
	return is_bool(&result->read) && IS_TEXT(result->limit) && IS_TEXT(result->legacy4) &&
	       IS_TEXT(result->legacy6);
}
