/* What is wrong with a capture, and where: noted by the readers of its format. */
#include <stdarg.h>
#include <stdio.h>

#include "savefile/reader.h"

bool savefile_damaged(struct savefile *savefile, uint64_t offset, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (vsnprintf(savefile->damage, sizeof(savefile->damage), format, arguments) < 0)
		savefile->damage[0] = '\0';
	va_end(arguments);
	savefile->damaged = true;
	savefile->damage_offset = offset;
	return false;
}

bool savefile_cut(struct savefile *savefile, const char *what, uint64_t needed)
{
	const struct source *source = savefile->source;
	const char *why = source->failure[0] != '\0' ? source->failure : "the file ends";
	if (source_rest(source) == 0)
		return savefile_damaged(savefile, source->offset, "%s before %s", why, what);
	return savefile_damaged(savefile, source->offset, "%s inside %s: %zu of %llu bytes", why,
				what, source_rest(source), (unsigned long long)needed);
}
