/* lines: a file of the user's, line by line, within bounds; for ssh_config.c and known.c.
 *
 * Only plain files are read, without waiting (a FIFO or a device is refused), up to
 * LINES_BYTES_MAX bytes; a line longer than LINE_LENGTH_MAX is skipped, its number counted.
 */
#ifndef PROBE_USER_LINES_H
#define PROBE_USER_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define LINES_BYTES_MAX (16 * 1024 * 1024)
#define LINE_LENGTH_MAX 20000 /* a public key of 16384 bits in base64 has 2,800 */

struct lines {
	FILE *file;
	unsigned number; /* of the line last returned, from 1 */
	uint64_t bytes;
	char text[LINE_LENGTH_MAX + 1];
};

/* False with errno when it is not there or no plain file. */
bool lines_open(struct lines *lines, const char *path);

/* The next line without its newline, until NULL. What follows a NUL byte is lost. */
char *lines_next(struct lines *lines);
void lines_close(struct lines *lines);

#endif
