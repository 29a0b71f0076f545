/* address: an IPv4 or IPv6 address as a plain value, comparable with memcmp; made by the decoder
 * and from texts, used everywhere. */
#ifndef SSHWHY_ADDRESS_H
#define SSHWHY_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* family is 4, 6 or 0 (none); an IPv4 address uses bytes[0..3], the rest is 0. */
struct address {
	uint8_t family;
	uint8_t bytes[16];
};

#define ADDRESS_TEXT 46 /* INET6_ADDRSTRLEN */

struct address address_v4(const uint8_t bytes[4]);
struct address address_v6(const uint8_t bytes[16]);

/* Parses a literal ("10.1.0.4", "2001:db8::1"); family 0 when it is none. */
struct address address_parse(const char *text);

/* The same of what people and resolvers write: "fe80::1%eth0" without its zone, and
 * "::ffff:10.1.0.4" as the IPv4 address to which the kernel then sends (RFC 4291 2.5.5.2). */
struct address address_of_literal(const char *text);

/* Writes the literal form into `text` and returns it; "-" for no address. */
const char *address_text(const struct address *address, char text[ADDRESS_TEXT]);

bool address_equal(const struct address *a, const struct address *b);

/* Whether the first `bits` bits agree (and the families do). */
bool address_same_prefix(const struct address *a, const struct address *b, unsigned bits);

/* Not reachable from the public Internet: RFC 1918, RFC 6598 (carrier NAT),
 * RFC 3927 and fe80::/10 link-local, RFC 4193 fc00::/7. */
bool address_is_private(const struct address *address);
bool address_is_loopback(const struct address *address);

/* To and from the socket form; `port` in host order. Returns the length. */
socklen_t address_to_sockaddr(const struct address *address, uint16_t port, unsigned scope,
			      struct sockaddr_storage *out);
struct address address_from_sockaddr(const struct sockaddr *in, uint16_t *port);

#endif
