#include "user/pattern.h"

#include <ctype.h>
#include <string.h>

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Goes back to the last star only: linear in practice, quadratic at worst. */
bool pattern_match(const char *text, const char *pattern, size_t length)
{
	size_t at = 0, star = length + 1;
	const char *resume = NULL;
	while (*text != '\0') {
		if (at < length && pattern[at] == '*') {
			star = at++;
			resume = text;
		} else if (at < length && (pattern[at] == '?' || same_letter(pattern[at], *text))) {
			at++;
			text++;
		} else if (resume != NULL) {
			at = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (at < length && pattern[at] == '*')
		at++;
	return at == length;
}

int pattern_list(const char *text, const char *list, size_t length, const char *separators)
{
	int found = 0;
	for (size_t at = 0; at < length;) {
		size_t end = at;
		while (end < length && strchr(separators, list[end]) == NULL)
			end++;
		bool negated = end > at && list[at] == '!';
		size_t from = at + negated;
		if (end > from && pattern_match(text, list + from, end - from)) {
			if (negated)
				return -1;
			found = 1;
		}
		at = end + 1;
	}
	return found;
}
