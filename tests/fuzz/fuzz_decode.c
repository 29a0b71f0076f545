/* A frame of any link: the packet is consistent, its payload lies within the frame, and a
 * shorter capture of the same frame says nothing else. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fuzz.h"
#include "sshwhy/cursor.h"
#include "sshwhy/packet.h"

static const uint32_t links[] = {
	LINK_ETHERNET, LINK_RAW,   LINK_LINUX_SLL, LINK_LINUX_SLL2,   LINK_NULL,
	LINK_LOOP,     LINK_IPV4,  LINK_IPV6,	   LINK_PPP,	      LINK_PPP_SERIAL,
	LINK_HDLC,     LINK_DOT11, LINK_PRISM,	   LINK_RADIOTAP,     LINK_AVS,
	LINK_PPI,      LINK_MPLS,  LINK_PPP_ETHER, LINK_PPP_DIRECTED, LINK_RAW_OPENBSD,
	LINK_RAW_BSD,  147 /* none */
};
#define LINKS (sizeof(links) / sizeof(links[0]))

static struct packet decode_checked(const struct frame *frame)
{
	struct packet packet;
	decode(frame, &packet);
	expect(packet.end <= DECODE_OTHER);
	expect(packet.payload_captured <= packet.payload_length);
	expect((packet.payload != NULL) == (packet.payload_captured > 0));
	if (packet.payload != NULL) {
		expect(packet.payload > frame->bytes);
		expect(packet.payload + packet.payload_captured <= frame->bytes + frame->captured);
		expect(packet.end == DECODE_COMPLETE && packet.protocol == IP_TCP);
	}
	if (packet.end == DECODE_COMPLETE)
		expect(packet.source.family == 4 || packet.source.family == 6);
	if (packet.quote.present)
		expect(packet.quote.source.family == packet.source.family);
	expect(!packet.quote.has_sequence || packet.quote.has_ports);
	expect(!packet.quote.has_flags || packet.quote.has_sequence);
	return packet;
}

static void check_cut(const struct packet *cut, const struct packet *whole)
{
	if (cut->end == DECODE_CUT_SHORT)
		return;
	expect(cut->end == whole->end);
	expect(address_equal(&cut->source, &whole->source));
	expect(address_equal(&cut->destination, &whole->destination));
	expect(cut->protocol == whole->protocol && cut->ttl == whole->ttl);
	expect(cut->source_port == whole->source_port && cut->flags == whole->flags);
	expect(cut->sequence == whole->sequence && cut->mss == whole->mss);
	expect(cut->payload_length == whole->payload_length);
	expect(cut->icmp_type == whole->icmp_type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	uint8_t link = cursor_u8(&input);
	uint8_t kept = cursor_u8(&input);
	uint32_t more = cursor_u8(&input);
	/* Copies of the exact size, so that a sanitizer sees a step further. */
	uint8_t *bytes = malloc(input.left + 1), *fewer = malloc(kept + 1u);
	if (input.left > 0)
		memcpy(bytes, input.at, input.left);
	struct frame frame = { .bytes = bytes,
			       .captured = (uint32_t)input.left,
			       .on_wire = (uint32_t)input.left + more,
			       .link = links[link % LINKS],
			       .number = 1 };
	struct packet whole = decode_checked(&frame);
	if (kept < frame.captured) {
		memcpy(fewer, bytes, kept);
		frame.bytes = fewer;
		frame.captured = kept;
		struct packet cut = decode_checked(&frame);
		check_cut(&cut, &whole);
	}
	free(fewer);
	free(bytes);
	return 0;
}
