/* outfile: every file that the program writes is opened here, with the rights of the person who
 * runs it: those of root are for the network alone. Who may run the program by sudo and nothing
 * else could write any file otherwise.
 */
#ifndef CLI_OUTFILE_H
#define CLI_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sshwhy/error.h"

struct outfile {
	int fd;	      /* -1: none */
	bool created; /* nothing is lost when it goes */
	bool fifo;
	FILE *stream;
	char *room; /* of the stream */
};

/* Opens for writing what is there already, a file or a FIFO with a reader, or makes a file that
 * the person alone may read. A symbolic link is not followed. False after filling `error`
 * (EXIT_CANNOT_WRITE). What was in the file is still there. */
bool outfile_open(struct outfile *file, const char *path, struct error *error);

/* Opens file->stream: up to OUTFILE_BLOCK bytes reach the kernel in one piece when they are
 * flushed, so that a process that is killed leaves all of them or none. A FIFO's reader may be
 * slow, but not for ever. */
#define OUTFILE_BLOCK (128 * 1024)
bool outfile_stream(struct outfile *file);

/* All of it to the descriptor; false: errno says why not. */
bool outfile_write(const struct outfile *file, const void *bytes, size_t length);

/* With the person's rights too, and only as long as the file of that name is the one that is open.
 */
void outfile_remove(const struct outfile *file, const char *path);

void outfile_close(struct outfile *file);

#endif
