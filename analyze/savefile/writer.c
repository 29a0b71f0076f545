/* One pcapng section with nanosecond stamps, in this machine's byte order.
 *
 * Every block is flushed when it is whole, and a block that could not be written
 * whole is taken back where the file allows: a full disk or a killed process leaves
 * a capture that ends where a packet ends.
 */
#include <errno.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "sshwhy/arena.h"
#include "sshwhy/savefile.h"

enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_INTERFACE_NAME = 2,
	OPTION_PACKET_FLAGS = 2,
	OPTION_APPLICATION = 4,
	OPTION_TIME_RESOLUTION = 9,
	OPTION_MAX = 65535, /* bytes: its length field has 16 bits */
};

struct savefile_writer {
	struct arena arena; /* holds this struct alone */
	FILE *out;
	/* where the last whole block ends, and what precedes it */
	struct savefile_place place;
	int error; /* errno of the first failure; what follows is not written */
};

static void take_back(struct savefile_writer *writer)
{
	__fpurge(writer->out);
	off_t end = writer->place.at;
	if (end >= 0 && ftruncate(fileno(writer->out), end) == 0)
		(void)fseeko(writer->out, end, SEEK_SET);
}

static void fail(struct savefile_writer *writer)
{
	writer->error = errno != 0 ? errno : EIO;
	take_back(writer);
}

static void put_bytes(struct savefile_writer *writer, const void *bytes, size_t length)
{
	if (writer->error == 0 && length > 0 && fwrite(bytes, 1, length, writer->out) != length)
		fail(writer);
}

static void put16(struct savefile_writer *writer, uint16_t value)
{
	put_bytes(writer, &value, sizeof(value));
}

static void put32(struct savefile_writer *writer, uint32_t value)
{
	put_bytes(writer, &value, sizeof(value));
}

static uint32_t padding(uint32_t length)
{
	return (4 - length % 4) % 4;
}

static void put_padded(struct savefile_writer *writer, const void *bytes, uint32_t length)
{
	put_bytes(writer, bytes, length);
	put_bytes(writer, (const char[4]){ 0 }, padding(length));
}

static void put_option(struct savefile_writer *writer, uint16_t code, const void *value,
		       uint32_t length)
{
	put16(writer, code);
	put16(writer, (uint16_t)length);
	put_padded(writer, value, length);
}

static uint32_t option_size(uint32_t length)
{
	return 4 + length + padding(length);
}

/* Length of `text` as an option: cut where a UTF-8 character begins. */
static uint32_t text_length(const char *text)
{
	size_t length = strnlen(text, OPTION_MAX + 1);
	if (length <= OPTION_MAX)
		return (uint32_t)length;
	length = OPTION_MAX;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	/* No character is longer than four bytes: this is not UTF-8. */
	return length + 4 > OPTION_MAX ? (uint32_t)length : OPTION_MAX;
}

static void put_text(struct savefile_writer *writer, uint16_t code, const char *text)
{
	put_option(writer, code, text, text_length(text));
}

static uint32_t text_size(const char *text)
{
	return option_size(text_length(text));
}

/* False, and nothing to write, when an earlier block failed. */
static bool begin_block(struct savefile_writer *writer, uint32_t type, uint32_t total)
{
	put32(writer, type);
	put32(writer, total);
	return writer->error == 0;
}

static void end_block(struct savefile_writer *writer, uint32_t total)
{
	put32(writer, total);
	if (writer->error == 0 && fflush(writer->out) != 0)
		fail(writer);
	else if (writer->error == 0 && writer->place.at >= 0)
		writer->place.at += total;
}

static void put_section(struct savefile_writer *writer, const char *application,
			const char *const *notes, size_t note_count)
{
	uint32_t total = 28 + option_size(0); /* at most 4097 times 64 KiB more */
	if (application != NULL)
		total += text_size(application);
	for (size_t i = 0; i < note_count; i++)
		total += text_size(notes[i]);

	if (!begin_block(writer, 0x0a0d0d0a, total))
		return;
	put32(writer, 0x1a2b3c4d);
	put16(writer, 1); /* version 1.0 */
	put16(writer, 0);
	put32(writer, UINT32_MAX); /* section length: not specified */
	put32(writer, UINT32_MAX);
	if (application != NULL)
		put_text(writer, OPTION_APPLICATION, application);
	for (size_t i = 0; i < note_count; i++)
		put_text(writer, OPTION_COMMENT, notes[i]);
	put_option(writer, OPTION_END, NULL, 0);
	end_block(writer, total);
}

/* A run that loses a note would replay otherwise. */
static bool has_room_for_notes(struct savefile_writer *writer, size_t count)
{
	if (count > SAVEFILE_MAX_NOTES - writer->place.notes)
		writer->error = writer->error != 0 ? writer->error : E2BIG;
	else
		writer->place.notes += count;
	return writer->error == 0;
}

