/* pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each in the byte order and
 * with the interfaces of its section. */
#include "savefile/reader.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_NAMES = 4,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

enum option_code {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_INTERFACE_NAME = 2,
	OPTION_PACKET_FLAGS = 2,
	OPTION_PACKET_DROPS = 4,
	OPTION_INTERFACE_DROPS = 5,
	OPTION_SYSTEM_DROPS = 7,
	OPTION_TIME_RESOLUTION = 9,
	OPTION_TIME_OFFSET = 14,
};

enum {
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	BLOCK_MIN = 12, /* type, length, length again */
	SECTION_FIXED = 24,
	SECTION_MIN = SECTION_FIXED + 4,
	MICROSECONDS = 6,
};

static size_t padding(size_t length)
{
	return (4 - length % 4) % 4;
}

static uint64_t file_u64(const struct savefile *savefile, struct cursor *cursor)
{
	uint64_t first = file_u32(savefile, cursor), second = file_u32(savefile, cursor);
	return savefile->swapped ? first << 32 | second : second << 32 | first;
}

struct option {
	uint16_t code;
	struct cursor value;
};

/* The next option; false at the end of the list, or when its length lies, which
 * leaves the list failed. */
static bool next_option(const struct savefile *savefile, struct cursor *list, struct option *option)
{
	if (list->left == 0) /* opt_endofopt may be missing */
		return false;
	option->code = file_u16(savefile, list);
	uint16_t length = file_u16(savefile, list);
	option->value = cursor_part(list, length);
	cursor_skip(list, padding(length));
	return !list->failed && option->code != OPTION_END;
}

/* -- sections ----------------------------------------------------------------- */

static void add_note(struct savefile *savefile, const struct cursor *value)
{
	if (savefile->note_count >= SAVEFILE_MAX_NOTES) {
		savefile->notes_kept.refused++;
		return;
	}
	if (!budget_spend(&savefile->notes_kept, value->left + 1, SAVEFILE_NOTES_MOST))
		return;
	savefile->notes = arena_grow(&savefile->arena, savefile->notes, savefile->note_count,
				     sizeof(*savefile->notes));
	savefile->notes[savefile->note_count++] =
		arena_copy(&savefile->arena, value->at, value->left);
}

static bool section_byte_order(struct savefile *savefile, struct cursor *cursor)
{
	uint32_t magic = cursor_le32(cursor);
	savefile->swapped = magic == __builtin_bswap32(BYTE_ORDER_MAGIC);
	return savefile->swapped || magic == BYTE_ORDER_MAGIC;
}

/* The fixed part; `*total` becomes the length of the whole block. */
static bool section_header(struct savefile *savefile, uint32_t *total)
{
	struct source *source = savefile->source;
	const uint8_t *bytes = source_peek(source, SECTION_FIXED);
	if (bytes == NULL)
		return savefile_cut(savefile, "a section header", SECTION_FIXED);
	struct cursor cursor = cursor_over(bytes, SECTION_FIXED);
	cursor_skip(&cursor, 4);
	struct cursor length = cursor_part(&cursor, 4);
	if (!section_byte_order(savefile, &cursor))
		return savefile_damaged(savefile, source->offset,
					"a section header without byte-order magic");
	*total = file_u32(savefile, &length);
	uint16_t major = file_u16(savefile, &cursor);
	uint16_t minor = file_u16(savefile, &cursor);
	if (major != 1)
		return savefile_damaged(savefile, source->offset,
					"pcapng version %u.%u is not supported", (unsigned)major,
					(unsigned)minor);
	if (*total < SECTION_MIN || *total % 4 != 0)
		return savefile_damaged(savefile, source->offset,
					"a section header claims %u bytes", *total);
	source_advance(source, SECTION_FIXED);
	savefile->section_first = savefile->interface_count;
	return true;
}

/* Section headers hold the notes of a run and may be longer than any record: they
 * are read option by option. */
static bool section_option(struct savefile *savefile, uint32_t *left, bool *end)
{
	struct source *source = savefile->source;
	const uint8_t *bytes = source_peek(source, 4);
	if (bytes == NULL)
		return savefile_cut(savefile, "a section option", 4);
	struct cursor look = cursor_over(bytes, 4);
	cursor_skip(&look, 2);
	size_t length = file_u16(savefile, &look);
	size_t whole = 4 + length + padding(length);
	if (whole > *left)
		return savefile_damaged(savefile, source->offset,
					"a section option of %zu bytes, where %u are left", whole,
					*left);
	bytes = source_peek(source, whole);
	if (bytes == NULL)
		return savefile_cut(savefile, "a section option", whole);
	struct cursor list = cursor_over(bytes, whole);
	struct option option;
	*end = !next_option(savefile, &list, &option);
	if (!*end && option.code == OPTION_COMMENT)
		add_note(savefile, &option.value);
	source_advance(source, whole);
	*left -= (uint32_t)whole;
	return true;
}

