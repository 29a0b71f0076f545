#include "drive/source.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned zone_of(const char *text)
{
	const char *zone = strchr(text, '%');
	if (zone == NULL)
		return 0;
	unsigned index = if_nametoindex(zone + 1);
	return index != 0 ? index : (unsigned)strtoul(zone + 1, NULL, 10);
}

/* The kernel knows addresses that no interface shows (ip_nonlocal_bind, local routes): the proof is
 * in the binding. */
static bool can_bind(const struct address *address, unsigned zone)
{
	struct sockaddr_storage local;
	socklen_t length = address_to_sockaddr(address, 0, zone, &local);
	int fd = socket(address->family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&local, length) == 0;
	if (fd >= 0)
		close(fd);
	return bound;
}

static bool is_any(const struct address *address)
{
	static const uint8_t none[16] = { 0 };
	return memcmp(address->bytes, none, sizeof(none)) == 0;
}

static bool is_link_local(const struct address *address)
{
	return address->family == 6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

/* check_ifaddrs() of OpenSSH's sshconnect.c: the first address that others can answer to, else the
 * first one. */
static bool address_at(const char *interface, uint8_t family, struct address *source)
{
	struct ifaddrs *all;
	bool found = false, good = false;
	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *one = all; one != NULL && !good; one = one->ifa_next) {
		struct address its = { 0 };
		if (one->ifa_addr != NULL && strcmp(one->ifa_name, interface) == 0)
			its = address_from_sockaddr(one->ifa_addr, NULL);
		if (its.family != family)
			continue;
		good = !is_link_local(&its) && !address_is_loopback(&its);
		if (good || !found)
			*source = its;
		found = true;
	}
	freeifaddrs(all);
	return found;
}

enum source_state source_find(const struct settings *settings, uint8_t family,
			      struct address *source)
{
	const char *bound_to = settings->bind_address;
	if (bound_to[0] == '\0' && settings->bind_interface[0] == '\0')
		return SOURCE_FREE;
	if (bound_to[0] == '\0')
		return address_at(settings->bind_interface, family, source) ? SOURCE_BOUND
									    : SOURCE_GONE;
	*source = address_of_literal(bound_to);
	if (source->family == 0 || (source->family == family && is_any(source)))
		return SOURCE_FREE;
	bool here = source->family == family && can_bind(source, zone_of(bound_to));
	return here ? SOURCE_BOUND : SOURCE_GONE;
}