struct savefile_writer *savefile_writer_new(FILE *out, const char *application,
					    const char *const *notes, size_t note_count)
{
	struct arena arena = { 0 };
	struct savefile_writer *writer = arena_alloc(&arena, sizeof(*writer));
	writer->arena = arena;
	writer->out = out;
	writer->place.at = ftello(out);
	if (has_room_for_notes(writer, note_count))
		put_section(writer, application, notes, note_count);
	return writer;
}

void savefile_writer_note(struct savefile_writer *writer, const char *note)
{
	uint32_t total = 12 + 4 + text_size(note) + option_size(0);
	if (!has_room_for_notes(writer, 1) || !begin_block(writer, 4, total))
		return;
	put_option(writer, 0, NULL, 0); /* nrb_record_end: no names */
	put_text(writer, OPTION_COMMENT, note);
	put_option(writer, OPTION_END, NULL, 0);
	end_block(writer, total);
}

uint32_t savefile_writer_interface(struct savefile_writer *writer, const char *name, uint32_t link,
				   uint32_t snaplen)
{
	const uint8_t nanoseconds = 9;
	uint32_t total = 20 + option_size(sizeof(nanoseconds)) + option_size(0);
	if (name != NULL)
		total += text_size(name);

	if (begin_block(writer, 1, total)) {
		put16(writer, (uint16_t)link);
		put16(writer, 0);
		put32(writer, snaplen);
		if (name != NULL)
			put_text(writer, OPTION_INTERFACE_NAME, name);
		put_option(writer, OPTION_TIME_RESOLUTION, &nanoseconds, sizeof(nanoseconds));
		put_option(writer, OPTION_END, NULL, 0);
		end_block(writer, total);
	}
	return writer->place.interfaces++;
}

/* epb_flags, bits 0-1: "00 = information not available, 01 = inbound, 10 = outbound" */
static uint32_t direction_flags(enum direction direction)
{
	return direction == DIRECTION_IN ? 1 : direction == DIRECTION_OUT ? 2 : 0;
}

static uint32_t packet_options_size(uint32_t flags, const char *comment)
{
	uint32_t size = flags != 0 ? option_size(sizeof(flags)) : 0;
	if (comment != NULL)
		size += text_size(comment);
	return size > 0 ? size + option_size(0) : 0;
}

static void put_packet_options(struct savefile_writer *writer, uint32_t flags, const char *comment)
{
	if (flags != 0)
		put_option(writer, OPTION_PACKET_FLAGS, &flags, sizeof(flags));
	if (comment != NULL)
		put_text(writer, OPTION_COMMENT, comment);
	if (flags != 0 || comment != NULL)
		put_option(writer, OPTION_END, NULL, 0);
}

void savefile_writer_frame(struct savefile_writer *writer, const struct frame *frame,
			   const char *comment)
{
	uint32_t captured = frame->captured;
	if (captured > SAVEFILE_MAX_RECORD) /* readers take no more */
		captured = SAVEFILE_MAX_RECORD;
	uint32_t on_wire = frame->on_wire > frame->captured ? frame->on_wire : frame->captured;
	uint64_t stamp = frame->time_ns > 0 ? (uint64_t)frame->time_ns : 0;
	uint32_t flags = direction_flags(frame->direction);
	uint32_t total = 32 + captured + padding(captured) + packet_options_size(flags, comment);

	if (frame->interface >= writer->place.interfaces && writer->error == 0)
		writer->error = EINVAL;
	if (!begin_block(writer, 6, total))
		return;
	put32(writer, frame->interface);
	put32(writer, (uint32_t)(stamp >> 32));
	put32(writer, (uint32_t)stamp);
	put32(writer, captured);
	put32(writer, on_wire);
	put_padded(writer, frame->bytes, captured);
	put_packet_options(writer, flags, comment);
	end_block(writer, total);
}

struct savefile_place savefile_writer_place(const struct savefile_writer *writer)
{
	return writer->place;
}

void savefile_writer_return(struct savefile_writer *writer, struct savefile_place place)
{
	if (writer->error != 0 || writer->place.at == place.at)
		return;
	if (place.at < 0 || ftruncate(fileno(writer->out), place.at) != 0 ||
	    fseeko(writer->out, place.at, SEEK_SET) != 0)
		fail(writer);
	else
		writer->place = place;
}

bool savefile_writer_close(struct savefile_writer *writer, struct error *error)
{
	int failed = writer->error;
	struct arena arena = writer->arena;
	arena_free(&arena);
	if (failed != 0)
		return error_set(error, EXIT_CANNOT_WRITE, "%s", strerror(failed));
	return true;
}
