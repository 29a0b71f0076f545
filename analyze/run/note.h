/* note: the part of a run that no packet shows, as lines of JSON; written and read by
 * saved.c.
 *
 * The first note is {"sshwhy":"run/1", ...}: the question. Each further one is an
 * event. Unknown keys are ignored, unknown events skipped, so that newer runs can
 * be read; strings from a file are only ever data. A note is of ASCII alone: no editor and no
 * terminal makes anything else of it.
 */
#ifndef RUN_NOTE_H
#define RUN_NOTE_H

#include "sshwhy/run.h"

/* The first note, of what is known by now: a later one replaces it. One without "stopped" is of a
 * run that goes on. Of an event, its note. */
const char *note_question(const struct run *run, struct arena *arena);
const char *note_event(const struct event *event, struct arena *arena);

/* The notes of `run`, NUL-terminated JSON in `arena`; *count of them. */
const char *const *notes_write(const struct run *run, struct arena *arena, size_t *count);

/* Takes one note. False when it is no note of ours. */
bool note_read(struct run *run, const char *text);

#endif