/* Consumes the length that ends a block, which must be the one that began it. */
static bool block_trailer(struct savefile *savefile, uint32_t total)
{
	struct source *source = savefile->source;
	const uint8_t *bytes = source_peek(source, 4);
	if (bytes == NULL)
		return savefile_cut(savefile, "the end of a block", 4);
	struct cursor cursor = cursor_over(bytes, 4);
	uint32_t again = file_u32(savefile, &cursor);
	if (again != total)
		return savefile_damaged(savefile, source->offset,
					"a block of %u bytes ends as one of %u", total, again);
	source_advance(source, 4);
	return true;
}

static bool skip_rest(struct savefile *savefile, uint64_t length, uint32_t total)
{
	if (!source_skip(savefile->source, length))
		return savefile_cut(savefile, "a block", total);
	return block_trailer(savefile, total);
}

static bool section_options(struct savefile *savefile, uint32_t total)
{
	uint32_t left = total - SECTION_MIN;
	bool end = false;
	while (left > 0 && !end) {
		if (!section_option(savefile, &left, &end))
			return false;
	}
	return skip_rest(savefile, left, total);
}

static bool section(struct savefile *savefile)
{
	uint32_t total = 0;
	if (!section_header(savefile, &total))
		return false;
	return section_options(savefile, total);
}

/* -- interfaces --------------------------------------------------------------- */

/* What the options say; `name`: not yet copied, there may be more of them. */
static void interface_option(const struct savefile *savefile, struct option *option,
			     struct capture_interface *interface, struct cursor *name)
{
	struct cursor *value = &option->value;
	size_t length = value->left;
	switch (option->code) {
	case OPTION_INTERFACE_NAME:
		*name = *value;
		break;
	case OPTION_TIME_RESOLUTION:
		if (length >= 1) {
			int64_t offset = interface->ticks.offset_seconds;
			interface->ticks = ticks_from_resolution(cursor_u8(value));
			interface->ticks.offset_seconds = offset;
		}
		break;
	case OPTION_TIME_OFFSET:
		if (length >= 8)
			interface->ticks.offset_seconds = (int64_t)file_u64(savefile, value);
		break;
	default:
		break;
	}
}

static const char *keep_name(struct savefile *savefile, const struct cursor *name)
{
	size_t length = name->left < NAME_MAX_BYTES ? name->left : NAME_MAX_BYTES;
	if (length == 0 || !budget_spend(&savefile->names_kept, length + 1, NAMES_MOST))
		return "";
	return arena_copy(&savefile->arena, name->at, length);
}

static bool interface_block(struct savefile *savefile, struct cursor body, uint64_t offset)
{
	struct capture_interface interface = { 0 };
	struct cursor name = { 0 };
	interface.link = file_u16(savefile, &body);
	cursor_skip(&body, 2);
	interface.snaplen = file_u32(savefile, &body);
	/* "If this option is not present, a resolution of 10^-6 is assumed" */
	interface.ticks = ticks_from_resolution(MICROSECONDS);
	struct option option;
	while (next_option(savefile, &body, &option))
		interface_option(savefile, &option, &interface, &name);
	if (body.failed)
		return savefile_damaged(savefile, offset, "an interface description is too short");
	if (savefile->interface_count >= INTERFACES_MAX)
		return savefile_damaged(savefile, offset, "more than %d interfaces",
					INTERFACES_MAX);
	interface.name = keep_name(savefile, &name);
	savefile->interfaces = arena_grow(&savefile->arena, savefile->interfaces,
					  savefile->interface_count, sizeof(interface));
	savefile->interfaces[savefile->interface_count++] = interface;
	return true;
}

/* -- losses ------------------------------------------------------------------- */

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* A capture that says both means the same frames. */
static uint64_t lost_of(const struct capture_interface *interface)
{
	return interface->lost_in_all > interface->lost_between ? interface->lost_in_all
								: interface->lost_between;
}

static struct capture_interface *described(const struct savefile *savefile, uint32_t index)
{
	if (index >= savefile->interface_count - savefile->section_first)
		return NULL;
	return &savefile->interfaces[savefile->section_first + index];
}

/* epb_dropcount: "packets lost [...] between this packet and the preceding one for the same
 * interface" */
static void note_lost_between(struct savefile *savefile, struct capture_interface *interface,
			      uint64_t lost)
{
	uint64_t before = lost_of(interface);
	interface->lost_between = sum(interface->lost_between, lost);
	savefile->lost = sum(savefile->lost, lost_of(interface) - before);
}

