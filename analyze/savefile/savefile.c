/* Opening a capture of whichever format, and what the formats have in common. */
#include "sshwhy/savefile.h"

#include <stdlib.h>
#include <string.h>

#include "savefile/reader.h"

static const struct format *recognise(struct source *source)
{
	const uint8_t *magic = source_peek(source, 4);
	if (magic == NULL)
		return NULL;
	struct cursor cursor = cursor_over(magic, 4);
	uint32_t number = cursor_be32(&cursor);
	if (number == 0x0a0d0d0a)
		return &format_pcapng;
	switch (number) {
	case 0xa1b2c3d4:
	case 0xd4c3b2a1:
	case 0xa1b23c4d:
	case 0x4d3cb2a1:
	case 0xa1b2cd34:
	case 0x34cdb2a1:
		return &format_pcap;
	default:
		return NULL;
	}
}

static bool begin_format(struct savefile *savefile, struct error *error)
{
	savefile->format = recognise(savefile->source);
	if (savefile->format != NULL)
		return savefile->format->begin(savefile, error);
	const struct source *source = savefile->source;
	if (source->failure[0] != '\0')
		return error_set(error, EXIT_MALFORMED, "%s", source->failure);
	if (source_rest(source) == 0)
		return error_set(error, EXIT_MALFORMED, "the file is empty");
	return error_set(error, EXIT_MALFORMED, "neither a pcap nor a pcapng capture");
}

static bool begin(struct savefile *savefile, struct error *error)
{
	bool begun = begin_format(savefile, error);
	if (!begun && savefile->source->interrupted)
		error_set(error, EXIT_INTERRUPTED, "interrupted");
	return begun;
}

/* `name`: what an error calls it. */
static struct savefile *savefile_new(struct source *source, const char *name, struct error *error)
{
	if (source == NULL)
		return NULL;
	struct savefile *savefile = calloc(1, sizeof(*savefile));
	if (savefile == NULL) {
		source_close(source);
		error_set(error, EXIT_NO_INPUT, "%s: out of memory", name);
		return NULL;
	}
	savefile->source = source;
	if (!begin(savefile, error)) {
		error_context(error, "%s", name);
		savefile_close(savefile);
		return NULL;
	}
	return savefile;
}

struct savefile *savefile_open(const char *path, struct error *error)
{
	return savefile_open_until(path, -1, error);
}

struct savefile *savefile_open_until(const char *path, int interrupt, struct error *error)
{
	return savefile_new(source_open(path, interrupt, error), path, error);
}

bool savefile_interrupted(const struct savefile *savefile)
{
	return savefile->source->interrupted;
}

struct savefile *savefile_over(const void *bytes, size_t length, struct error *error)
{
	return savefile_new(source_over(bytes, length, error), "memory", error);
}

void savefile_close(struct savefile *savefile)
{
	if (savefile == NULL)
		return;
	source_close(savefile->source);
	arena_free(&savefile->arena);
	free(savefile);
}

enum savefile_status savefile_next(struct savefile *savefile, struct frame *frame)
{
	if (savefile->damaged)
		return SAVEFILE_DAMAGED;
	enum savefile_status status = savefile->format->next(savefile, frame);
	if (status != SAVEFILE_FRAME && savefile->source->interrupted) {
		savefile->damaged = false; /* nobody knows */
		return SAVEFILE_END;
	}
	if (status == SAVEFILE_FRAME)
		frame->number = ++savefile->frames;
	return status;
}

const char *savefile_damage(const struct savefile *savefile, uint64_t *offset)
{
	if (!savefile->damaged)
		return NULL;
	if (offset != NULL)
		*offset = savefile->damage_offset;
	return savefile->damage;
}

size_t savefile_note_count(const struct savefile *savefile)
{
	return savefile->note_count;
}

const char *savefile_note(const struct savefile *savefile, size_t index)
{
	return index < savefile->note_count ? savefile->notes[index] : NULL;
}

uint64_t savefile_lost(const struct savefile *savefile)
{
	return savefile->lost;
}

uint64_t savefile_notes_refused(const struct savefile *savefile)
{
	return savefile->notes_kept.refused;
}

const char *savefile_interface_name(const struct savefile *savefile, uint32_t index)
{
	return index < savefile->interface_count ? savefile->interfaces[index].name : "";
}

uint32_t savefile_interface_link(const struct savefile *savefile, uint32_t index)
{
	return index < savefile->interface_count ? savefile->interfaces[index].link : 0;
}

size_t savefile_interface_count(const struct savefile *savefile)
{
	return savefile->interface_count;
}
