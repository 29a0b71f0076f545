/* shape: packets as bytes, before anything sends them; made for craft.c. Pure: no socket, no clock.
 *
 * libnet stands in shape.c alone: it builds one template for each shape, once;
 * after that a probe is a copy with fields patched and checksums redone, because
 * rebuilding options in place is broken in libnet 1.1.6: it breaks the length of the IP header.
 */
#ifndef PROBE_CRAFT_SHAPE_H
#define PROBE_CRAFT_SHAPE_H

#include "craft/craft.h"

enum shape_kind {
	SHAPE_SYN,	   /* the options of a Linux client */
	SHAPE_TIMESTAMPED, /* NOP NOP timestamps */
	SHAPE_BARE,	   /* no options */
	SHAPE_FRAGMENT,	   /* MSS; "more fragments", though none will follow */
	SHAPES
};

enum {
	HEADERS_MAX = 40 + 20 + 40, /* IPv6, TCP, most options; the fragment has few */
	PACKET_MAX = HEADERS_MAX + CRAFT_PAYLOAD_MAX,
};

struct shape {
	size_t length; /* IP header, TCP header, options */
	size_t tcp;    /* where the TCP header starts: 20, 40, or 48 behind a fragment header */
	uint8_t bytes[HEADERS_MAX];
};

/* Builds every shape for a family (4 or 6); addresses are patched in like the rest. */
bool shape_build(unsigned family, struct shape shapes[SHAPES], struct error *error);

/* The shape that carries `segment`. */
enum shape_kind shape_of(const struct craft_segment *segment);

/* Writes the packet, checksums and all, and returns its length; 0 when the payload
 * is too long. Both addresses are of the shape's family. segment->mss is taken as it is. */
size_t shape_fill(const struct shape *shape, const struct address *source,
		  const struct address *destination, const struct craft_segment *segment,
		  uint8_t packet[PACKET_MAX]);

#endif
