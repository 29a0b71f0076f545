/* Recorded SSH connections (tests/unit/data), and a die that always falls alike. */
#ifndef SSHWHY_TESTS_SSH_SAMPLES_H
#define SSHWHY_TESTS_SSH_SAMPLES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	size_t length;
	uint8_t bytes[8192];
};

/* data/NAME beside this file. */
static inline void sample_load(struct sample *sample, const char *name)
{
	char path[4096] = __FILE__;
	char *slash = strrchr(path, '/');
	size_t used = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	snprintf(path + used, sizeof(path) - used, "data/%s", name);

	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		abort();
	}
	sample->length = fread(sample->bytes, 1, sizeof(sample->bytes), file);
	fclose(file);
}

/* xorshift (Marsaglia 2003): 0 .. below-1. */
static inline uint32_t die(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

#endif
