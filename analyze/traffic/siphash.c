#include "traffic/siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void round_once(struct state *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	round_once(s);
	round_once(s);
	s->v0 ^= word;
}

struct siphash_key siphash_key(const uint8_t bytes[16])
{
	struct siphash_key key = { 0 };
	for (unsigned i = 0; i < 8; i++) {
		key.k0 |= (uint64_t)bytes[i] << 8 * i;
		key.k1 |= (uint64_t)bytes[8 + i] << 8 * i;
	}
	return key;
}

uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, size_t count)
{
	struct state s = {
		.v0 = key->k0 ^ 0x736f6d6570736575,
		.v1 = key->k1 ^ 0x646f72616e646f6d,
		.v2 = key->k0 ^ 0x6c7967656e657261,
		.v3 = key->k1 ^ 0x7465646279746573,
	};
	for (size_t i = 0; i < count; i++)
		absorb(&s, words[i]);
	absorb(&s, (uint64_t)(count * 8 & 0xff) << 56);
	s.v2 ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		round_once(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
