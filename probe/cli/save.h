/* save: the file of `probe -w`. Opened while there is privilege; from then on only its descriptor
 * is used.
 *
 * The run is written as it comes, so that a process that is killed leaves one that was cut
 * short. At the end it is written anew, whole and commented, over that, from the front to the back:
 * killed then, too, it leaves one that was cut short. (A new file that takes the name of the old
 * one in the end would take rights that are no longer there.) An older run in the file stays until
 * the probe has begun, and as long as there is no room for a new one. A FIFO gets the run once, at
 * the end.
 */
#ifndef CLI_SAVE_H
#define CLI_SAVE_H

#include "cli/outfile.h"
#include "sshwhy/report.h"
#include "sshwhy/run.h"

struct save {
	const char *path; /* NULL: no run is to be saved */
	struct outfile file;
	struct run_writer *writer; /* NULL: what is in the file is not ours */
	bool begun;
	int failure; /* errno of why there can be no run in it; 0: none */
};

/* Opens it, with the rights of the user who called sudo. */
bool save_open(struct save *save, const char *path, struct error *error);
/* Writes what the run has more than before. `begun`: whatever could keep the probe from being
 * one has been done, and privilege is dropped. `context` is a struct save. */
void save_grow(void *context, const struct run *run, bool begun);
/* Writes the run at its end: whole, or what was in the file before stays there
 * (EXIT_CANNOT_WRITE). */
bool save_run(struct save *save, const struct run *run, const struct report *report,
	      struct arena *arena, struct error *error);
/* A file of ours goes where no probe began. */
void save_close(struct save *save);

#endif
