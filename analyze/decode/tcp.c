/* TCP (RFC 9293) with the options of RFC 7323 and RFC 2018. */
#include "decode/layers.h"

enum tcp_option {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_WSCALE = 3,
	TCP_OPTION_SACK_PERMITTED = 4,
	TCP_OPTION_SACK = 5,
	TCP_OPTION_TIMESTAMP = 8,
};

enum {
	TCP_FIXED = 20,
	TCP_WSCALE_MAX = 14,
	/* RFC 9293 3.1: "reserved for future use. Must be zero in generated segments".
	 * The lowest of the four is taken since: RFC 9768 made it the AE flag. */
	TCP_RESERVED = 0x0e,
};

static bool option_mss(struct cursor body, struct tcp_options *options)
{
	if (body.left != 2)
		return false;
	options->mss = cursor_be16(&body);
	return true;
}

static bool option_wscale(struct cursor body, struct tcp_options *options)
{
	if (body.left != 1)
		return false;
	/* RFC 7323 2.3: "If a Window Scale option is received with a shift.cnt value
	 * larger than 14, the TCP SHOULD log the error but MUST use 14". */
	uint8_t shift = cursor_u8(&body);
	options->wscale = shift > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : shift;
	return true;
}

static bool option_timestamp(struct cursor body, struct tcp_options *options)
{
	if (body.left != 8)
		return false;
	options->has_timestamp = true;
	options->timestamp_value = cursor_be32(&body);
	options->timestamp_echo = cursor_be32(&body);
	return true;
}

static bool option(uint8_t kind, struct cursor body, struct tcp_options *options)
{
	switch (kind) {
	case TCP_OPTION_MSS:
		return option_mss(body, options);
	case TCP_OPTION_WSCALE:
		return option_wscale(body, options);
	case TCP_OPTION_SACK_PERMITTED:
		options->sack_permitted = body.left == 0;
		return options->sack_permitted;
	case TCP_OPTION_SACK:
		options->has_sack = body.left >= 8 && body.left % 8 == 0;
		return options->has_sack;
	case TCP_OPTION_TIMESTAMP:
		return option_timestamp(body, options);
	default:
		return true;
	}
}

bool decode_tcp_options(struct cursor list, struct tcp_options *options)
{
	bool sound = true;
	*options = (struct tcp_options){ .wscale = 255 };
	while (list.left > 0) {
		uint8_t kind = cursor_u8(&list);
		if (kind == TCP_OPTION_END)
			break;
		if (kind == TCP_OPTION_NOP)
			continue;
		/* RFC 9293 3.1: "the option-length counts the two octets of option-kind and
		 * option-length as well as the option-data octets" */
		uint8_t length = cursor_u8(&list);
		if (list.failed || length < 2)
			return false;
		struct cursor body = cursor_part(&list, length - 2u);
		if (body.failed)
			return false;
		/* One of the wrong size is skipped, as receivers do. */
		sound &= option(kind, body, options);
	}
	return sound;
}

static void set_options(struct packet *packet, struct cursor list)
{
	struct tcp_options options;
	if (!decode_tcp_options(list, &options))
		packet->oddities |= ODD_BAD_TCP_OPTIONS;
	packet->mss = options.mss;
	packet->wscale = options.wscale;
	packet->sack_permitted = options.sack_permitted;
	packet->has_sack = options.has_sack;
	packet->has_timestamp = options.has_timestamp;
	packet->timestamp_value = options.timestamp_value;
	packet->timestamp_echo = options.timestamp_echo;
}

static void set_payload(struct packet *packet, const struct span *span)
{
	packet->payload_length = span->length;
	packet->payload_captured = (uint32_t)span->held.left;
	packet->payload = span->held.left > 0 ? span->held.at : NULL;
	if (span->length > 0 && packet->flags & TCP_RST)
		packet->oddities |= ODD_RST_PAYLOAD;
	if (span->length > 0 && packet->flags & TCP_SYN)
		packet->oddities |= ODD_SYN_PAYLOAD;
}

/* What tells where a segment belongs is in the first 14 bytes: IPv6 leaves as many of them in
 * the 68 bytes that many captures keep. */
#define TCP_LEAST 14

static bool take_fixed(struct span *span, struct cursor *fixed, struct packet *packet)
{
	if (span->length < TCP_FIXED || span->held.left < TCP_LEAST || span->held.left >= TCP_FIXED)
		return span_take(span, TCP_FIXED, fixed, &packet->end);
	*fixed = span->held; /* the window is beyond it, and reads as 0 */
	cursor_skip(&span->held, span->held.left);
	span->length -= TCP_FIXED;
	return true;
}

enum layer read_tcp(struct span *span, struct packet *packet)
{
	struct cursor fixed, list;
	if (!take_fixed(span, &fixed, packet))
		return LAYER_END;
	packet->source_port = cursor_be16(&fixed);
	packet->destination_port = cursor_be16(&fixed);
	packet->sequence = cursor_be32(&fixed);
	packet->acknowledgement = cursor_be32(&fixed);
	uint8_t offset = cursor_u8(&fixed);
	packet->flags = cursor_u8(&fixed);
	packet->window = cursor_be16(&fixed);
	if (offset & TCP_RESERVED)
		packet->oddities |= ODD_RESERVED_BITS;

	uint32_t length = (offset >> 4) * 4u;
	if (length < TCP_FIXED) {
		packet->end = DECODE_MALFORMED;
		return LAYER_END;
	}
	uint32_t options = length - TCP_FIXED;
	if (span_take(span, options, &list, &packet->end)) {
		set_options(packet, list);
		set_payload(packet, span);
		packet->end = DECODE_COMPLETE;
	} else if (packet->end == DECODE_CUT_SHORT) {
		packet->payload_length = span->length - options;
	}
	return LAYER_END;
}
