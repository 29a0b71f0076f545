/* Which packets on the wire are the run's: addresses as well as ports, for the program and, as a
 * BPF filter, for the kernel. Frames are given as hex. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pcap/pcap.h>

#include "drive/admission.h"

static const struct ports ports = { 61000, 4, 62004, 40 };

static struct home home_of(const char *const *texts, size_t count)
{
	struct home home = { .count = 0 };
	for (size_t i = 0; i < count; i++) {
		struct address address = address_parse(texts[i]);
		home_add(&home, &address);
	}
	return home;
}

static struct home home(void)
{
	static const char *const texts[] = { "10.20.0.10", "2001:db8:20::10" };
	return home_of(texts, 2);
}

/* -- as bytes ---------------------------------------------------------------------- */

static size_t put(uint8_t *to, const struct address *address)
{
	size_t length = address->family == 6 ? 16 : 4;
	memcpy(to, address->bytes, length);
	return length;
}

static size_t ip_header(uint8_t *to, uint8_t protocol, const char *source, const char *destination)
{
	struct address from = address_parse(source), goal = address_parse(destination);
	if (from.family == 6) {
		memset(to, 0, 40);
		to[0] = 0x60;
		to[5] = 80; /* all frames have 120 bytes */
		to[6] = protocol;
		to[7] = 64;
		put(to + 8, &from);
		put(to + 24, &goal);
		return 40;
	}
	memset(to, 0, 20);
	to[0] = 0x45;
	to[3] = 120;
	to[8] = 64;
	to[9] = protocol;
	put(to + 12, &from);
	put(to + 16, &goal);
	return 20;
}

static size_t tcp_header(uint8_t *to, uint16_t source, uint16_t destination)
{
	memset(to, 0, 20);
	to[0] = (uint8_t)(source >> 8), to[1] = (uint8_t)source;
	to[2] = (uint8_t)(destination >> 8), to[3] = (uint8_t)destination;
	to[12] = 0x50;
	to[13] = TCP_SYN;
	return 20;
}

struct wire_frame {
	uint8_t bytes[160];
	uint32_t length;
};

static struct wire_frame tcp(const char *source, uint16_t source_port, const char *destination,
			     uint16_t destination_port)
{
	struct wire_frame frame = { .length = 120 };
	size_t ip = ip_header(frame.bytes, IP_TCP, source, destination);
	tcp_header(frame.bytes + ip, source_port, destination_port);
	return frame;
}

/* An ICMP error from `router` to `to` about a SYN of `source`. */
static struct wire_frame icmp(const char *router, const char *to, const char *source,
			      uint16_t source_port, const char *destination)
{
	struct wire_frame frame = { .length = 120 };
	bool six = strchr(router, ':') != NULL;
	size_t at = ip_header(frame.bytes, six ? IP_ICMP6 : IP_ICMP, router, to);
	frame.bytes[at] = six ? 3 : 11;
	at += 8;
	at += ip_header(frame.bytes + at, IP_TCP, source, destination);
	tcp_header(frame.bytes + at, source_port, 22);
	return frame;
}

/* -- held to the filter and to admit() --------------------------------------------- */

static bool filter_passes(const struct home *at, const struct wire_frame *frame)
{
	pcap_t *pcap = pcap_open_dead(DLT_RAW, 65535);
	struct bpf_program program;
	char *text = admission_filter(at, &ports);
	assert_non_null(text);
	if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		fail_msg("%s: %s", text, pcap_geterr(pcap));
	struct pcap_pkthdr header = { .caplen = frame->length, .len = frame->length };
	bool passes = pcap_offline_filter(&program, &header, frame->bytes) != 0;
	pcap_freecode(&program);
	pcap_close(pcap);
	free(text);
	return passes;
}

static bool admitted(const struct home *at, const struct wire_frame *bytes)
{
	struct frame frame = { .bytes = bytes->bytes,
			       .captured = bytes->length,
			       .on_wire = bytes->length,
			       .link = LINK_RAW };
	struct packet packet;
	decode(&frame, &packet);
	assert_int_equal(packet.end, DECODE_COMPLETE);
	return admit(at, &ports, &packet);
}

static void check(struct wire_frame frame, bool ours)
{
	struct home at = home();
	assert_int_equal(admitted(&at, &frame), ours);
	assert_int_equal(filter_passes(&at, &frame), ours);
}

static void our_packets_are_admitted(void **state)
{
	(void)state;
	check(tcp("10.20.0.10", 61000, "20.99.0.4", 22), true);
	check(tcp("20.99.0.4", 22, "10.20.0.10", 62043), true);
	check(tcp("2001:db8:20::10", 62004, "2001:db8:99::4", 22), true);
	check(tcp("2001:db8:99::4", 22, "2001:db8:20::10", 62004), true);
}

