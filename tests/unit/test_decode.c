/* decode(): tables of hex, every valid packet cut at every length, lengths that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sshwhy/packet.h"

/* -- frames from hex ------------------------------------------------------------ */

#define BYTES_MAX 4096

static size_t from_hex(const char *hex, uint8_t bytes[BYTES_MAX])
{
	size_t digits = 0;
	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		const char *all = "0123456789abcdef", *digit = strchr(all, *hex);
		assert_non_null(digit);
		assert_true(digits / 2 < BYTES_MAX);
		unsigned value = (unsigned)(digit - all);
		if (digits % 2 == 0)
			bytes[digits / 2] = (uint8_t)(value << 4);
		else
			bytes[digits / 2] = (uint8_t)(bytes[digits / 2] | value);
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

/* Decodes a copy that ends exactly where the captured bytes end, so that the
 * sanitizer sees a step further. The payload is checked to lie within it. */
static struct packet decode_exact(uint32_t link, const uint8_t *bytes, size_t captured,
				  size_t on_wire, enum direction direction)
{
	uint8_t *copy = malloc(captured);
	if (captured > 0)
		memcpy(copy, bytes, captured);
	struct frame frame = { .bytes = copy,
			       .captured = (uint32_t)captured,
			       .on_wire = (uint32_t)on_wire,
			       .time_ns = 1234567890123456789,
			       .link = link,
			       .interface = 3,
			       .number = 7,
			       .direction = direction };
	struct packet packet;
	memset(&packet, 0xa5, sizeof(packet));
	decode(&frame, &packet);
	assert_int_equal(packet.number, 7);
	assert_int_equal(packet.time_ns, 1234567890123456789);
	assert_int_equal(packet.interface, 3);
	assert_true(packet.payload_captured <= packet.payload_length);
	assert_int_equal(packet.payload != NULL, packet.payload_captured > 0);
	if (packet.end != DECODE_COMPLETE)
		assert_int_equal(packet.wscale, 255);
	if (packet.payload != NULL) {
		assert_true(packet.payload > copy);
		assert_true(packet.payload + packet.payload_captured <= copy + captured);
		packet.payload = bytes + (packet.payload - copy);
	}
	free(copy);
	return packet;
}

/* -- a packet as one line -------------------------------------------------------- */

struct line {
	char text[1024];
	size_t length;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line->text + line->length, sizeof(line->text) - line->length, format,
			       arguments);
	va_end(arguments);
	assert_true(length >= 0 && (size_t)length < sizeof(line->text) - line->length);
	line->length += (size_t)length;
}

static void add_flags(struct line *line, uint8_t flags)
{
	add(line, " ");
	for (unsigned i = 0; i < 8; i++)
		if (flags & 1u << i)
			add(line, "%c", "FSRPAUEC"[i]);
	if (flags == 0)
		add(line, "0");
}

static void add_ends(struct line *line, const struct address *from, uint16_t from_port,
		     const struct address *to, uint16_t to_port)
{
	char a[ADDRESS_TEXT], b[ADDRESS_TEXT];
	add(line, " %s.%u>%s.%u", address_text(from, a), from_port, address_text(to, b), to_port);
}

static void add_tcp(struct line *line, const struct packet *p)
{
	add_flags(line, p->flags);
	add(line, " seq %" PRIu32, p->sequence);
	if (p->acknowledgement != 0)
		add(line, " ack %" PRIu32, p->acknowledgement);
	add(line, " win %u", p->window);
	if (p->mss != 0)
		add(line, " mss %u", p->mss);
	if (p->wscale != 255)
		add(line, " ws %u", p->wscale);
	if (p->sack_permitted)
		add(line, " sackok");
	if (p->has_sack)
		add(line, " sack");
	if (p->has_timestamp)
		add(line, " ts %" PRIu32 "/%" PRIu32, p->timestamp_value, p->timestamp_echo);
	if (p->payload_length != 0)
		add(line, " payload %u/%u", p->payload_captured, p->payload_length);
}

static void add_icmp(struct line *line, const struct packet *p)
{
	add(line, " icmp %u/%u", p->icmp_type, p->icmp_code);
	if (p->icmp_mtu != 0)
		add(line, " mtu %" PRIu32, p->icmp_mtu);
	const struct quote *q = &p->quote;
	if (!q->present) {
		assert_false(q->has_ports || q->has_sequence || q->has_flags);
		return;
	}
	add(line, " quote");
	add_ends(line, &q->source, q->source_port, &q->destination, q->destination_port);
	add(line, " proto %u ttl %u tos %u id %u", q->protocol, q->ttl, q->tos, q->ip_id);
	if (q->has_ports)
		add(line, " ports");
	if (q->has_sequence)
		add(line, " seq %" PRIu32, q->sequence);
	if (q->has_flags) {
		add_flags(line, q->flags);
		add(line, " ack %" PRIu32 " win %u", q->acknowledgement, q->window);
	}
	if (q->mss != 0)
		add(line, " mss %u", q->mss);
}

