/* layers: the readers of decode.c, each made in the file of its kind of header (link.c, ip.c, ...):
 * it consumes its header, leaves the rest, and says what comes next.
 *
 * LAYER_END ends the decoding; packet->end then says how. Tunnels are layers too: the
 * innermost IP header that can be read is the packet's.
 */
#ifndef SSHWHY_DECODE_LAYERS_H
#define SSHWHY_DECODE_LAYERS_H

#include "sshwhy/cursor.h"
#include "sshwhy/packet.h"

/* What is left of a packet: the bytes that the capture holds, and how many there
 * were on the wire from the same place on. Never fewer than are held. */
struct span {
	struct cursor held;
	uint32_t length;
	bool open; /* a fragment: more follows in others, and `length` is only a bound */
};

/* Consumes `length` bytes into `part`. When that cannot be, `end` says whose doing
 * it is: the sender promised more than fits, or the capture kept less. */
static inline bool span_take(struct span *span, uint32_t length, struct cursor *part,
			     enum decode_end *end)
{
	if (length > span->length) {
		*end = DECODE_MALFORMED;
		return false;
	}
	*part = cursor_part(&span->held, length);
	if (part->failed) {
		*end = DECODE_CUT_SHORT;
		return false;
	}
	span->length -= length;
	return true;
}

/* Nothing behind `length` bytes belongs to what follows. */
static inline void span_limit(struct span *span, uint32_t length)
{
	if (span->length > length)
		span->length = length;
	if (span->held.left > length)
		span->held = cursor_over(span->held.at, length);
}

/* What is encapsulated goes on in other fragments: how long it is, its own header tells. */
static inline void span_open(struct span *span)
{
	span->length = 65535 > span->held.left ? 65535 : (uint32_t)span->held.left;
	span->open = true;
}

/* layers.def lists them. */
enum layer {
	LAYER_END,
#define LAYER(id, reader) LAYER_##id,
#include "decode/layers.def"
	LAYERS
};

#define LAYER(id, reader) enum layer reader(struct span *span, struct packet *packet);
#include "decode/layers.def"

enum layer layer_of_link(uint32_t link); /* enum link_type; LAYER_END: not known */
enum layer layer_of_ethertype(uint16_t type);

/* -- parts of these layers -------------------------------------------------------- */

/* Fields of an IPv4 or IPv6 header with its options or extension headers. */
struct ip {
	bool known; /* the fixed header was read: all fields hold */
	struct address source, destination;
	uint8_t protocol; /* the last header that could be reached */
	uint8_t ttl, tos;
	uint16_t id;
	bool dont_fragment, more_fragments;
	uint16_t fragment_offset; /* in units of 8 bytes */
	bool options;		  /* or extension headers other than the fragment header */
	bool zero_length;	  /* the length field holds 0 */
	bool trailer;		  /* the span held more than the packet */
};

/* `version` 0: as the packet itself says. `quoted`: an ICMP error quotes this header,
 * so what it says about the length of the packet says nothing about the bytes that
 * follow here. */
bool decode_ip_header(struct span *span, unsigned version, bool quoted, struct ip *ip,
		      enum decode_end *end);

struct tcp_options {
	uint16_t mss;
	uint8_t wscale; /* 255: none */
	bool sack_permitted, has_timestamp, has_sack;
	uint32_t timestamp_value, timestamp_echo;
};

/* False when the list is damaged; the options before the damage hold. */
bool decode_tcp_options(struct cursor list, struct tcp_options *options);

#endif
