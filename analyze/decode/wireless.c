/* IEEE 802.11 data frames, bare or behind what a monitor puts before them: radiotap,
 * AVS, Prism, PPI. What is encrypted on the air stays opaque. */
#include "decode/layers.h"

enum frame_control {
	FC_VERSION = 0x03,
	FC_TYPE = 0x0c,
	FC_DATA = 0x08,
	FC_EMPTY = 0x40, /* of data frames: subtypes that carry none */
	FC_QOS = 0x80,
	/* second octet */
	FC_TO_DS = 0x01,
	FC_FROM_DS = 0x02,
	FC_MORE_FRAGMENTS = 0x04,
	FC_PROTECTED = 0x40,
	FC_ORDER = 0x80, /* of QoS frames: an HT control field follows */
};

enum {
	QOS_AGGREGATE = 0x80,
	SEQUENCE_FRAGMENT = 0x0f,

	RADIOTAP_FIXED = 8,
	RADIOTAP_TIMER = 1 << 0, /* present: */
	RADIOTAP_FLAGS = 1 << 1,
	RADIOTAP_PADDED = 0x20, /* flags: */
	RADIOTAP_BAD_FCS = 0x40,
};
#define RADIOTAP_MORE (1u << 31)

/* The header's length behind frame control: duration, addresses, sequence, and more. */
static uint32_t header_length(uint8_t type, uint8_t flags)
{
	uint32_t length = 22;
	if ((flags & (FC_TO_DS | FC_FROM_DS)) == (FC_TO_DS | FC_FROM_DS))
		length += 6;
	if (type & FC_QOS)
		length += flags & FC_ORDER ? 6 : 2;
	return length;
}

/* Several packets in one frame have no place in one struct packet. */
static bool is_aggregate(struct cursor header, uint8_t type, uint8_t flags)
{
	if (!(type & FC_QOS))
		return false;
	bool four = (flags & (FC_TO_DS | FC_FROM_DS)) == (FC_TO_DS | FC_FROM_DS);
	cursor_skip(&header, four ? 28 : 22);
	return cursor_u8(&header) & QOS_AGGREGATE;
}

/* `padded`: some hardware aligns what follows the header, whose length is even, to
 * four bytes. */
static enum layer dot11(struct span *span, struct packet *packet, bool padded)
{
	struct cursor control, header, padding;
	if (!span_take(span, 2, &control, &packet->end))
		return LAYER_END;
	uint8_t type = cursor_u8(&control), flags = cursor_u8(&control);
	if ((type & (FC_VERSION | FC_TYPE)) != FC_DATA || type & FC_EMPTY)
		return LAYER_END;
	uint32_t length = header_length(type, flags);
	if (!span_take(span, length, &header, &packet->end))
		return LAYER_END;
	if (flags & FC_PROTECTED) {
		packet->oddities |= ODD_ENCRYPTED;
		return LAYER_END;
	}
	struct cursor look = header;
	cursor_skip(&look, 20);
	if (is_aggregate(header, type, flags) || cursor_u8(&look) & SEQUENCE_FRAGMENT)
		return LAYER_END;
	if (padded && !span_take(span, (2 + length) % 4, &padding, &packet->end))
		return LAYER_END;
	if (flags & FC_MORE_FRAGMENTS)
		span_open(span);
	return LAYER_LLC;
}

enum layer read_dot11(struct span *span, struct packet *packet)
{
	return dot11(span, packet, false);
}

/* radiotap.org: fields stand in the order of the bits in `present`, each aligned to
 * its size from the header's start; the flags are the second. */
static uint8_t radiotap_flags(uint32_t present, struct cursor fields)
{
	size_t at = RADIOTAP_FIXED;
	if (!(present & RADIOTAP_FLAGS))
		return 0;
	for (uint32_t more = present; more & RADIOTAP_MORE; at += 4)
		more = cursor_le32(&fields);
	if (present & RADIOTAP_TIMER)
		cursor_skip(&fields, (8 - at % 8) % 8 + 8);
	return cursor_u8(&fields);
}

enum layer read_radiotap(struct span *span, struct packet *packet)
{
	struct cursor start, fields;
	if (!span_take(span, RADIOTAP_FIXED, &start, &packet->end))
		return LAYER_END;
	uint8_t version = cursor_u8(&start);
	cursor_skip(&start, 1);
	uint16_t length = cursor_le16(&start);
	uint32_t present = cursor_le32(&start);
	if (version != 0)
		return LAYER_END;
	if (length < RADIOTAP_FIXED) {
		packet->end = DECODE_MALFORMED;
		return LAYER_END;
	}
	if (!span_take(span, length - RADIOTAP_FIXED, &fields, &packet->end))
		return LAYER_END;
	uint8_t flags = radiotap_flags(present, fields);
	if (flags & RADIOTAP_BAD_FCS) /* damaged in the air: nobody took it */
		return LAYER_END;
	return dot11(span, packet, flags & RADIOTAP_PADDED);
}

/* A header that tells its own length, of which `taken` bytes are consumed. */
static enum layer behind(struct span *span, uint32_t length, uint32_t taken, enum layer next,
			 struct packet *packet)
{
	struct cursor rest;
	if (length < taken) {
		packet->end = DECODE_MALFORMED;
		return LAYER_END;
	}
	return span_take(span, length - taken, &rest, &packet->end) ? next : LAYER_END;
}

enum layer read_avs(struct span *span, struct packet *packet)
{
	struct cursor start;
	if (!span_take(span, 8, &start, &packet->end))
		return LAYER_END;
	cursor_skip(&start, 4); /* version */
	return behind(span, cursor_be32(&start), 8, LAYER_DOT11, packet);
}

/* In the byte order of the capturing machine. Some drivers put AVS's header here,
 * which begins with 0x80211001 or the version before. */
enum layer read_prism(struct span *span, struct packet *packet)
{
	struct cursor start;
	if (!span_take(span, 8, &start, &packet->end))
		return LAYER_END;
	uint32_t code = cursor_be32(&start);
	struct cursor again = start;
	uint32_t length = cursor_be32(&start);
	if (code >> 12 != 0x80211 && length > 0xffff)
		length = cursor_le32(&again);
	return behind(span, length, 8, LAYER_DOT11, packet);
}

enum layer read_ppi(struct span *span, struct packet *packet)
{
	struct cursor start;
	if (!span_take(span, 8, &start, &packet->end))
		return LAYER_END;
	cursor_skip(&start, 2); /* version, flags */
	uint16_t length = cursor_le16(&start);
	enum layer next = layer_of_link(cursor_le32(&start));
	return next == LAYER_END ? LAYER_END : behind(span, length, 8, next, packet);
}
