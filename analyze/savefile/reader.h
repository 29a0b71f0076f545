/* reader: what the formats share (pcap.c, pcapng.c, variant.c): the savefile they read for
 * savefile.c, its interfaces, its damage. */
#ifndef SSHWHY_SAVEFILE_READER_H
#define SSHWHY_SAVEFILE_READER_H

#include "savefile/source.h"
#include "sshwhy/arena.h"
#include "sshwhy/budget.h"
#include "sshwhy/cursor.h"

enum {
	INTERFACES_MAX = 65536, /* of all sections together */
	NAME_MAX_BYTES = 255,
	NAMES_MOST = 1 << 20, /* bytes of all of them: further interfaces have none */
};

/* The time of an interface: ns = stamp * multiply / divide >> shift, + offset. */
struct ticks {
	uint64_t multiply, divide;
	unsigned shift;
	int64_t offset_seconds;
};

struct capture_interface {
	const char *name; /* "" when not told */
	uint32_t link;
	uint32_t snaplen; /* 0: no limit */
	struct ticks ticks;
	uint64_t lost_in_all;  /* as its statistics say */
	uint64_t lost_between; /* as its packets say, each of those since the one before it */
};

struct savefile;

struct format {
	/* Reads what precedes the records. False after filling `error`: no such capture. */
	bool (*begin)(struct savefile *savefile, struct error *error);
	enum savefile_status (*next)(struct savefile *savefile, struct frame *frame);
};

struct savefile {
	struct arena arena;
	struct source *source;
	const struct format *format;
	bool swapped;	       /* big-endian, as we read little-endian */
	uint8_t record_header; /* pcap: bytes, see variant.c */
	bool old_lengths;      /* pcap: the two lengths may be swapped */
	uint32_t ns_per_tick;  /* pcap: of the sub-second field */
	uint64_t frames;
	uint64_t lost; /* of all interfaces */

	struct capture_interface *interfaces; /* in the arena, of all sections */
	size_t interface_count;
	size_t section_first; /* interface 0 of the current section */

	const char **notes; /* in the arena */
	size_t note_count;
	struct budget notes_kept, names_kept;

	bool damaged;
	uint64_t damage_offset;
	char damage[200];
};

extern const struct format format_pcap, format_pcapng;

/* How long the record headers of a pcap are, when those that its magic promises make no
 * sense and longer ones do. Looks only at what is in the window already. */
uint8_t pcap_record_header(const struct savefile *savefile, uint8_t promised);

/* Notes what is wrong at `offset`; returns false. */
bool savefile_damaged(struct savefile *savefile, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* After a peek for `needed` bytes from here failed: notes that, and how many there
 * are; returns false. */
bool savefile_cut(struct savefile *savefile, const char *what, uint64_t needed);

/* The byte order that the capture was written in. */
static inline uint16_t file_u16(const struct savefile *savefile, struct cursor *cursor)
{
	return savefile->swapped ? cursor_be16(cursor) : cursor_le16(cursor);
}

static inline uint32_t file_u32(const struct savefile *savefile, struct cursor *cursor)
{
	return savefile->swapped ? cursor_be32(cursor) : cursor_le32(cursor);
}

/* Nanoseconds of a stamp, held within 2^62 of 1970 so that no difference of two
 * times overflows. */
int64_t ticks_to_ns(const struct ticks *ticks, uint64_t stamp);

/* From if_tsresol. */
struct ticks ticks_from_resolution(uint8_t resolution);

#endif
