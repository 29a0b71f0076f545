#include "sshwhy/memory.h"

#include <stdbool.h>
#include <stdlib.h>

#include "sshwhy/error.h"

void out_of_memory(void)
{
	fputs("sshwhy: out of memory\n", stderr);
	exit(EXIT_UNAVAILABLE);
}

void *memory_or_end(size_t size)
{
	void *memory = malloc(size);
	if (memory == NULL && size > 0)
		out_of_memory();
	return memory;
}

FILE *memory_stream(char **text, size_t *size)
{
	*text = NULL;
	*size = 0;
	FILE *stream = open_memstream(text, size);
	if (stream == NULL)
		out_of_memory();
	return stream;
}

/* fclose() tells of little: neither that something before could not be added, nor that the GNU C
 * library could not make the text as short as it is, and has thrown it away. */
void memory_stream_end(FILE *stream, char **text)
{
	bool lacks = ferror(stream) != 0;
	if (fclose(stream) != 0 || lacks || *text == NULL)
		out_of_memory();
}
