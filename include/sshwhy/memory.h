/* memory: what cannot go on without its memory ends the program (exit 69, with a line on stderr);
 * asked by arenas, by texts that are put together, and by libraries that would leave out what they
 * have no memory for.
 */
#ifndef SSHWHY_MEMORY_H
#define SSHWHY_MEMORY_H

#include <stddef.h>
#include <stdio.h>

_Noreturn void out_of_memory(void);

/* malloc(); free() takes it back. */
void *memory_or_end(size_t size);

/* open_memstream(), and its end, after which the text is whole and the caller's to free. */
FILE *memory_stream(char **text, size_t *size);
void memory_stream_end(FILE *stream, char **text);

#endif
