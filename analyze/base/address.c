/* Addresses as plain values: texts, socket forms, and what range they are in. */
#include "sshwhy/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

struct address address_v4(const uint8_t bytes[4])
{
	struct address address = { .family = 4 };
	memcpy(address.bytes, bytes, 4);
	return address;
}

struct address address_v6(const uint8_t bytes[16])
{
	struct address address = { .family = 6 };
	memcpy(address.bytes, bytes, 16);
	return address;
}

struct address address_parse(const char *text)
{
	uint8_t bytes[16];
	if (inet_pton(AF_INET, text, bytes) == 1)
		return address_v4(bytes);
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return address_v6(bytes);
	return (struct address){ 0 };
}

/* An IPv4 peer of a dual-stack socket is that IPv4 peer, not an IPv6 one. */
static struct address unmapped(const struct address *address)
{
	struct in6_addr in6;
	if (address->family != 6)
		return *address;
	memcpy(&in6, address->bytes, sizeof(in6));
	return IN6_IS_ADDR_V4MAPPED(&in6) ? address_v4(address->bytes + 12) : *address;
}

struct address address_of_literal(const char *text)
{
	char plain[ADDRESS_TEXT];
	size_t length = strcspn(text, "%");
	if (length >= sizeof(plain))
		return (struct address){ 0 };
	memcpy(plain, text, length);
	plain[length] = '\0';
	struct address address = address_parse(plain);
	if (address.family != 6 && text[length] != '\0')
		return (struct address){ 0 };
	return unmapped(&address);
}

const char *address_text(const struct address *address, char text[ADDRESS_TEXT])
{
	int family = address->family == 4 ? AF_INET : address->family == 6 ? AF_INET6 : AF_UNSPEC;
	if (family == AF_UNSPEC || inet_ntop(family, address->bytes, text, ADDRESS_TEXT) == NULL)
		memcpy(text, "-", 2);
	return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static unsigned address_bits(const struct address *address)
{
	return address->family == 4 ? 32 : address->family == 6 ? 128 : 0;
}

bool address_same_prefix(const struct address *a, const struct address *b, unsigned bits)
{
	if (a->family != b->family || address_bits(a) == 0)
		return false;
	if (bits > address_bits(a))
		bits = address_bits(a);
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

struct range {
	struct address prefix;
	unsigned bits;
};

static bool in_ranges(const struct address *address, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (address_same_prefix(address, &ranges[i].prefix, ranges[i].bits))
			return true;
	}
	return false;
}

bool address_is_private(const struct address *address)
{
	static const struct range ranges[] = {
		{ { 4, { 10 } }, 8 },	     { { 4, { 172, 16 } }, 12 },
		{ { 4, { 192, 168 } }, 16 }, { { 4, { 100, 64 } }, 10 },
		{ { 4, { 169, 254 } }, 16 }, { { 6, { 0xfe, 0x80 } }, 10 },
		{ { 6, { 0xfc } }, 7 },
	};
	return in_ranges(address, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

bool address_is_loopback(const struct address *address)
{
	static const struct range ranges[] = {
		{ { 4, { 127 } }, 8 },
		{ { 6, { [15] = 1 } }, 128 },
	};
	return in_ranges(address, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

socklen_t address_to_sockaddr(const struct address *address, uint16_t port, unsigned scope,
			      struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (address->family == 4) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
		memcpy(&in.sin_addr, address->bytes, sizeof(in.sin_addr));
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (address->family == 6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
					    .sin6_port = htons(port),
					    .sin6_scope_id = scope };
		memcpy(&in6.sin6_addr, address->bytes, sizeof(in6.sin6_addr));
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

struct address address_from_sockaddr(const struct sockaddr *in, uint16_t *port)
{
	struct address address = { 0 };
	uint16_t found = 0;
	if (in->sa_family == AF_INET) {
		struct sockaddr_in in4;
		memcpy(&in4, in, sizeof(in4));
		address = address_v4((const uint8_t *)&in4.sin_addr);
		found = ntohs(in4.sin_port);
	} else if (in->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, in, sizeof(in6));
		address = address_v6(in6.sin6_addr.s6_addr);
		address = unmapped(&address);
		found = ntohs(in6.sin6_port);
	}
	if (port != NULL)
		*port = found;
	return address;
}