/* isb_ifdrop, isb_osdrop: "starting from the beginning of the capture", so that of several blocks
 * the greatest holds. */
static void statistics_block(struct savefile *savefile, struct cursor body)
{
	struct capture_interface *interface = described(savefile, file_u32(savefile, &body));
	uint64_t lost = 0;
	cursor_skip(&body, 8); /* its time */
	struct option option;
	while (interface != NULL && next_option(savefile, &body, &option))
		if ((option.code == OPTION_INTERFACE_DROPS || option.code == OPTION_SYSTEM_DROPS) &&
		    option.value.left >= 8)
			lost = sum(lost, file_u64(savefile, &option.value));
	if (interface == NULL || lost <= interface->lost_in_all)
		return;
	uint64_t before = lost_of(interface);
	interface->lost_in_all = lost;
	savefile->lost = sum(savefile->lost, lost_of(interface) - before);
}

/* -- packets ------------------------------------------------------------------ */

/* What the three kinds of packet blocks say, each in its own order. */
struct record {
	uint32_t interface;
	uint64_t stamp;
	uint32_t captured, on_wire;
	uint16_t lost; /* just before it */
};

static uint64_t file_stamp(const struct savefile *savefile, struct cursor *body)
{
	uint64_t high = file_u32(savefile, body); /* in this order, whatever the bytes' order */
	return high << 32 | file_u32(savefile, body);
}

static struct record enhanced_record(const struct savefile *savefile, struct cursor *body)
{
	struct record record = { .interface = file_u32(savefile, body) };
	record.stamp = file_stamp(savefile, body);
	record.captured = file_u32(savefile, body);
	record.on_wire = file_u32(savefile, body);
	return record;
}

static struct record obsolete_record(const struct savefile *savefile, struct cursor *body)
{
	struct record record = { .interface = file_u16(savefile, body) };
	record.lost = file_u16(savefile, body); /* "unknown" is 0xFFFF */
	if (record.lost == UINT16_MAX)
		record.lost = 0;
	record.stamp = file_stamp(savefile, body);
	record.captured = file_u32(savefile, body);
	record.on_wire = file_u32(savefile, body);
	return record;
}

static struct record simple_record(const struct savefile *savefile, struct cursor *body)
{
	struct record record = { .on_wire = file_u32(savefile, body) };
	const struct capture_interface *interface = described(savefile, 0);
	/* "MUST use the SnapLen value [...] to determine the size of the Packet Data" */
	record.captured = record.on_wire;
	if (interface != NULL && interface->snaplen != 0 && interface->snaplen < record.captured)
		record.captured = interface->snaplen;
	return record;
}

/* epb_flags: "Bits 0-1: Inbound / Outbound packet (00 = information not available,
 * 01 = inbound, 10 = outbound)" */
static enum direction direction_of(uint32_t flags)
{
	switch (flags & 3) {
	case 1:
		return DIRECTION_IN;
	case 2:
		return DIRECTION_OUT;
	default:
		return DIRECTION_UNKNOWN;
	}
}

static void packet_options(struct savefile *savefile, struct cursor *body,
			   struct capture_interface *interface, struct frame *frame)
{
	struct option option;
	while (next_option(savefile, body, &option)) {
		if (option.code == OPTION_PACKET_FLAGS && option.value.left >= 4)
			frame->direction = direction_of(file_u32(savefile, &option.value));
		if (option.code == OPTION_PACKET_DROPS && option.value.left >= 8)
			note_lost_between(savefile, interface, file_u64(savefile, &option.value));
	}
}

static bool check_record(struct savefile *savefile, const struct record *record, uint64_t offset)
{
	if (described(savefile, record->interface) == NULL)
		return savefile_damaged(savefile, offset,
					"a packet of interface %u, which was not described",
					record->interface);
	if (record->captured > SAVEFILE_MAX_RECORD)
		return savefile_damaged(savefile, offset, "a packet of %u bytes is too long",
					record->captured);
	if (record->captured > record->on_wire)
		return savefile_damaged(savefile, offset,
					"a packet claims %u captured of %u bytes on the wire",
					record->captured, record->on_wire);
	return true;
}

