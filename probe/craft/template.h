/* template: packets as bytes, before anything sends them. Pure: no socket, no clock.
 *
 * libnet stands in template.c alone: it builds one template for each shape, once;
 * after that a probe is a copy with fields patched and checksums redone, because
 * rebuilding options in place is broken in libnet (probing.md pitfall 10).
 */
#ifndef PROBE_CRAFT_TEMPLATE_H
#define PROBE_CRAFT_TEMPLATE_H

#include "craft/craft.h"

enum shape {
	SHAPE_SYN,	   /* the options of a Linux client */
	SHAPE_TIMESTAMPED, /* NOP NOP timestamps */
	SHAPE_BARE,	   /* no options */
	SHAPES
};

enum {
	TEMPLATE_MAX = 40 + 20 + 40, /* IPv6, TCP, most options */
	PACKET_MAX = TEMPLATE_MAX + CRAFT_PAYLOAD_MAX,
};

struct template
{
	size_t length; /* IP header, TCP header, options */
	size_t tcp;    /* where the TCP header starts: 20 or 40 */
	uint8_t bytes[TEMPLATE_MAX];
};

/* Builds every shape for one pair of addresses (of one family). */
bool template_build(const struct address *source, const struct address *destination,
		    struct template templates[SHAPES], struct error *error);

/* The shape that carries `segment`. */
enum shape template_shape(const struct craft_segment *segment);

/* Writes the packet, checksums and all, and returns its length; 0 when the payload
 * is too long. segment->mss is taken as it is. */
size_t template_fill(const struct template *template, const struct craft_segment *segment,
		     uint8_t packet[PACKET_MAX]);

#endif
