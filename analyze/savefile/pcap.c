/* libpcap's format (draft-ietf-opsawg-pcap): one header, then records, in the byte
 * order of the machine that wrote them. */
#include "savefile/reader.h"

enum {
	HEADER = 24,
	RECORD_HEADER = 16,
	MODIFIED_RECORD_HEADER = 24, /* + interface index, protocol, packet type, padding */
	PACKET_OUTGOING = 4,
	PACKET_OTHER_HOST = 3,
	/* RFC 1573 ifType, which AIX puts where others put LINKTYPE */
	AIX_ETHERNET = 6,
	AIX_LOOPBACK = 24,
};

static void by_magic(struct savefile *savefile, uint32_t little_endian)
{
	static const struct {
		uint32_t magic, ns_per_tick;
		uint8_t record_header;
	} magics[] = {
		{ 0xa1b2c3d4, 1000, RECORD_HEADER },
		{ 0xa1b23c4d, 1, RECORD_HEADER },
		{ 0xa1b2cd34, 1000, MODIFIED_RECORD_HEADER },
	};
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		bool swapped = little_endian == __builtin_bswap32(magics[i].magic);
		if (little_endian != magics[i].magic && !swapped)
			continue;
		savefile->swapped = swapped;
		savefile->record_header = magics[i].record_header;
		savefile->ns_per_tick = magics[i].ns_per_tick;
	}
}

/* AIX counts as version 2.2, with ifTypes and nanoseconds; other files of the time may
 * hold the two lengths of a record in the other order. */
static void by_version(struct savefile *savefile, uint16_t minor)
{
	struct capture_interface *interface = &savefile->interfaces[0];
	savefile->old_lengths = minor <= 3;
	if (minor != 2 || (interface->link != AIX_ETHERNET && interface->link != AIX_LOOPBACK))
		return;
	interface->link = interface->link == AIX_ETHERNET ? LINK_ETHERNET : LINK_NULL;
	savefile->ns_per_tick = 1;
}

static bool pcap_begin(struct savefile *savefile, struct error *error)
{
	const uint8_t *bytes = source_peek(savefile->source, HEADER);
	if (bytes == NULL) {
		savefile_cut(savefile, "the pcap header", HEADER);
		return error_set(error, EXIT_MALFORMED, "%s", savefile->damage);
	}
	struct cursor cursor = cursor_over(bytes, HEADER);
	by_magic(savefile, cursor_le32(&cursor));
	uint16_t major = file_u16(savefile, &cursor);
	uint16_t minor = file_u16(savefile, &cursor);
	if (major != 2)
		return error_set(error, EXIT_MALFORMED, "pcap version %u.%u is not supported",
				 (unsigned)major, (unsigned)minor);
	cursor_skip(&cursor, 8); /* time zone, accuracy: always 0 */
	struct capture_interface interface = { .name = "" };
	interface.snaplen = file_u32(savefile, &cursor);
	/* The upper bits tell how long a frame check sequence is; it is left to the
	 * decoder as a trailer. */
	interface.link = file_u32(savefile, &cursor) & 0xffff;
	savefile->interfaces = arena_grow(&savefile->arena, NULL, 0, sizeof(interface));
	savefile->interfaces[savefile->interface_count++] = interface;
	by_version(savefile, minor);
	source_advance(savefile->source, HEADER);
	savefile->record_header = pcap_record_header(savefile, savefile->record_header);
	return true;
}

static enum direction direction_of(uint8_t packet_type)
{
	if (packet_type == PACKET_OUTGOING)
		return DIRECTION_OUT;
	return packet_type < PACKET_OTHER_HOST ? DIRECTION_IN : DIRECTION_UNKNOWN;
}

static void read_record_header(const struct savefile *savefile, const uint8_t *bytes,
			       struct frame *frame)
{
	struct cursor cursor = cursor_over(bytes, RECORD_HEADER);
	*frame = (struct frame){ .link = savefile->interfaces[0].link };
	int64_t seconds = file_u32(savefile, &cursor);
	int64_t ticks = file_u32(savefile, &cursor);
	/* At most 2^32 s + 2^32 us: below 2^62 ns. */
	frame->time_ns = seconds * 1000000000 + ticks * savefile->ns_per_tick;
	frame->captured = file_u32(savefile, &cursor);
	frame->on_wire = file_u32(savefile, &cursor);
	if (savefile->old_lengths && frame->captured > frame->on_wire) {
		uint32_t captured = frame->on_wire;
		frame->on_wire = frame->captured;
		frame->captured = captured;
	}
	if (savefile->record_header >= MODIFIED_RECORD_HEADER) {
		cursor = cursor_over(bytes, MODIFIED_RECORD_HEADER);
		cursor_skip(&cursor, RECORD_HEADER + 6);
		frame->direction = direction_of(cursor_u8(&cursor));
	}
}

static bool check_record(struct savefile *savefile, const struct frame *frame)
{
	uint64_t offset = savefile->source->offset;
	if (frame->captured > SAVEFILE_MAX_RECORD)
		return savefile_damaged(savefile, offset, "a record of %u bytes is too long",
					frame->captured);
	if (frame->captured > frame->on_wire)
		return savefile_damaged(savefile, offset,
					"a record claims %u captured of %u bytes on the wire",
					frame->captured, frame->on_wire);
	return true;
}

static enum savefile_status pcap_next(struct savefile *savefile, struct frame *frame)
{
	struct source *source = savefile->source;
	size_t header = savefile->record_header;
	const uint8_t *bytes = source_peek(source, header);
	if (bytes == NULL && source_finished(source))
		return SAVEFILE_END;
	if (bytes == NULL) {
		savefile_cut(savefile, "a record header", header);
		return SAVEFILE_DAMAGED;
	}
	read_record_header(savefile, bytes, frame);
	if (!check_record(savefile, frame))
		return SAVEFILE_DAMAGED;
	bytes = source_peek(source, header + frame->captured);
	if (bytes == NULL) {
		savefile_cut(savefile, "a record", header + frame->captured);
		return SAVEFILE_DAMAGED;
	}
	frame->bytes = bytes + header;
	source_advance(source, header + frame->captured);
	return SAVEFILE_FRAME;
}

const struct format format_pcap = { .begin = pcap_begin, .next = pcap_next };
