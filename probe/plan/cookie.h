/* cookie: sequence numbers that only a reply to our own packet can acknowledge; made for
 * the segments of actions.c and heavy.c. */
#ifndef PLAN_COOKIE_H
#define PLAN_COOKIE_H

#include "sshwhy/address.h"

/* 24 secret bits for one 5-tuple (HMAC-SHA-256 of it under the run's key). */
uint32_t cookie(const uint8_t key[16], const struct address *target, uint16_t local_port,
		uint16_t remote_port);

/* The sequence number of one probe: cookie, TTL and try. A reply names it, so that the probe is
 * known although a router quotes no more than 8 bytes of TCP. ttl <= 63, attempt <= 3. */
static inline uint32_t cookie_sequence(uint32_t secret, uint8_t ttl, uint8_t attempt)
{
	return secret << 8 | (uint32_t)(ttl & 63) << 2 | (attempt & 3);
}

#endif
