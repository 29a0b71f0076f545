/* siphash: SipHash-2-4 (Aumasson and Bernstein, 2012), a hash that nobody without its key
 * can make collide; used by table.c. */
#ifndef TRAFFIC_SIPHASH_H
#define TRAFFIC_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

struct siphash_key siphash_key(const uint8_t bytes[16]);

/* Of `count` words: callers pack what they hash, so that no byte is left over. */
uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, size_t count);

#endif
