/* Record headers of pcap that its magic does not tell: Nokia's firewalls (4 bytes more)
 * and the libpcap of some old Linux distributions (8, 12) kept everybody's magic. Only
 * where each next record begins gives them away. */
#include "savefile/reader.h"

enum {
	RECORDS = 4,		/* that must fit */
	FRAME_MAX = 0x01000000, /* bytes on the wire, beyond all segmentation offload */
};

static bool plausible(const struct savefile *savefile, struct cursor *cursor, uint32_t *captured)
{
	uint32_t ticks_a_second = savefile->ns_per_tick == 1 ? 1000000000 : 1000000;
	cursor_skip(cursor, 4); /* seconds */
	uint32_t ticks = file_u32(savefile, cursor);
	*captured = file_u32(savefile, cursor);
	uint32_t on_wire = file_u32(savefile, cursor);
	return ticks < ticks_a_second && *captured <= SAVEFILE_MAX_RECORD && on_wire < FRAME_MAX &&
	       *captured <= on_wire;
}

/* How many of the first records make sense with headers of such a length; all, when the
 * window ends before one does not. */
static unsigned fitting(const struct savefile *savefile, uint8_t header)
{
	const struct source *source = savefile->source;
	struct cursor cursor = cursor_over(source->window + source->at, source_rest(source));
	for (unsigned count = 0; count < RECORDS; count++) {
		uint32_t captured;
		struct cursor look = cursor_part(&cursor, header);
		if (cursor.failed)
			return count;
		if (!plausible(savefile, &look, &captured))
			return 0;
		cursor_skip(&cursor, captured);
	}
	return RECORDS;
}

uint8_t pcap_record_header(const struct savefile *savefile, uint8_t promised)
{
	static const uint8_t others[] = { 20, 24, 28 };
	const struct source *source = savefile->source;
	if (savefile->old_lengths || source_rest(source) < promised ||
	    fitting(savefile, promised) > 0)
		return promised;
	for (size_t i = 0; i < sizeof(others); i++)
		if (others[i] > promised && fitting(savefile, others[i]) > 1)
			return others[i];
	return promised;
}