static bool packet_block(struct savefile *savefile, uint32_t type, struct cursor body,
			 uint64_t offset, struct frame *frame)
{
	bool simple = type == BLOCK_SIMPLE_PACKET;
	struct record record;
	if (simple)
		record = simple_record(savefile, &body);
	else if (type == BLOCK_ENHANCED_PACKET)
		record = enhanced_record(savefile, &body);
	else
		record = obsolete_record(savefile, &body);
	if (!check_record(savefile, &record, offset))
		return false;
	struct capture_interface *interface = described(savefile, record.interface);
	*frame = (struct frame){
		.bytes = cursor_take(&body, record.captured),
		.captured = record.captured,
		.on_wire = record.on_wire,
		.time_ns = simple ? 0 : ticks_to_ns(&interface->ticks, record.stamp),
		.link = interface->link,
		.interface = (uint32_t)(savefile->section_first + record.interface),
	};
	cursor_skip(&body, padding(record.captured));
	if (record.lost > 0)
		note_lost_between(savefile, interface, record.lost);
	if (!simple)
		packet_options(savefile, &body, interface, frame);
	if (body.failed)
		return savefile_damaged(savefile, offset, "a packet is longer than its block");
	return true;
}

/* -- names -------------------------------------------------------------------- */

/* Of a Name Resolution Block only the comments are of use: what a capture says that addresses are
 * called is not believed. */
static void names_block(struct savefile *savefile, struct cursor body)
{
	struct option option;
	while (next_option(savefile, &body, &option)) /* its records have the form of options */
		;
	while (next_option(savefile, &body, &option))
		if (option.code == OPTION_COMMENT)
			add_note(savefile, &option.value);
}

/* -- blocks ------------------------------------------------------------------- */

static bool whole_block(struct savefile *savefile, uint32_t type, uint32_t total,
			struct frame *frame, bool *found)
{
	struct source *source = savefile->source;
	uint64_t offset = source->offset;
	if (total > SOURCE_PEEK_MAX)
		return savefile_damaged(savefile, offset, "a block of %u bytes is too long", total);
	const uint8_t *bytes = source_peek(source, total);
	if (bytes == NULL)
		return savefile_cut(savefile, "a block", total);
	struct cursor body = cursor_over(bytes + 8, total - BLOCK_MIN);
	source_advance(source, total - 4);
	/* The trailer is in the window already: looking at it moves nothing. */
	if (!block_trailer(savefile, total))
		return false;
	if (type == BLOCK_INTERFACE)
		return interface_block(savefile, body, offset);
	if (type == BLOCK_NAMES) {
		names_block(savefile, body);
		return true;
	}
	if (type == BLOCK_STATISTICS) {
		statistics_block(savefile, body);
		return true;
	}
	*found = true;
	return packet_block(savefile, type, body, offset, frame);
}

static bool other_block(struct savefile *savefile, uint32_t total)
{
	source_advance(savefile->source, 8);
	return skip_rest(savefile, total - BLOCK_MIN, total);
}

/* `found`: it was a packet, and `frame` is filled. */
static bool block(struct savefile *savefile, const uint8_t *header, struct frame *frame,
		  bool *found)
{
	struct cursor cursor = cursor_over(header, 8);
	uint32_t type = file_u32(savefile, &cursor);
	uint32_t total = file_u32(savefile, &cursor);
	if (type == BLOCK_SECTION)
		return section(savefile);
	/* "This value MUST be a multiple of 4." */
	if (total < BLOCK_MIN || total % 4 != 0)
		return savefile_damaged(savefile, savefile->source->offset,
					"a block claims %u bytes", total);
	if ((type == BLOCK_NAMES || type == BLOCK_STATISTICS) && total > SOURCE_PEEK_MAX)
		return other_block(savefile, total);
	switch (type) {
	case BLOCK_INTERFACE:
	case BLOCK_NAMES:
	case BLOCK_STATISTICS:
	case BLOCK_PACKET:
	case BLOCK_SIMPLE_PACKET:
	case BLOCK_ENHANCED_PACKET:
		return whole_block(savefile, type, total, frame, found);
	default:
		return other_block(savefile, total);
	}
}

static enum savefile_status pcapng_next(struct savefile *savefile, struct frame *frame)
{
	struct source *source = savefile->source;
	for (bool found = false; !found;) {
		const uint8_t *header = source_peek(source, 8);
		if (header == NULL && source_finished(source))
			return SAVEFILE_END;
		if (header == NULL) {
			savefile_cut(savefile, "a block header", 8);
			return SAVEFILE_DAMAGED;
		}
		if (!block(savefile, header, frame, &found))
			return SAVEFILE_DAMAGED;
	}
	return SAVEFILE_FRAME;
}

/* A first section header that is damaged behind its fixed part still makes a
 * capture: its notes up to there are read, and the damage is told by the first next. */
static bool pcapng_begin(struct savefile *savefile, struct error *error)
{
	uint32_t total = 0;
	if (!section_header(savefile, &total))
		return error_set(error, EXIT_MALFORMED, "%s", savefile->damage);
	(void)section_options(savefile, total);
	return true;
}

const struct format format_pcapng = { .begin = pcapng_begin, .next = pcapng_next };
