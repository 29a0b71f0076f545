#include "drive/admission.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "sshwhy/memory.h"

/* -- this machine's addresses ------------------------------------------------------- */

bool home_holds(const struct home *home, const struct address *address)
{
	for (size_t i = 0; i < home->count; i++)
		if (address_equal(&home->address[i], address))
			return true;
	return false;
}

void home_add(struct home *home, const struct address *address)
{
	if (address->family != 0 && home->count < HOME_ADDRESSES && !home_holds(home, address))
		home->address[home->count++] = *address;
}

void home_add_interface(struct home *home, const char *interface)
{
	struct ifaddrs *all;
	if (getifaddrs(&all) != 0)
		return; /* those of the routes are there */
	for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
		uint16_t port;
		if (one->ifa_addr == NULL || strcmp(one->ifa_name, interface) != 0)
			continue;
		struct address address = address_from_sockaddr(one->ifa_addr, &port);
		if (!address_is_loopback(&address))
			home_add(home, &address);
	}
	freeifaddrs(all);
}

/* -- packets ------------------------------------------------------------------------- */

static bool ports_hold(const struct ports *ports, uint16_t port)
{
	return (port >= ports->kernel && port < ports->kernel + ports->kernel_count) ||
	       (port >= ports->crafted && port < ports->crafted + ports->crafted_count);
}

/* Only this machine puts something on its loopback, and there it may use 127.0.0.1 where a
 * program leads connect() astray. */
static bool is_at_home(const struct home *home, const struct packet *packet,
		       const struct address *address)
{
	return home_holds(home, address) || (packet->loopback && address_is_loopback(address));
}

static bool quotes_ours(const struct ports *ports, const struct quote *quote)
{
	return quote->present && quote->has_ports && quote->protocol == IP_TCP &&
	       ports_hold(ports, quote->source_port);
}

bool admit(const struct home *home, const struct ports *ports, const struct packet *packet)
{
	bool to = is_at_home(home, packet, &packet->destination);
	if (packet->protocol != IP_TCP)
		return to && quotes_ours(ports, &packet->quote);
	bool from = is_at_home(home, packet, &packet->source);
	return (from && ports_hold(ports, packet->source_port)) ||
	       (to && ports_hold(ports, packet->destination_port));
}

/* -- the same for the kernel ----------------------------------------------------------- */

static void put_hosts(FILE *out, const struct home *home, const char *side)
{
	char text[ADDRESS_TEXT];
	fprintf(out, "(%s net 127.0.0.0/8 or %s host ::1", side, side);
	for (size_t i = 0; i < home->count; i++)
		fprintf(out, " or %s host %s", side, address_text(&home->address[i], text));
	fputs(")", out);
}

static void put_tcp(FILE *out, const struct ports *ports, const char *side)
{
	fprintf(out, "(tcp %s portrange %u-%u or tcp %s portrange %u-%u)", side, ports->kernel,
		ports->kernel + ports->kernel_count - 1, side, ports->crafted,
		ports->crafted + ports->crafted_count - 1);
}

static void put_quoted_port(FILE *out, const char *field, const struct ports *ports)
{
	fprintf(out, "((%s >= %u and %s <= %u) or (%s >= %u and %s <= %u))", field, ports->kernel,
		field, ports->kernel + ports->kernel_count - 1u, field, ports->crafted, field,
		ports->crafted + ports->crafted_count - 1u);
}

/* Errors that quote TCP (RFC 792, RFC 4443): a flood of others must not fill the ring. Behind an
 * IPv6 fragment header the filter language sees neither TCP nor what is quoted. */
static void put_icmp(FILE *out, const struct ports *ports)
{
	fputs("(icmp and icmp[17] = 6 and ", out);
	put_quoted_port(out, "icmp[8 + ((icmp[8] & 15) << 2) : 2]", ports);
	fputs(") or (icmp6 and ip6[40] < 128 and (ip6[54] = 44 or (ip6[54] = 6 and ", out);
	put_quoted_port(out, "ip6[88 : 2]", ports);
	fputs(")))", out);
}

static void put_out(FILE *out, const struct ports *ports)
{
	fputs("(", out);
	put_tcp(out, ports, "src");
	fputs(" or ip6 proto 44)", out);
}

static void put_in(FILE *out, const struct ports *ports)
{
	fputs("(", out);
	put_tcp(out, ports, "dst");
	fputs(" or ", out);
	put_icmp(out, ports);
	fputs(" or ip6 proto 44)", out);
}

/* Each test stands there once: what the compiler makes of it must be short and soon there. */
char *admission_filter(const struct home *home, const struct ports *ports)
{
	char *text = NULL;
	size_t length;
	FILE *out = memory_stream(&text, &length);
	fputs("(", out);
	put_out(out, ports);
	fputs(" and ", out);
	put_hosts(out, home, "src");
	fputs(") or (", out);
	put_in(out, ports);
	fputs(" and ", out);
	put_hosts(out, home, "dst");
	fputs(")", out);
	memory_stream_end(out, &text);
	return text;
}

char *admission_filter_tagged(const struct ports *ports)
{
	char *text = NULL;
	size_t length;
	FILE *out = memory_stream(&text, &length);
	put_out(out, ports);
	memory_stream_end(out, &text);
	return text;
}