static void add_oddities(struct line *line, uint32_t oddities)
{
	static const char *const names[] = { "options",	    "ip-options",  "reserved",
					     "rst-payload", "syn-payload", "zero-length",
					     "trailer",	    "later",	   "first",
					     "encrypted" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (oddities & 1u << i)
			add(line, " !%s", names[i]);
}

static void describe(const struct packet *p, struct line *line)
{
	static const char *const ends[] = { "complete", "cut", "malformed", "other" };
	line->length = 0;
	add(line, "%s", ends[p->end]);
	if (p->direction != DIRECTION_UNKNOWN)
		add(line, " %s", p->direction == DIRECTION_IN ? "in" : "out");
	if (p->loopback)
		add(line, " lo");
	if (p->source.family != 0) {
		add_ends(line, &p->source, p->source_port, &p->destination, p->destination_port);
		add(line, " proto %u ttl %u", p->protocol, p->ttl);
		if (p->tos != 0)
			add(line, " tos %u", p->tos);
		if (p->ip_id != 0)
			add(line, " id %u", p->ip_id);
		if (p->dont_fragment)
			add(line, " df");
	}
	if (p->end == DECODE_COMPLETE && p->protocol == IP_TCP)
		add_tcp(line, p);
	else if (p->end == DECODE_COMPLETE)
		add_icmp(line, p);
	add_oddities(line, p->oddities);
}

/* -- pieces ---------------------------------------------------------------------- */

#define ETH  "020000000001 020000000002 "
#define ETH4 ETH "0800 "
#define ETH6 ETH "86dd "
/* IPv4 without options from 10.0.0.1 to 10.0.0.2, id 0x1234, DF, TTL 64 */
#define IP4(total, protocol) "45 00 " total " 1234 4000 40 " protocol " 0000 0a000001 0a000002 "
#define A6		     "20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define IP6(length, next)    "60000000 " length " " next " 40 " A6
/* TCP from 40000 to 22, sequence 1, window 65535: offset and flags are given */
#define TCP(offset_flags) "9c40 0016 00000001 00000000 " offset_flags " ffff 0000 0000 "
#define SYN		  TCP("5002")
#define SYN_OPTIONS	  TCP("a002") "020405b4 0402 080a 00000005 00000000 01 030307 "
/* what a client at 10.0.0.1 sent, as it arrived with TTL 1 */
#define QUOTE4(total) "45 10 " total " 0042 4000 01 06 0000 0a000001 0a000002 "
#define ZEROS8	      "0000000000000000 "
#define ZEROS32	      ZEROS8 ZEROS8 ZEROS8 ZEROS8

#define SNAP "aaaa03 000000 "
/* frame control is given; from 02..02 to 02..01, sequence 16, fragment 0 */
#define DOT11(control) control " 0000 020000000001 020000000002 020000000003 0001 "
#define RADIOTAP       "0000 0800 00000000 "
/* a tunnel from 10.100.0.1 to 10.100.0.2, or their like in IPv6, TTL 7 */
#define OUTER4(total, protocol) "45 00 " total " 0007 0000 07 " protocol " 0000 0a640001 0a640002 "
#define OUTER6(length, next)                                                                       \
	"60000000 " length " " next " 07 fd000000000000000000000000000001"                         \
	" fd000000000000000000000000000002 "
#define UDP(port, length) "c001 " port " " length " 0000 "
#define VXLAN		  "08000000 00000700 "

#define SYN_TEXT	      " seq 1 win 65535"
#define ENDS4		      " 10.0.0.1.40000>10.0.0.2.22 proto 6 ttl 64"
#define ENDS6		      " 2001:db8::1.40000>2001:db8::2.22 proto 6 ttl 64"
#define NO_PORTS4(protocol)   " 10.0.0.1.0>10.0.0.2.0 proto " protocol " ttl 64 id 4660 df"
#define NO_PORTS6(protocol)   " 2001:db8::1.0>2001:db8::2.0 proto " protocol " ttl 64"
#define OUTER4_TEXT(protocol) " 10.100.0.1.0>10.100.0.2.0 proto " protocol " ttl 7 id 7"
#define QUOTED4		      " quote 10.0.0.1.40000>10.0.0.2.22 proto 6 ttl 1 tos 16 id 66 ports seq 1"
#define QUOTED6		      " quote 2001:db8::1.40000>2001:db8::2.22 proto 6 ttl 64 tos 0 id 0 ports seq 1"

struct sample {
	const char *name;
	uint32_t link;
	const char *hex;
	const char *text;
	size_t on_wire;		  /* 0: as captured */
	enum direction direction; /* of the frame */
	bool tunnel;		  /* cut short, the tunnel's addresses may be told */
	bool fragment;		  /* the rest is in others */
};

#define ROW(name_, link_, hex_, ...)                                                               \
	{                                                                                          \
		.name = (name_), .link = (link_), .hex = hex_, .text = __VA_ARGS__                 \
	}

#define TUNNEL(...) ROW(__VA_ARGS__, .tunnel = true)

static const struct sample samples[] = {
	/* links */
	ROW("ethernet", LINK_ETHERNET, ETH4 IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("direction of the frame", LINK_ETHERNET, ETH4 IP4("0028", "06") SYN,
	    "complete out" ENDS4 " id 4660 df S" SYN_TEXT, .direction = DIRECTION_OUT),
	ROW("ethernet, IPv6", LINK_ETHERNET, ETH6 IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("ethernet of lo", LINK_ETHERNET, "000000000000 000000000000 0800" IP4("0028", "06") SYN,
	    "complete lo" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("one VLAN tag", LINK_ETHERNET, ETH "8100 0064 0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("802.1ad", LINK_ETHERNET, ETH "88a8 0064 8100 0065 86dd" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("three stacked tags", LINK_ETHERNET,
	    ETH "9100 0001 8100 0002 8100 0003 0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL, sent", LINK_LINUX_SLL,
	    "0004 0001 0006 0200000000010000 0800" IP4("0028", "06") SYN,
	    "complete out" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL, received", LINK_LINUX_SLL,
	    "0000 0001 0006 0200000000010000 0800" IP4("0028", "06") SYN,
	    "complete in" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL, for another host", LINK_LINUX_SLL,
	    "0003 0001 0006 0200000000010000 86dd" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("SLL of lo", LINK_LINUX_SLL,
	    "0000 0304 0006 0000000000000000 0800" IP4("0028", "06") SYN,
	    "complete in lo" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL with a tag", LINK_LINUX_SLL,
	    "0000 0001 0006 0200000000010000 8100 0064 0800" IP4("0028", "06") SYN,
	    "complete in" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL2, sent", LINK_LINUX_SLL2,
	    "0800 0000 00000002 0001 04 06 0200000000010000" IP4("0028", "06") SYN,
	    "complete out" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL2, broadcast", LINK_LINUX_SLL2,
	    "0800 0000 00000002 0001 01 06 0200000000010000" IP4("0028", "06") SYN,
	    "complete in" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL2 of lo, IPv6", LINK_LINUX_SLL2,
	    "86dd 0000 00000001 0304 04 06 0000000000000000" IP6("0014", "06") SYN,
	    "complete out lo" ENDS6 " S" SYN_TEXT),
	ROW("RAW, IPv4", LINK_RAW, IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("RAW, IPv6", LINK_RAW, IP6("0014", "06") SYN, "complete" ENDS6 " S" SYN_TEXT),
	ROW("RAW of BSD", LINK_RAW_BSD, IP6("0014", "06") SYN, "complete" ENDS6 " S" SYN_TEXT),
	ROW("IPV4", LINK_IPV4, IP4("0028", "06") SYN, "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("IPV6", LINK_IPV6, IP6("0014", "06") SYN, "complete" ENDS6 " S" SYN_TEXT),
	ROW("NULL, little-endian", LINK_NULL, "02000000" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("NULL, big-endian", LINK_NULL, "00000002" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("NULL of Linux", LINK_NULL, "0a000000" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("NULL of OpenBSD", LINK_NULL, "18000000" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("NULL of FreeBSD", LINK_NULL, "1c000000" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("NULL of Darwin", LINK_NULL, "1e000000" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("LOOP", LINK_LOOP, "00000018" IP6("0014", "06") SYN, "complete" ENDS6 " S" SYN_TEXT),

	/* what carries packets: the innermost is told */
	ROW("loopback of BSD", LINK_NULL,
	    "02000000 45 00 0028 1234 4000 40 06 0000 7f000001 7f000001" SYN,
	    "complete lo 127.0.0.1.40000>127.0.0.1.22 proto 6 ttl 64 id 4660 df S" SYN_TEXT),
	ROW("loopback of BSD, another address of this machine", LINK_LOOP,
	    "00000002 45 00 0028 1234 4000 40 06 0000 0a000001 0a000001" SYN,
	    "complete lo 10.0.0.1.40000>10.0.0.1.22 proto 6 ttl 64 id 4660 df S" SYN_TEXT),
	ROW("RAW of OpenBSD", LINK_RAW_OPENBSD, IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("802.3 with SNAP", LINK_ETHERNET, ETH "0030" SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("802.3 of another organisation", LINK_ETHERNET, ETH "0030 aaaa03 00000c 0800 4500",
	    "other"),
	ROW("802.3 as bridges pass it on", LINK_ETHERNET,
	    ETH "0030 aaaa03 0000f8 0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL of 802.2", LINK_LINUX_SLL,
	    "0000 0001 0006 0200000000010000 0004" SNAP "0800" IP4("0028", "06") SYN,
	    "complete in" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL of a monitor", LINK_LINUX_SLL,
	    "0000 0323 0006 0200000000010000 0004" RADIOTAP DOT11("0801") SNAP
	    "0800" IP4("0028", "06") SYN,
	    "complete in" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("SLL of netlink", LINK_LINUX_SLL, "0000 0338 0000 0000000000000000 0800 4500",
	    "other in"),

	ROW("PPP, no framing", LINK_PPP, "0021" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPP, framed", LINK_PPP, "ff03 0057" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("PPP, compressed protocol", LINK_PPP, "ff03 21" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPP, MPLS", LINK_PPP,
	    "ff03 0281"
	    "00010140" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPP, LCP", LINK_PPP, "ff03 c021 0101 0004", "other"),
	ROW("PPP, another control", LINK_PPP, "ff13 0021 4500", "other"),
	ROW("PPP on a serial line", LINK_PPP_SERIAL, "ff03 0021" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPP on a serial line, no framing", LINK_PPP_SERIAL, "57" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("Cisco's framing on a serial line", LINK_PPP_SERIAL, "0f00 0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("Cisco's HDLC", LINK_HDLC, "8f00 86dd" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("pppd, sent", LINK_PPP_DIRECTED, "0103 0021" IP4("0028", "06") SYN,
	    "complete out" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("pppd, received", LINK_PPP_DIRECTED, "0003 21" IP4("0028", "06") SYN,
	    "complete in" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPPoE", LINK_ETHERNET, ETH "8864 11 00 0007 002a 0021" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPPoE and padding", LINK_ETHERNET,
	    ETH "8864 11 00 0007 002a 0021" IP4("0028", "06") SYN "00000000",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPPoE within a tag", LINK_ETHERNET,
	    ETH "8100 0007 8864 11 00 0007 003e 0057" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("PPPoE without Ethernet", LINK_PPP_ETHER, "11 00 0007 002a 0021" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPPoE that ends a session", LINK_PPP_ETHER, "11 a7 0007 0000", "other"),
	ROW("PPPoE discovery", LINK_ETHERNET, ETH "8863 11 09 0000 0004 01010000", "other"),

	ROW("MPLS, one label", LINK_ETHERNET, ETH "8847 00010140" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("MPLS, three labels, IPv6", LINK_ETHERNET,
	    ETH "8847 00010040 00020040 00002140" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("MPLS pseudowire", LINK_ETHERNET,
	    ETH "8847 00010140 00000000" ETH4 IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("MPLS upstream", LINK_ETHERNET, ETH "8848 00010140" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("MPLS without a link", LINK_MPLS, "00010140" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("MPLS, something else", LINK_MPLS, "00010140 10000000 12345678", "other"),

	TUNNEL("IP in IP", LINK_RAW, OUTER4("003c", "04") IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("6in4", LINK_RAW, OUTER4("0050", "29") IP6("0014", "06") SYN,
	       "complete" ENDS6 " S" SYN_TEXT),
	TUNNEL("4in6", LINK_RAW, OUTER6("0028", "04") IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("6in6 behind an extension header", LINK_RAW,
	       OUTER6("0044", "3c") "2900 010400000000" IP6("0014", "06") SYN,
	       "complete" ENDS6 " S" SYN_TEXT),
	TUNNEL("an ICMP error within a tunnel", LINK_RAW,
	       OUTER4("004c", "04")
		       IP4("0038", "01") "0301 0000 00000000" QUOTE4("003c") "9c40 0016 00000001",
	       "complete" NO_PORTS4("1") " icmp 3/1" QUOTED4),
	ROW("an ICMP error about a tunnel is not about what it carries", LINK_RAW,
	    IP4("0058", "01") "0301 0000 00000000"
			      "45 00 003c 0042 4000 40 04 0000 0a640001 0a640002" IP4("0028", "06")
				      TCP("5002"),
	    "complete" NO_PORTS4("1") " icmp 3/1 quote 10.100.0.1.0>10.100.0.2.0 proto 4 ttl 64"
				      " tos 0 id 66"),
	TUNNEL("odd outside, even inside", LINK_RAW,
	       "46 00 0044 0007 0000 07 04 0000 0a640001 0a640002 94040000" IP4("0028", "06") SYN
	       "00000000",
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT " !trailer"),
	TUNNEL("first fragment of a tunnel", LINK_RAW,
	       "45 00 0048 0007 2000 07 04 0000 0a640001 0a640002" IP4("05dc", "06")
		       TCP("5018") "5353482d 322e302d 61620d0a",
	       "complete" ENDS4 " id 4660 df PA" SYN_TEXT " payload 12/1460", .fragment = true),
	ROW("later fragment of a tunnel", LINK_RAW,
	    "45 00 003c 0007 0001 07 04 0000 0a640001 0a640002" IP4("0028", "06") SYN,
	    "other 10.100.0.1.0>10.100.0.2.0 proto 4 ttl 7 id 7 !later"),
	TUNNEL("EtherIP", LINK_RAW, OUTER4("004c", "61") "3000" ETH4 IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("MPLS in IP", LINK_RAW, OUTER4("0040", "89") "00010140" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),

	TUNNEL("GRE", LINK_RAW, OUTER4("0040", "2f") "0000 0800" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("GRE with checksum", LINK_RAW,
	       OUTER4("0044", "2f") "8000 0800 12340000" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("GRE with key, sequence, IPv6", LINK_RAW,
	       OUTER6("0048", "2f") "3000 86dd 00000001 00000002" IP6("0014", "06") SYN,
	       "complete" ENDS6 " S" SYN_TEXT),
	TUNNEL("GRE with all", LINK_RAW,
	       OUTER4("004c", "2f") "b000 0800 12340000 00000001 00000002" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("GRE, Ethernet, VLAN", LINK_RAW,
	       OUTER4("0056", "2f") "2000 6558 00000001" ETH "8100 0007 0800" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("GRE, MPLS", LINK_RAW,
	       OUTER4("0044", "2f") "0000 8847 00010140" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("PPTP", LINK_RAW,
	       OUTER4("004d", "2f") "3081 880b 00290007 00000001 00000002 21" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPTP, acknowledgement alone", LINK_RAW,
	    OUTER4("0020", "2f") "2081 880b 00000007 00000002", "other" OUTER4_TEXT("47")),
	ROW("GRE, another protocol", LINK_RAW, OUTER4("001c", "2f") "0000 0806 00000000",
	    "other" OUTER4_TEXT("47")),
	ROW("GRE with source routes", LINK_RAW, OUTER4("001c", "2f") "4000 0800 00000000",
	    "other" OUTER4_TEXT("47")),
	ROW("GRE version 2", LINK_RAW, OUTER4("001c", "2f") "0002 0800 00000000",
	    "other" OUTER4_TEXT("47")),
	TUNNEL("ERSPAN I", LINK_RAW, OUTER4("004e", "2f") "0000 88be" ETH4 IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("ERSPAN II", LINK_RAW,
	       OUTER4("005a", "2f") "1000 88be 00000001 1001000100000000" ETH4 IP4("0028", "06")
		       SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("ERSPAN III", LINK_RAW,
	       OUTER4("005e", "2f") "1000 22eb 00000001 2001000100000000 00000000" ETH4 IP4(
		       "0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("ERSPAN III, with more", LINK_RAW,
	       OUTER4("0066", "2f") "1000 22eb 00000001 2001000100000000 00000001" ZEROS8 ETH4 IP4(
		       "0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),

	TUNNEL("VXLAN", LINK_ETHERNET,
	       ETH4 OUTER4("005a", "11") UDP("12b5", "0046") VXLAN ETH4 IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("VXLAN on the kernel's old port, in IPv6", LINK_RAW,
	       OUTER6("005a", "11") UDP("2118", "005a") VXLAN ETH6 IP6("0014", "06") SYN,
	       "complete" ENDS6 " S" SYN_TEXT),
	TUNNEL("VXLAN of the addressless", LINK_RAW,
	       OUTER4("005a", "11") UDP("12b5", "0046") VXLAN
	       "000000000000 000000000000 0800" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("VXLAN without a network", LINK_RAW,
	    OUTER4("0024", "11") UDP("12b5", "0010") "0000000000000700", "other" OUTER4_TEXT("17")),
	ROW("ARP in VXLAN", LINK_RAW, OUTER4("0032", "11") UDP("12b5", "001e") VXLAN ETH "0806",
	    "other" OUTER4_TEXT("17")),
	TUNNEL("Geneve with options", LINK_RAW,
	       OUTER4("0062", "11")
		       UDP("17c1", "004e") "02006558 00000700" ZEROS8 ETH4 IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	TUNNEL("Geneve of IP", LINK_RAW,
	       OUTER4("004c", "11") UDP("17c1", "0038") "00000800 00000700" IP4("0028", "06") SYN,
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("Geneve of another version", LINK_RAW,
	    OUTER4("0024", "11") UDP("17c1", "0010") "42000800 00000700",
	    "other" OUTER4_TEXT("17")),
	TUNNEL("tunnels within tunnels", LINK_ETHERNET,
	       ETH "88a8 0001 8100 0002 0800" OUTER4("009e", "11") UDP("12b5", "008a") VXLAN ETH
	       "8100 0003 86dd" OUTER6("0040", "2f") "0000 6558" ETH4 IP4("0028", "06") SYN
	       "000000000000",
	       "complete" ENDS4 " id 4660 df S" SYN_TEXT " !trailer"),

	/* IEEE 802.11 */
	ROW("802.11, to the station", LINK_DOT11, DOT11("0802") SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("802.11, FCS behind", LINK_DOT11,
	    DOT11("0801") SNAP "0800" IP4("0028", "06") SYN "12345678",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " !trailer"),
	ROW("802.11, QoS", LINK_DOT11, DOT11("8801") "0000" SNAP "86dd" IP6("0014", "06") SYN,
	    "complete" ENDS6 " S" SYN_TEXT),
	ROW("802.11, QoS with HT control", LINK_DOT11,
	    DOT11("8881") "0000 00000000" SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("802.11, four addresses", LINK_DOT11,
	    DOT11("0803") "020000000004" SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("802.11, four addresses and QoS", LINK_DOT11,
	    DOT11("8803") "020000000004 0000" SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("802.11, encrypted", LINK_DOT11, DOT11("0841") "00000020 12345678" ZEROS32,
	    "other !encrypted"),
	ROW("802.11, aggregate", LINK_DOT11, DOT11("8801") "8000" ZEROS32, "other"),
	ROW("802.11, aggregate of four addresses", LINK_DOT11,
	    DOT11("8803") "020000000004 8000" ZEROS32, "other"),
	ROW("802.11, first fragment", LINK_DOT11,
	    DOT11("0805") SNAP "0800" IP4("05dc", "06") TCP("5018") "53534821",
	    "complete" ENDS4 " id 4660 df PA" SYN_TEXT " payload 4/1460", .fragment = true),
	ROW("802.11, later fragment", LINK_DOT11,
	    "0801 0000 020000000001 020000000002 020000000003 1101" ZEROS32, "other"),
	ROW("802.11, no data", LINK_DOT11, DOT11("4801"), "other"),
	ROW("802.11, beacon", LINK_DOT11, DOT11("8000") ZEROS8, "other"),
	ROW("802.11, acknowledgement", LINK_DOT11, "d400 0000 020000000001", "other"),
	ROW("radiotap", LINK_RADIOTAP, RADIOTAP DOT11("0802") SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("radiotap with fields", LINK_RADIOTAP,
	    "0000 1a00 2f480000 0102030405060708 10 0c 8509 c000 d8 00 0100" DOT11("0802") SNAP
	    "0800" IP4("0028", "06") SYN "12345678",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " !trailer"),
	ROW("radiotap, padded", LINK_RADIOTAP,
	    "0000 0900 02000000 20" DOT11("8802") "0000 0000" SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("radiotap, padded, more fields present", LINK_RADIOTAP,
	    "0000 1900 030000a0 00000000 00000000 0102030405060708 20" DOT11(
		    "8802") "0000 0000" SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("radiotap, damaged in the air", LINK_RADIOTAP,
	    "0000 0900 02000000 40" DOT11("0802") SNAP "0800" IP4("0028", "06") SYN, "other"),
	ROW("radiotap of another version", LINK_RADIOTAP, "0100 0800 00000000 0802", "other"),
	ROW("PPI", LINK_PPI,
	    "0000 1000 69000000 0200 0400 00000000" DOT11("0802") SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPI of Ethernet", LINK_PPI, "0000 0800 01000000" ETH4 IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("PPI of an unknown link", LINK_PPI, "0000 0800 0f270000 00000000", "other"),
	ROW("AVS", LINK_AVS,
	    "80211001 00000010" ZEROS8 DOT11("0802") SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("Prism", LINK_PRISM,
	    "44000000 10000000" ZEROS8 DOT11("0802") SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("Prism of a big-endian machine", LINK_PRISM,
	    "00000044 00000010" ZEROS8 DOT11("0802") SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("AVS as Prism", LINK_PRISM,
	    "80211001 00000010" ZEROS8 DOT11("0802") SNAP "0800" IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT),

	/* encapsulations that lie */
	ROW("PPPoE longer than the frame", LINK_PPP_ETHER,
	    "11 00 0007 002b 0021" IP4("0028", "06") SYN, "malformed"),
	ROW("PPPoE shorter than IP", LINK_PPP_ETHER, "11 00 0007 0029 0021" IP4("0028", "06") SYN,
	    "malformed" NO_PORTS4("6")),
	ROW("PPP of one byte", LINK_PPP, "00", "malformed"),
	ROW("MPLS without bottom", LINK_MPLS, "00010040 00020040", "malformed"),
	ROW("MPLS of nothing", LINK_MPLS, "00010140", "malformed"),
	ROW("half a GRE header", LINK_RAW, OUTER4("0016", "2f") "0000",
	    "malformed" OUTER4_TEXT("47")),
	ROW("GRE without its key", LINK_RAW, OUTER4("0018", "2f") "2000 0800",
	    "malformed" OUTER4_TEXT("47")),
	ROW("half a UDP header", LINK_RAW, OUTER4("0018", "11") "9c40 12b5",
	    "malformed" OUTER4_TEXT("17")),
	ROW("half a VXLAN header", LINK_RAW, OUTER4("0020", "11") UDP("12b5", "000c") "08000000",
	    "malformed" OUTER4_TEXT("17")),
	ROW("Geneve options past the end", LINK_RAW,
	    OUTER4("0024", "11") UDP("17c1", "0010") "01000800 00000700",
	    "malformed" OUTER4_TEXT("17")),
	ROW("radiotap shorter than itself", LINK_RADIOTAP, "0000 0700 00000000" DOT11("0802"),
	    "malformed"),
	ROW("radiotap longer than the frame", LINK_RADIOTAP, "0000 ff00 00000000" DOT11("0802"),
	    "malformed"),
	ROW("PPI shorter than itself", LINK_PPI, "0000 0700 69000000", "malformed"),
	ROW("AVS longer than the frame", LINK_AVS, "80211001 ffffffff" ZEROS8, "malformed"),
	ROW("802.11, half an address", LINK_DOT11, "0802 0000 0200", "malformed"),

	/* neither TCP nor ICMP */
	ROW("ARP", LINK_ETHERNET, ETH "0806 0001 0800 06 04 0001 020000000002 0a000001", "other"),
	ROW("802.3", LINK_ETHERNET, ETH "0026 424203", "other"),
	ROW("unknown family", LINK_NULL, "07000000 45", "other"),
	ROW("unknown link", 9999, "00112233", "other"),
	ROW("UDP", LINK_RAW, IP4("001c", "11") "9c40 0035 0008 0000", "other" NO_PORTS4("17")),
	ROW("ICMPv6 number in IPv4", LINK_RAW, IP4("001c", "3a") "0101 0000 00000000",
	    "other" NO_PORTS4("58")),
	ROW("ICMPv4 number in IPv6", LINK_RAW, IP6("0008", "01") "0301 0000 00000000",
	    "other" NO_PORTS6("1")),
	ROW("IPv6 no next header", LINK_RAW, IP6("0000", "3b"), "other" NO_PORTS6("59")),
	ROW("ESP", LINK_RAW, IP6("0008", "32") ZEROS8, "other" NO_PORTS6("50")),

	/* IP */
	ROW("TOS, id 0, no DF", LINK_RAW, "45 b8 0028 0000 0000 01 06 0000 0a000001 0a000002" SYN,
	    "complete 10.0.0.1.40000>10.0.0.2.22 proto 6 ttl 1 tos 184 S" SYN_TEXT),
	ROW("traffic class and flow label", LINK_RAW, "6ab12345 0014 06 01" A6 SYN,
	    "complete 2001:db8::1.40000>2001:db8::2.22 proto 6 ttl 1 tos 171 S" SYN_TEXT),
	ROW("IP options", LINK_RAW,
	    "46 00 002c 1234 4000 40 06 0000 0a000001 0a000002 94040000" SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " !ip-options"),
	ROW("longest IP options", LINK_RAW,
	    "4f 00 0050 1234 4000 40 06 0000 0a000001 0a000002" ZEROS32 ZEROS8 SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " !ip-options"),
	ROW("padding is not payload", LINK_ETHERNET,
	    ETH4 IP4("0028", "06") TCP("5014") "000000000000",
	    "complete" ENDS4 " id 4660 df RA" SYN_TEXT " !trailer"),
	ROW("padding behind IPv6", LINK_ETHERNET, ETH6 IP6("0014", "06") SYN "00000000",
	    "complete" ENDS6 " S" SYN_TEXT " !trailer"),
	ROW("padding that was not captured", LINK_ETHERNET, ETH4 IP4("0028", "06") SYN,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " !trailer", .on_wire = 60),
	ROW("payload and padding", LINK_ETHERNET,
	    ETH4 IP4("0029", "06") TCP("5018") "53 0000000000",
	    "complete" ENDS4 " id 4660 df PA" SYN_TEXT " payload 1/1 !trailer"),
	ROW("total length 0", LINK_ETHERNET, ETH4 IP4("0000", "06") TCP("5010") "53534821",
	    "complete" ENDS4 " id 4660 df A" SYN_TEXT " payload 4/4 !zero-length"),
	ROW("total length 0, cut", LINK_ETHERNET, ETH4 IP4("0000", "06") TCP("5010") "53534821",
	    "complete" ENDS4 " id 4660 df A" SYN_TEXT " payload 4/29946 !zero-length",
	    .on_wire = 30000),
	ROW("first fragment", LINK_RAW,
	    "45 00 002c 1234 2000 40 06 0000 0a000001 0a000002" TCP("5010") "01020304",
	    "complete" ENDS4 " id 4660 A" SYN_TEXT " payload 4/4 !first"),
	ROW("later fragment", LINK_RAW, "45 00 001c 1234 2001 40 06 0000 0a000001 0a000002" ZEROS8,
	    "other 10.0.0.1.0>10.0.0.2.0 proto 6 ttl 64 id 4660 !later"),
	ROW("last fragment", LINK_RAW, "45 00 001c 1234 1fff 40 01 0000 0a000001 0a000002" ZEROS8,
	    "other 10.0.0.1.0>10.0.0.2.0 proto 1 ttl 64 id 4660 !later"),
	ROW("IPv6 extension headers", LINK_RAW,
	    IP6("0040", "00") "3c00 010400000000"	    /* hop-by-hop */
			      "2b01 010c" ZEROS8 "00000000" /* destination options */
			      "3300 000000000000"	    /* routing */
			      "0601 000000000000 00000000" /* authentication: (1 + 2) * 4 */ SYN,
	    "complete" ENDS6 " S" SYN_TEXT " !ip-options"),
	ROW("IPv6 mobility, HIP, shim6", LINK_RAW,
	    IP6("002c", "87") "8b00 000000000000 8c00 000000000000 0600 000000000000" SYN,
	    "complete" ENDS6 " S" SYN_TEXT " !ip-options"),
	ROW("IPv6 atomic fragment", LINK_RAW, IP6("001c", "2c") "0600 0000 00015678" SYN,
	    "complete" ENDS6 " id 22136 S" SYN_TEXT),
	ROW("IPv6 first fragment", LINK_RAW, IP6("001c", "2c") "0600 0001 00005678" SYN,
	    "complete" ENDS6 " id 22136 S" SYN_TEXT " !first"),
	ROW("IPv6 later fragment", LINK_RAW, IP6("0010", "2c") "0600 0008 00005678" ZEROS8,
	    "other" NO_PORTS6("6") " id 22136 !later"),
	ROW("IPv6 later fragment of an extension", LINK_RAW,
	    IP6("0010", "2c") "3c00 0009 00005678"
			      "ffffffffffffffff",
	    "other" NO_PORTS6("60") " id 22136 !later"),
	ROW("IPv6 length 0 of TCP", LINK_RAW, IP6("0000", "06") TCP("5010") "53",
	    "complete" ENDS6 " A" SYN_TEXT " payload 1/1 !zero-length"),
	ROW("jumbogram", LINK_RAW, IP6("0000", "00") "0600 c20400011170" TCP("5010") "53",
	    "complete" ENDS6 " A" SYN_TEXT " payload 1/69980 !ip-options !zero-length",
	    .on_wire = 70048),

	/* TCP */
	ROW("options of Linux", LINK_RAW, IP4("003c", "06") SYN_OPTIONS,
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460 ws 7 sackok ts 5/0"),
	ROW("all flags", LINK_RAW, IP4("0028", "06") TCP("50ff"),
	    "complete" ENDS4 " id 4660 df FSRPAUEC" SYN_TEXT),
	ROW("no flags", LINK_RAW, IP4("0028", "06") TCP("5000"),
	    "complete" ENDS4 " id 4660 df 0" SYN_TEXT),
	ROW("acknowledgement", LINK_RAW,
	    IP4("0028", "06") "0016 9c40 fffffffe 80000001 5012 7210 0000 0000",
	    "complete 10.0.0.1.22>10.0.0.2.40000 proto 6 ttl 64 id 4660 df SA seq 4294967294"
	    " ack 2147483649 win 29200"),
	ROW("reserved bits", LINK_RAW, IP4("0028", "06") TCP("5202"),
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " !reserved"),
	ROW("accurate ECN is not reserved", LINK_RAW, IP4("0028", "06") TCP("51c2"),
	    "complete" ENDS4 " id 4660 df SEC" SYN_TEXT),
	ROW("reset with a text", LINK_RAW, IP4("002b", "06") TCP("5014") "6e6f21",
	    "complete" ENDS4 " id 4660 df RA" SYN_TEXT " payload 3/3 !rst-payload"),
	ROW("SYN with data", LINK_RAW, IP4("002b", "06") TCP("5002") "6e6f21",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " payload 3/3 !syn-payload"),
	ROW("payload cut by the capture", LINK_RAW, IP4("05dc", "06") TCP("5018") "5353",
	    "complete" ENDS4 " id 4660 df PA" SYN_TEXT " payload 2/1460", .on_wire = 1500),
	ROW("payload not captured at all", LINK_RAW, IP4("05dc", "06") TCP("5018"),
	    "complete" ENDS4 " id 4660 df PA" SYN_TEXT " payload 0/1460", .on_wire = 1500),
	ROW("SACK blocks", LINK_RAW,
	    IP4("0040", "06")
		    TCP("b010") "0101 080a 00000007 00000009 01 01 050a 00000001 00000002",
	    "complete" ENDS4 " id 4660 df A" SYN_TEXT " sack ts 7/9"),
	ROW("window scale above 14", LINK_RAW, IP4("002c", "06") TCP("6002") "03030f 00",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " ws 14"),
	ROW("window scale 0", LINK_RAW, IP4("002c", "06") TCP("6002") "030300 00",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " ws 0"),
	ROW("nothing behind the end of the list", LINK_RAW,
	    IP4("002c", "06") TCP("6002") "00 030307", "complete" ENDS4 " id 4660 df S" SYN_TEXT),
	ROW("unknown options", LINK_RAW, IP4("0030", "06") TCP("7002") "fe04abcd 020405b4",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460"),
	ROW("option of length 0", LINK_RAW, IP4("0030", "06") TCP("7002") "020405b4 03000707",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460 !options"),
	ROW("option of length 1", LINK_RAW, IP4("0030", "06") TCP("7002") "020405b4 fe010303",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460 !options"),
	ROW("option up to the end", LINK_RAW, IP4("0030", "06") TCP("7002") "020405b4 fe040303",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460"),
	ROW("option past the end", LINK_RAW, IP4("0031", "06") TCP("7002") "020405b4 fe050303 07",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT
	    " mss 1460 payload 1/1 !options !syn-payload"),
	ROW("option without length", LINK_RAW, IP4("0030", "06") TCP("7002") "020405b4 01010103",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460 !options"),
	ROW("MSS of a wrong size", LINK_RAW, IP4("0030", "06") TCP("7002") "020305 01 03030701",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " ws 7 !options"),
	ROW("a timestamp of a wrong size", LINK_RAW,
	    IP4("0034", "06") TCP("8002") "0809 00000001 000000 030307",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " ws 7 !options"),
	ROW("a window scale of a wrong size", LINK_RAW,
	    IP4("0030", "06") TCP("7002") "03040707 020405b4",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460 !options"),
	ROW("SACK permitted of a wrong size", LINK_RAW,
	    IP4("0030", "06") TCP("7002") "04030101 020405b4",
	    "complete" ENDS4 " id 4660 df S" SYN_TEXT " mss 1460 !options"),
	ROW("half a SACK block", LINK_RAW, IP4("0030", "06") TCP("7010") "0506 00000001 0101",
	    "complete" ENDS4 " id 4660 df A" SYN_TEXT " !options"),

	/* ICMP */
	ROW("echo", LINK_RAW, IP4("001c", "01") "0800 0000 12340001",
	    "complete" NO_PORTS4("1") " icmp 8/0"),
	ROW("host unreachable, 8 bytes quoted", LINK_RAW,
	    IP4("0038", "01") "0301 0000 00000000" QUOTE4("003c") "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 3/1" QUOTED4),
	ROW("4 bytes quoted", LINK_RAW,
	    IP4("0034", "01") "0301 0000 00000000" QUOTE4("003c") "9c40 0016",
	    "complete" NO_PORTS4(
		    "1") " icmp 3/1 quote 10.0.0.1.40000>10.0.0.2.22 proto 6 ttl 1 tos 16"
			 " id 66 ports"),
	ROW("prohibited, whole SYN quoted", LINK_RAW,
	    IP4("0058", "01") "030d 0000 00000000" QUOTE4("003c") SYN_OPTIONS,
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4 " S ack 0 win 65535 mss 1460"),
	ROW("quote ends within the options", LINK_RAW,
	    IP4("0044", "01") "030d 0000 00000000" QUOTE4("003c") TCP("a002"),
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4 " S ack 0 win 65535"),
	ROW("16 bytes of TCP quoted", LINK_RAW,
	    IP4("0040",
		"01") "030d 0000 00000000" QUOTE4("003c") "9c40 0016 00000001 0000000a 5012 0100",
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4 " SA ack 10 win 256"),
	ROW("quoted payload is not an option", LINK_RAW,
	    IP4("0048", "01") "030d 0000 00000000" QUOTE4("003c") TCP("5018") "020405b4",
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4 " PA ack 0 win 65535"),
	ROW("15 bytes of TCP quoted", LINK_RAW,
	    IP4("003f",
		"01") "030d 0000 00000000" QUOTE4("003c") "9c40 0016 00000001 0000000a 5012 01",
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4),
	ROW("fragmentation needed", LINK_RAW,
	    IP4("0038", "01") "0304 0000 00000578" QUOTE4("05dc") "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 3/4 mtu 1400" QUOTED4),
	ROW("no MTU in others", LINK_RAW,
	    IP4("0038", "01") "0303 0000 00000578" QUOTE4("05dc") "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 3/3" QUOTED4),
	ROW("source quench", LINK_RAW,
	    IP4("0038", "01") "0400 0000 00000000" QUOTE4("003c") "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 4/0" QUOTED4),
	ROW("redirect", LINK_RAW,
	    IP4("0038", "01") "0501 0000 0a0000fe" QUOTE4("003c") "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 5/1" QUOTED4),
	ROW("redirect to 10.1.0.1: no length of a quote", LINK_RAW,
	    IP4("0038", "01") "0501 0000 0a010001" QUOTE4("003c") "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 5/1" QUOTED4),
	ROW("parameter problem", LINK_RAW,
	    IP4("0038", "01") "0c00 0000 14000000" QUOTE4("003c") "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 12/0" QUOTED4),
	ROW("quoted IP options", LINK_RAW,
	    IP4("003c", "01") "0b00 0000 00000000"
			      "46 10 003c 0042 4000 01 06 0000 0a000001 0a000002 94040000"
			      "9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 11/0" QUOTED4),
	ROW("quoted options are cut", LINK_RAW,
	    IP4("0032", "01") "0b00 0000 00000000"
			      "46 10 003c 0042 4000 01 06 0000 0a000001 0a000002 9404",
	    "complete" NO_PORTS4("1") " icmp 11/0 quote 10.0.0.1.0>10.0.0.2.0 proto 6 ttl 1 tos 16"
				      " id 66"),
	ROW("quoted later fragment", LINK_RAW,
	    IP4("0038",
		"01") "0b01 0000 00000000"
		      "45 10 003c 0042 0001 01 06 0000 0a000001 0a000002 9c40 0016 00000001",
	    "complete" NO_PORTS4("1") " icmp 11/1 quote 10.0.0.1.0>10.0.0.2.0 proto 6 ttl 1 tos 16"
				      " id 66"),
	ROW("quoted UDP", LINK_RAW,
	    IP4("0038",
		"01") "0303 0000 00000000"
		      "45 10 003c 0042 0000 01 11 0000 0a000001 0a000002 9c40 0016 00280000",
	    "complete" NO_PORTS4("1") " icmp 3/3 quote 10.0.0.1.40000>10.0.0.2.22 proto 17 ttl 1"
				      " tos 16 id 66 ports"),
	ROW("quoted echo", LINK_RAW,
	    IP4("0038",
		"01") "0b00 0000 00000000"
		      "45 10 003c 0042 0000 01 01 0000 0a000001 0a000002 0800 0000 00010001",
	    "complete" NO_PORTS4("1") " icmp 11/0 quote 10.0.0.1.0>10.0.0.2.0 proto 1 ttl 1 tos 16"
				      " id 66"),
	ROW("a quote too short for an IP header", LINK_RAW,
	    IP4("002f", "01") "0b00 0000 00000000 45 10 003c 0042 4000 01 06 0000 0a000001 0a0000",
	    "complete" NO_PORTS4("1") " icmp 11/0"),
	ROW("no quote", LINK_RAW, IP4("001c", "01") "0b00 0000 00000000",
	    "complete" NO_PORTS4("1") " icmp 11/0"),
	ROW("IPv6 quoted in ICMPv4", LINK_RAW,
	    IP4("0058", "01") "0b00 0000 00000000" IP6("0014", "06") SYN,
	    "complete" NO_PORTS4("1") " icmp 11/0"),
	/* RFC 4884: 128 bytes of quote, then an MPLS label (RFC 4950) */
	ROW("extension, padded quote", LINK_RAW,
	    IP4("00a8", "01") "0b00 0000 00200000" QUOTE4(
		    "003c") "9c40 0016 00000001" ZEROS32 ZEROS32 ZEROS32
			    "00000000 2000 0000 0008 0101 00003101 ",
	    "complete" NO_PORTS4("1") " icmp 11/0" QUOTED4),
	ROW("extension without a length", LINK_RAW,
	    IP4("00a8", "01") "0b00 0000 00000000" QUOTE4("003c") SYN_OPTIONS ZEROS32 ZEROS32
	    "00000000 2000 0000 0008 0101 00003101 ",
	    "complete" NO_PORTS4("1") " icmp 11/0" QUOTED4 " S ack 0 win 65535 mss 1460"),
	ROW("a length ends the quote", LINK_RAW,
	    IP4("0058", "01") "030d 0000 00070000" QUOTE4("003c") SYN_OPTIONS,
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4),
	ROW("one word more", LINK_RAW,
	    IP4("0058", "01") "030d 0000 00090000" QUOTE4("003c") SYN_OPTIONS,
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4 " S ack 0 win 65535"),
	ROW("a length beyond the message", LINK_RAW,
	    IP4("0058", "01") "030d 0000 00ff0000" QUOTE4("003c") SYN_OPTIONS,
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4 " S ack 0 win 65535 mss 1460"),

	/* ICMPv6 */
	ROW("ICMPv6 echo", LINK_RAW, IP6("0008", "3a") "8000 0000 00010001",
	    "complete" NO_PORTS6("58") " icmp 128/0"),
	ROW("ICMPv6 prohibited", LINK_RAW,
	    IP6("0044", "3a") "0101 0000 00000000" IP6("0014", "06") SYN,
	    "complete" NO_PORTS6("58") " icmp 1/1" QUOTED6 " S ack 0 win 65535"),
	ROW("packet too big", LINK_RAW,
	    IP6("0038", "3a") "0200 0000 00010000" IP6("05a0", "06") "9c40 0016 00000001",
	    "complete" NO_PORTS6("58") " icmp 2/0 mtu 65536" QUOTED6),
	ROW("hop limit exceeded, with a length", LINK_RAW,
	    IP6("0040", "3a") "0300 0000 06000000" IP6(
		    "0014", "06") "9c40 0016 00000001 2000 0000 0000 0000",
	    "complete" NO_PORTS6("58") " icmp 3/0" QUOTED6),
	ROW("a length ends the quote in ICMPv6", LINK_RAW,
	    IP6("004c", "3a") "0300 0000 08000000" IP6("001c", "06")
		    TCP("7002") "01010101 020405b4",
	    "complete" NO_PORTS6("58") " icmp 3/0" QUOTED6 " S ack 0 win 65535"),
	ROW("ICMPv6 parameter problem", LINK_RAW,
	    IP6("0038", "3a") "0401 0000 00000006" IP6("0014", "06") "9c40 0016 00000001",
	    "complete" NO_PORTS6("58") " icmp 4/1" QUOTED6),
	ROW("quoted extension headers", LINK_RAW,
	    IP6("0048", "3a") "0103 0000 00000000" IP6(
		    "0024", "3c") "2c00 010400000000 0600 0001 00000000 9c40 0016 00000001",
	    "complete" NO_PORTS6("58") " icmp 1/3" QUOTED6),
	ROW("quoted extension header is cut", LINK_RAW,
	    IP6("0034", "3a") "0103 0000 00000000" IP6("0024", "3c") "2c00 0104",
	    "complete" NO_PORTS6("58") " icmp 1/3 quote 2001:db8::1.0>2001:db8::2.0 proto 60 ttl 64"
				       " tos 0 id 0"),
	ROW("ICMPv6 behind a hop-by-hop header", LINK_RAW,
	    IP6("0010", "00") "3a00 05020000 0100 8f00 0000 00000000",
	    "complete" NO_PORTS6("58") " icmp 143/0 !ip-options"),

	/* captured short */
	ROW("cut: nothing captured", LINK_ETHERNET, "", "cut", .on_wire = 60),
	ROW("cut: RAW, nothing captured", LINK_RAW, "", "cut", .on_wire = 60),
	ROW("cut: within the IP options", LINK_RAW,
	    "4600 002c 1234 4000 40 06 0000 0a000001 0a000002 9404",
	    "cut" NO_PORTS4("6") " !ip-options", .on_wire = 44),
	ROW("cut: within the TCP header", LINK_RAW, IP4("0028", "06") "9c40 0016 00000001",
	    "cut" NO_PORTS4("6"), .on_wire = 40),
	ROW("cut: within the TCP options", LINK_RAW, IP4("003c", "06") TCP("a002") "020405b4",
	    "cut" ENDS4 " id 4660 df", .on_wire = 60),
	ROW("cut: within the quote", LINK_RAW,
	    IP4("0058", "01") "030d 0000 00000000" QUOTE4("003c") "9c40 0016 00000001 0000",
	    "complete" NO_PORTS4("1") " icmp 3/13" QUOTED4, .on_wire = 88),

	/* lengths and versions that lie */
	ROW("empty frame", LINK_ETHERNET, "", "malformed"),
	ROW("short Ethernet header", LINK_ETHERNET, ETH "08", "malformed"),
	ROW("half a VLAN tag", LINK_ETHERNET, ETH "8100 0064", "malformed"),
	ROW("short SLL", LINK_LINUX_SLL, "0004 0001 0006 0200000000010000 08", "malformed"),
	ROW("short SLL2", LINK_LINUX_SLL2, "0800 0000 00000002 0001 04 06 02000000000100",
	    "malformed"),
	ROW("short NULL", LINK_NULL, "020000", "malformed"),
	ROW("IPv6 under the EtherType of IPv4", LINK_ETHERNET, ETH4 IP6("0014", "06") SYN,
	    "malformed"),
	ROW("IPv4 under the EtherType of IPv6", LINK_ETHERNET, ETH6 IP4("0028", "06") SYN,
	    "malformed"),
	ROW("version 5", LINK_RAW, "55 00 0028 1234 4000 40 06 0000 0a000001 0a000002" SYN,
	    "malformed"),
	ROW("IHL 4", LINK_RAW, "44 00 0028 1234 4000 40 06 0000 0a000001 0a000002" SYN,
	    "malformed"),
	ROW("IHL beyond the total length", LINK_RAW,
	    "4b 00 0028 1234 4000 40 06 0000 0a000001 0a000002" SYN,
	    "malformed" NO_PORTS4("6") " !ip-options"),
	ROW("total length below the header", LINK_RAW, IP4("0013", "06") SYN,
	    "malformed" NO_PORTS4("6")),
	ROW("total length of the header alone", LINK_RAW, IP4("0014", "06") SYN,
	    "malformed" NO_PORTS4("6") " !trailer"),
	ROW("total length one short of TCP", LINK_RAW, IP4("0027", "06") SYN,
	    "malformed" NO_PORTS4("6") " !trailer"),
	ROW("total length beyond the frame", LINK_RAW, IP4("0029", "06") SYN,
	    "malformed" NO_PORTS4("6")),
	ROW("IPv6 payload beyond the frame", LINK_RAW, IP6("0015", "06") SYN,
	    "malformed" NO_PORTS6("6")),
	ROW("IPv6 payload one short of TCP", LINK_RAW, IP6("0013", "06") SYN,
	    "malformed" NO_PORTS6("6") " !trailer"),
	ROW("IPv6 extension header past the payload", LINK_RAW,
	    IP6("001c", "00") "0603 010400000000" SYN, "malformed" NO_PORTS6("0")),
	ROW("IPv6 half an extension header", LINK_RAW, IP6("0007", "3c") "0600 01040000 00",
	    "malformed" NO_PORTS6("60")),
	ROW("IPv6 half a fragment header", LINK_RAW, IP6("0007", "2c") "0600 0000 000000",
	    "malformed" NO_PORTS6("44")),
	ROW("TCP offset 4", LINK_RAW, IP4("0028", "06") TCP("4002"),
	    "malformed" ENDS4 " id 4660 df"),
	ROW("TCP offset beyond the packet", LINK_RAW, IP4("0028", "06") TCP("6002"),
	    "malformed" ENDS4 " id 4660 df"),
	ROW("TCP offset into the padding", LINK_ETHERNET,
	    ETH4 IP4("0028", "06") TCP("6002") "00000000",
	    "malformed" ENDS4 " id 4660 df !trailer"),
	ROW("tiny first fragment", LINK_RAW,
	    "45 00 001c 1234 2000 40 06 0000 0a000001 0a000002"
	    "9c40 0016 00000001",
	    "malformed 10.0.0.1.0>10.0.0.2.0 proto 6 ttl 64 id 4660 !first"),
	ROW("half an ICMP header", LINK_RAW, IP4("001b", "01") "0800 0000 123400",
	    "malformed" NO_PORTS4("1")),
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void decodes_every_sample(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(sample->hex, bytes);
		size_t on_wire = sample->on_wire != 0 ? sample->on_wire : length;
		struct packet packet =
			decode_exact(sample->link, bytes, length, on_wire, sample->direction);
		struct line line;
		describe(&packet, &line);
		if (strcmp(line.text, sample->text) != 0)
			print_error("%s:\n", sample->name);
		assert_string_equal(line.text, sample->text);
	}
}

/* Whether what a cut packet still says is what the whole one says. */
static void check_cut(const struct packet *cut, const struct packet *whole, bool tunnel)
{
	if (cut->source.family != 0 && !(tunnel && cut->end == DECODE_CUT_SHORT)) {
		assert_true(address_equal(&cut->source, &whole->source));
		assert_true(address_equal(&cut->destination, &whole->destination));
		assert_int_equal(cut->ttl, whole->ttl);
	}
	if (cut->end != DECODE_COMPLETE)
		return;
	assert_int_equal(cut->protocol, whole->protocol);
	assert_int_equal(cut->sequence, whole->sequence);
	assert_int_equal(cut->flags, whole->flags);
	assert_int_equal(cut->mss, whole->mss);
	assert_int_equal(cut->wscale, whole->wscale);
	assert_int_equal(cut->oddities, whole->oddities);
	assert_int_equal(cut->payload_length, whole->payload_length);
	assert_int_equal(cut->icmp_type, whole->icmp_type);
	assert_int_equal(cut->icmp_mtu, whole->icmp_mtu);
	const struct quote *quote = &cut->quote, *all = &whole->quote;
	if (quote->present) {
		assert_true(address_equal(&quote->source, &all->source));
		assert_true(!quote->has_ports || quote->source_port == all->source_port);
		assert_true(!quote->has_sequence || quote->sequence == all->sequence);
		assert_true(!quote->has_flags || quote->flags == all->flags);
		assert_true(quote->mss == 0 || quote->mss == all->mss);
	}
}

/* The capture keeps fewer bytes than there were: never the sender's fault. */
static void a_short_capture_is_not_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(sample->hex, bytes);
		size_t on_wire = sample->on_wire != 0 ? sample->on_wire : length;
		struct packet whole = decode_exact(sample->link, bytes, length, on_wire, 0);
		if (whole.end != DECODE_COMPLETE && whole.end != DECODE_OTHER)
			continue;
		bool reached = false;
		for (size_t n = 0; n < length; n++) {
			struct packet cut = decode_exact(sample->link, bytes, n, on_wire, 0);
			if (cut.end != DECODE_CUT_SHORT)
				reached = true;
			if (reached && cut.end != whole.end)
				print_error("%s, %zu bytes:\n", sample->name, n);
			/* Once there is enough, more does not change the verdict. */
			assert_int_equal(cut.end, reached ? whole.end : DECODE_CUT_SHORT);
			check_cut(&cut, &whole, sample->tunnel);
		}
	}
}

/* The frame itself was shorter: never the capture's fault. */
static void a_short_frame_is_not_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(samples[i].hex, bytes);
		for (size_t n = 0; n <= length && !samples[i].fragment; n++) {
			struct packet packet = decode_exact(samples[i].link, bytes, n, n, 0);
			assert_int_not_equal(packet.end, DECODE_CUT_SHORT);
		}
	}
}

static uint64_t next_random(uint64_t *seed) /* xorshift64 */
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever the bytes, nothing is read outside them (the sanitizer watches). */
static void survives_damaged_samples(void **state)
{
	(void)state;
	uint64_t seed = 0x5eed;
	for (unsigned round = 0; round < 200000; round++) {
		const struct sample *sample = &samples[next_random(&seed) % SAMPLES];
		uint8_t bytes[BYTES_MAX];
		size_t length = from_hex(sample->hex, bytes);
		for (unsigned i = 0; length > 0 && i < 1 + round % 4; i++)
			bytes[next_random(&seed) % length] = (uint8_t)next_random(&seed);
		size_t captured = length - next_random(&seed) % (length / 4 + 1);
		size_t on_wire = captured + next_random(&seed) % 64;
		uint32_t link = round % 8 == 0 ? samples[round % SAMPLES].link : sample->link;
		struct packet packet = decode_exact(link, bytes, captured, on_wire, 0);
		struct line line;
		describe(&packet, &line);
	}
}

/* A frame that claims less than it holds is taken for what it holds. */
static void captured_beyond_the_wire(void **state)
{
	(void)state;
	uint8_t bytes[BYTES_MAX];
	size_t length = from_hex(IP4("0028", "06") SYN, bytes);
	struct packet packet = decode_exact(LINK_RAW, bytes, length, 0, 0);
	assert_int_equal(packet.end, DECODE_COMPLETE);
}

static void payload_is_where_it_is(void **state)
{
	(void)state;
	uint8_t bytes[BYTES_MAX];
	size_t length = from_hex(ETH4 IP4("002c", "06") TCP("5018") "53534821", bytes);
	struct packet packet = decode_exact(LINK_ETHERNET, bytes, length, length, 0);
	assert_ptr_equal(packet.payload, bytes + length - 4);
	assert_memory_equal(packet.payload, "SSH!", 4);
}

/* However often tunnels nest, the work is bounded, and what is too deep is not told. */
static void tunnels_do_not_nest_for_ever(void **state)
{
	(void)state;
	uint8_t bytes[BYTES_MAX];
	for (size_t deep = 1; deep < 150; deep++) {
		size_t length = 0;
		for (size_t i = 0; i < deep; i++) {
			char header[128];
			snprintf(header, sizeof(header),
				 "45 00 %04zx 0007 0000 07 04 0000 0a640001 0a640002",
				 (deep - i) * 20 + 40);
			length += from_hex(header, bytes + length);
		}
		length += from_hex(IP4("0028", "06") SYN, bytes + length);
		struct packet packet = decode_exact(LINK_RAW, bytes, length, length, 0);
		assert_int_equal(packet.end, deep <= 22 ? DECODE_COMPLETE : DECODE_OTHER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_every_sample),
		cmocka_unit_test(a_short_capture_is_not_malformed),
		cmocka_unit_test(a_short_frame_is_not_cut),
		cmocka_unit_test(survives_damaged_samples),
		cmocka_unit_test(captured_beyond_the_wire),
		cmocka_unit_test(tunnels_do_not_nest_for_ever),
		cmocka_unit_test(payload_is_where_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
