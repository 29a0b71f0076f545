/* savefile: reading and writing captures; used by the commands that read files, and by run_save().
 *
 * Formats: pcap (libpcap's, microseconds and nanoseconds, both byte orders; with the
 * longer record headers of Kuznetzov's libpcap and of Nokia; as AIX writes it) and
 * pcapng (draft-ietf-opsawg-pcapng: several sections, interfaces and time
 * resolutions; Simple, Enhanced and obsolete Packet Blocks; unknown blocks are
 * skipped), each also gzipped. Lengths in a file are never trusted: a record is
 * bounded by SAVEFILE_MAX_RECORD before anything is read for it.
 */
#ifndef SSHWHY_SAVEFILE_H
#define SSHWHY_SAVEFILE_H

#include <stdio.h>
#include <sys/types.h>

#include "sshwhy/error.h"
#include "sshwhy/frame.h"

#define SAVEFILE_MAX_RECORD (1u << 20) /* bytes; larger records are damage */

struct savefile;

/* Opens `path` ("-": standard input) and reads up to the first record. Returns
 * NULL after filling `error`: EXIT_NO_INPUT when it cannot be opened,
 * EXIT_MALFORMED when it is no capture; the text begins with the path. The caller
 * closes what it opened. */
struct savefile *savefile_open(const char *path, struct error *error);
/* The same, but nothing more is read once the descriptor `interrupt` is readable (-1: none): the
 * capture ends there, and savefile_interrupted(). Not to have come so far as to open it is
 * EXIT_INTERRUPTED. */
struct savefile *savefile_open_until(const char *path, int interrupt, struct error *error);
bool savefile_interrupted(const struct savefile *savefile);
/* The same of a capture in memory, which stays the caller's and must live as long. */
struct savefile *savefile_over(const void *bytes, size_t length, struct error *error);
void savefile_close(struct savefile *savefile);

enum savefile_status {
	SAVEFILE_FRAME,	  /* `frame` is filled; its bytes live until the next call */
	SAVEFILE_END,	  /* the file ended where a record ended */
	SAVEFILE_DAMAGED, /* it did not: savefile_damage() says where; no more frames */
};
enum savefile_status savefile_next(struct savefile *savefile, struct frame *frame);

/* After SAVEFILE_DAMAGED: what is wrong, and its byte offset in the (decompressed)
 * capture. NULL when nothing is. Owned by the savefile. */
const char *savefile_damage(const struct savefile *savefile, uint64_t *offset);

/* The comments of the section headers read so far, and of the Name Resolution Blocks
 * (pcapng opt_comment, each a NUL-terminated copy owned by the savefile); a saved run
 * keeps there what no packet shows. Those of the first section are there before its
 * first frame, all when there are no more frames. A plain pcap has none, and no capture
 * more than SAVEFILE_MAX_NOTES, nor so many bytes of them: what exceeds that is left out. */
#define SAVEFILE_MAX_NOTES  4096
#define SAVEFILE_NOTES_MOST ((size_t)4 << 20)
size_t savefile_note_count(const struct savefile *savefile);
const char *savefile_note(const struct savefile *savefile, size_t index);
uint64_t savefile_notes_refused(const struct savefile *savefile); /* so many were left out */

/* How many frames the capture itself says that it lost, by what was read of it so far: pcapng's
 * Interface Statistics Blocks stand behind the frames they are about. */
uint64_t savefile_lost(const struct savefile *savefile);

/* Name of interface `index` ("" when the capture does not tell). */
const char *savefile_interface_name(const struct savefile *savefile, uint32_t index);
/* Its link type. How many interfaces the sections read so far have. */
uint32_t savefile_interface_link(const struct savefile *savefile, uint32_t index);
size_t savefile_interface_count(const struct savefile *savefile);

/* -- writing: one pcapng section, nanosecond stamps -------------------------- */

struct savefile_writer;

/* Writes to `out`, which stays the caller's; never NULL. Notes become opt_comment
 * options of the section header (more than SAVEFILE_MAX_NOTES are an error, told at
 * the end), `application` (or NULL) its shb_userappl. Texts are cut to the 65535
 * bytes of an option where a UTF-8 character begins. Every block is flushed when
 * whole; one that cannot be written whole is taken back where `out` can seek. */
struct savefile_writer *savefile_writer_new(FILE *out, const char *application,
					    const char *const *notes, size_t note_count);

/* One more note: of all blocks that take a comment, a Name Resolution Block without names
 * says least else. */
void savefile_writer_note(struct savefile_writer *writer, const char *note);

/* Adds an interface and returns its index (0, 1, ...). */
uint32_t savefile_writer_interface(struct savefile_writer *writer, const char *name, uint32_t link,
				   uint32_t snaplen);

/* One Enhanced Packet Block; frame->interface must be an index given out above.
 * `comment` may be NULL. */
void savefile_writer_frame(struct savefile_writer *writer, const struct frame *frame,
			   const char *comment);

/* A place to return to: what was written behind it is taken back, where `out` can seek. The file
 * is whole before and after. */
struct savefile_place {
	off_t at; /* -1: `out` cannot seek */
	uint32_t interfaces;
	size_t notes;
};
struct savefile_place savefile_writer_place(const struct savefile_writer *writer);
void savefile_writer_return(struct savefile_writer *writer, struct savefile_place place);

/* Frees. False (EXIT_CANNOT_WRITE) when any write failed. */
bool savefile_writer_close(struct savefile_writer *writer, struct error *error);

#endif
