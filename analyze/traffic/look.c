#include "traffic/look.h"

#include <string.h>

#include "sshwhy/packet.h"
#include "sshwhy/ssh.h"

void look_start(struct look *look, const uint16_t *ports, size_t count)
{
	memset(look, 0, sizeof(*look));
	look->ports[SSH_PORT / 64] |= UINT64_C(1) << SSH_PORT % 64;
	for (size_t i = 0; i < count; i++)
		look->ports[ports[i] / 64] |= UINT64_C(1) << ports[i] % 64;
	memcpy(look->watched, look->ports, sizeof(look->watched));
}

static inline uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Of an IP packet whose transport header begins at `at`, with `left` bytes from there. */
static inline bool look_at_tcp(const struct look *look, const uint8_t *at, size_t left)
{
	if (left < 20)
		return true;
	if (look_watches_port(look, be16(at)) || look_watches_port(look, be16(at + 2)))
		return true;
	/* A SYN may be the start of a conversation on a port that nobody named. */
	if (at[13] & TCP_SYN)
		return true;
	size_t header = (size_t)(at[12] >> 4) * 4;
	return left >= header + 4 && memcmp(at + header, "SSH-", 4) == 0;
}

/* Only errors quote packets: RFC 792, types 3 and 11; RFC 4443, types below 128. */
static inline bool look_at_icmp(const uint8_t *at, size_t left, bool v6)
{
	if (left < 1)
		return false;
	return v6 ? at[0] < 128 : at[0] == 3 || at[0] == 11;
}

static inline bool look_at_udp(const uint8_t *at, size_t left)
{
	return left < 4 || decode_opens_udp(be16(at + 2));
}

static inline bool look_at_ip4(const struct look *look, const uint8_t *at, size_t left)
{
	if (left < 20)
		return true;
	size_t header = (size_t)(at[0] & 0x0f) * 4;
	if (at[0] >> 4 != 4 || header < 20 || header > left || (be16(at + 6) & 0x3fff) != 0)
		return true;
	if (at[9] == IP_TCP)
		return look_at_tcp(look, at + header, left - header);
	if (at[9] == IP_UDP)
		return look_at_udp(at + header, left - header);
	if (at[9] == IP_ICMP)
		return look_at_icmp(at + header, left - header, false);
	return true;
}

static inline bool look_at_ip6(const struct look *look, const uint8_t *at, size_t left)
{
	if (left < 40 || at[0] >> 4 != 6)
		return true;
	if (at[6] == IP_TCP)
		return look_at_tcp(look, at + 40, left - 40);
	if (at[6] == IP_UDP)
		return look_at_udp(at + 40, left - 40);
	if (at[6] == IP_ICMP6)
		return look_at_icmp(at + 40, left - 40, true);
	return true;
}

static inline bool look_at_network(const struct look *look, uint16_t type, const uint8_t *at,
				   size_t left)
{
	if (type == 0x0800)
		return look_at_ip4(look, at, left);
	return type == 0x86dd ? look_at_ip6(look, at, left) : true;
}

static inline bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

static inline bool look_at_ethernet(const struct look *look, const uint8_t *at, size_t left)
{
	size_t header = 14;
	while (left >= header + 4 && is_tag(be16(at + header - 2)))
		header += 4;
	return left < header ||
	       look_at_network(look, be16(at + header - 2), at + header, left - header);
}

bool look_at(const struct look *look, const struct frame *frame)
{
	const uint8_t *at = frame->bytes;
	size_t left = frame->captured;
	switch (frame->link) {
	case LINK_ETHERNET:
		return look_at_ethernet(look, at, left);
	case LINK_LINUX_SLL:
		return left < 16 || look_at_network(look, be16(at + 14), at + 16, left - 16);
	case LINK_LINUX_SLL2:
		return left < 20 || look_at_network(look, be16(at), at + 20, left - 20);
	case LINK_RAW:
		return left < 1 ||
		       look_at_network(look, at[0] >> 4 == 4 ? 0x0800 : 0x86dd, at, left);
	default:
		return true;
	}
}
