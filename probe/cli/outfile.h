/* outfile: every file that the program writes is opened here, with the rights of the person who
 * runs it: those of root are for the network alone. Who may run the program by sudo and nothing
 * else could write any file otherwise.
 */
#ifndef CLI_OUTFILE_H
#define CLI_OUTFILE_H

#include <stdbool.h>

#include "sshwhy/error.h"

/* Opens for writing what is there already, a file or a FIFO with a reader, or makes a file that
 * the person alone may read. A symbolic link is not followed. -1 after filling `error`
 * (EXIT_CANNOT_WRITE). What was in the file is still there. */
int outfile_open(const char *path, bool *created, struct error *error);

/* With the person's rights too, and only as long as the file of that name is the one that is open
 * as `fd`. */
void outfile_remove(const char *path, int fd);

#endif
