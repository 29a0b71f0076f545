/* frame: one record of a capture, before any decoding; made by the live capture and the readers of
 * savefiles, used by the decoder and by run. */
#ifndef SSHWHY_FRAME_H
#define SSHWHY_FRAME_H

#include <stdint.h>

/* Link types as in the pcap and pcapng formats (LINKTYPE_*, tcpdump.org). */
enum link_type {
	LINK_NULL = 0, /* 4 bytes of host-order address family */
	LINK_ETHERNET = 1,
	LINK_PPP = 9,	   /* with or without HDLC-like framing */
	LINK_RAW_BSD = 12, /* DLT_RAW as some systems wrote it */
	LINK_RAW_OPENBSD = 14,
	LINK_PPP_SERIAL = 50, /* in HDLC-like or Cisco's framing */
	LINK_PPP_ETHER = 51,  /* PPPoE without its Ethernet header */
	LINK_RAW = 101,	      /* IPv4 or IPv6, no link header */
	LINK_HDLC = 104,      /* Cisco's */
	LINK_DOT11 = 105,     /* IEEE 802.11 */
	LINK_LOOP = 108,      /* as NULL, network order */
	LINK_LINUX_SLL = 113,
	LINK_PRISM = 119, /* what monitors put before IEEE 802.11: this, ... */
	LINK_RADIOTAP = 127,
	LINK_AVS = 163,
	LINK_PPP_DIRECTED = 166, /* pppd's: whether in or out stands first */
	LINK_PPI = 192,		 /* ... or before any link */
	LINK_MPLS = 219,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_LINUX_SLL2 = 276,
};

/* As the capturing machine saw it: pcapng epb_flags, SLL packet type. */
enum direction { DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT };

struct frame {
	const uint8_t *bytes; /* borrowed from the reader until its next read */
	uint32_t captured;    /* bytes at `bytes` */
	uint32_t on_wire;     /* bytes the frame had on the wire, >= captured */
	int64_t time_ns;      /* since 1970-01-01T00:00:00Z; within 2^62 of it, so that the
			       * difference of two times cannot overflow */
	uint32_t link;	      /* enum link_type, or a number that we do not know */
	uint32_t interface;   /* 0-based index of the capturing interface in this capture */
	uint64_t number;      /* 1-based, as Wireshark counts */
	enum direction direction;
};

#endif