static void a_connect_led_astray_is_admitted(void **state)
{
	(void)state;
	check(tcp("10.20.0.10", 61000, "10.20.0.20", 3128), true); /* to another machine */
	struct home at = home();
	struct wire_frame frame = tcp("127.0.0.1", 61000, "127.0.0.1", 1080);
	assert_true(filter_passes(&at, &frame));
	assert_false(admitted(&at, &frame)); /* not seen on loopback */
}

/* Somebody connects to a service here, and his ports are ours by accident. */
static void other_hosts_use_the_same_ports(void **state)
{
	(void)state;
	check(tcp("203.0.113.10", 61000, "10.20.0.10", 80), false);
	check(tcp("10.20.0.10", 80, "203.0.113.10", 61000), false);
	check(tcp("10.20.0.20", 62010, "20.99.0.4", 22), false);
	check(tcp("2001:db8:20::20", 62010, "2001:db8:99::4", 22), false);
	check(tcp("20.99.0.4", 22, "10.20.0.20", 62010), false);
}

static void other_ports_of_ours_are_not_asked(void **state)
{
	(void)state;
	check(tcp("10.20.0.10", 60999, "20.99.0.4", 22), false);
	check(tcp("20.99.0.4", 22, "10.20.0.10", 62044), false);
}

static void icmp_counts_by_what_it_quotes(void **state)
{
	(void)state;
	check(icmp("198.51.100.1", "10.20.0.10", "10.20.0.10", 62007, "20.99.0.4"), true);
	/* a router behind a translation that leaves the quote as it is */
	check(icmp("198.51.100.1", "10.20.0.10", "198.51.100.2", 62007, "20.99.0.4"), true);
	check(icmp("198.51.100.1", "10.20.0.10", "10.20.0.10", 50000, "20.99.0.4"), false);
	/* between the two */
	check(icmp("198.51.100.1", "10.20.0.10", "10.20.0.10", 61500, "20.99.0.4"), false);
	check(icmp("198.51.100.1", "10.20.0.20", "10.20.0.20", 62007, "20.99.0.4"), false);
	check(icmp("2001:db8::1", "2001:db8:20::10", "2001:db8:20::10", 62007, "2001:db8:99::4"),
	      true);
	check(icmp("2001:db8::1", "2001:db8:20::10", "2001:db8:20::10", 50000, "2001:db8:99::4"),
	      false);
	check(icmp("2001:db8::1", "2001:db8:20::20", "2001:db8:20::20", 62007, "2001:db8:99::4"),
	      false);
}

static void a_ping_is_not_ours(void **state)
{
	(void)state;
	struct home at = home();
	struct wire_frame frame = { .length = 120 };
	size_t ip = ip_header(frame.bytes, IP_ICMP, "203.0.113.10", "10.20.0.10");
	frame.bytes[ip] = 8;
	assert_false(filter_passes(&at, &frame));
	assert_false(admitted(&at, &frame));
}

/* What follows the fragment header is not looked into, but whose it is. */
static void fragments_pass_by_their_addresses(void **state)
{
	(void)state;
	struct home at = home();
	struct wire_frame frame = { .length = 120 };
	ip_header(frame.bytes, 44, "2001:db8:20::10", "2001:db8:99::4");
	assert_true(filter_passes(&at, &frame));
	ip_header(frame.bytes, 44, "2001:db8:99::4", "2001:db8:20::10");
	assert_true(filter_passes(&at, &frame));
	ip_header(frame.bytes, 44, "2001:db8:20::20", "2001:db8:99::4");
	assert_false(filter_passes(&at, &frame));
}

/* The kernel takes programs of 4,096 instructions, and the filter is there twice, once for VLANs.
 */
static void a_machine_with_many_addresses_has_a_filter(void **state)
{
	(void)state;
	struct home at = { .count = 0 };
	for (unsigned i = 0; i < 2 * HOME_ADDRESSES; i++) {
		struct address address = address_parse("2001:db8::");
		address.bytes[15] = (uint8_t)i;
		home_add(&at, &address);
	}
	assert_int_equal(at.count, HOME_ADDRESSES);
	char *text = admission_filter(&at, &ports), *tagged = admission_filter_tagged(&ports);
	char both[16384];
	snprintf(both, sizeof(both), "(%s) or (vlan and (%s))", text, tagged);
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	struct bpf_program program;
	assert_int_equal(pcap_compile(pcap, &program, both, 1, PCAP_NETMASK_UNKNOWN), 0);
	assert_in_range(program.bf_len, 1, 4096);
	pcap_freecode(&program);
	pcap_close(pcap);
	free(text);
	free(tagged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_packets_are_admitted),
		cmocka_unit_test(a_connect_led_astray_is_admitted),
		cmocka_unit_test(other_hosts_use_the_same_ports),
		cmocka_unit_test(other_ports_of_ours_are_not_asked),
		cmocka_unit_test(icmp_counts_by_what_it_quotes),
		cmocka_unit_test(a_ping_is_not_ours),
		cmocka_unit_test(fragments_pass_by_their_addresses),
		cmocka_unit_test(a_machine_with_many_addresses_has_a_filter),
	};
	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
