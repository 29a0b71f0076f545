/* source: the bytes of a file or of standard input in order, gunzipped if need be; read by the
 * formats.
 *
 * A window moves over them: peek makes the next bytes contiguous, advance steps
 * past them. The formats see nothing else, so that another source (a mapping, say)
 * can take this one's place.
 */
#ifndef SSHWHY_SAVEFILE_SOURCE_H
#define SSHWHY_SAVEFILE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/error.h"
#include "sshwhy/savefile.h"

/* The most that can be peeked at: a record and what its format puts around it. */
#define SOURCE_PEEK_MAX (2 * (size_t)SAVEFILE_MAX_RECORD)

struct source {
	uint8_t *window;
	size_t at, end;	   /* bytes not yet consumed: window[at .. end) */
	uint64_t offset;   /* of window[at] in the (decompressed) capture */
	bool ended;	   /* nothing follows the window */
	char failure[100]; /* why, when that is not the file's own end; "" otherwise */
	int fd;		   /* -1: they are in memory */
	int interrupt;	   /* readable: nothing more is read; -1: there is none */
	bool interrupted;
	struct memory {
		const uint8_t *at;
		size_t left;
	} memory;	       /* not yet read */
	bool borrowed;	       /* the window is the memory itself, whole */
	struct gunzip *gunzip; /* NULL: the bytes are taken as they are */
};

/* NULL after filling `error` (EXIT_NO_INPUT). "-" is standard input. Of `interrupt` see
 * savefile_open_until(). */
struct source *source_open(const char *path, int interrupt, struct error *error);
/* Of bytes in memory, which stay the caller's and must live as long; plain ones are not copied. */
struct source *source_over(const void *bytes, size_t length, struct error *error);
void source_close(struct source *source);

/* Reads until `length` bytes are in the window, which may move it. */
bool source_fill(struct source *source, size_t length);

/* The next `length` (<= SOURCE_PEEK_MAX) bytes, valid until the next peek or skip;
 * NULL when so many do not follow. */
static inline const uint8_t *source_peek(struct source *source, size_t length)
{
	if (length > source->end - source->at && !source_fill(source, length))
		return NULL;
	return source->window + source->at;
}

/* Consumes bytes that were peeked at; moves none. */
static inline void source_advance(struct source *source, size_t length)
{
	source->at += length;
	source->offset += length;
}

/* Consumes bytes unseen. False when the source ends before. */
bool source_skip(struct source *source, uint64_t length);

/* After a peek that failed: how many bytes do follow. */
static inline size_t source_rest(const struct source *source)
{
	return source->end - source->at;
}

/* After a peek that failed: whether all was consumed and nothing is wrong. */
static inline bool source_finished(const struct source *source)
{
	return source_rest(source) == 0 && source->failure[0] == '\0';
}

#endif
