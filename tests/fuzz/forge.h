/* forge: captures made from a fuzzer's bytes, sound but for what the bytes ask for, so that
 * mutations reach what lies behind the lengths and magics. */
#ifndef SSHWHY_FUZZ_FORGE_H
#define SSHWHY_FUZZ_FORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/cursor.h"

/* Grows as needed; freed by its user with forge_free. */
struct forge {
	uint8_t *bytes;
	size_t length, room;
	bool big;     /* byte order of the numbers put next */
	size_t block; /* where the block that is being put begins */
};

void forge_free(struct forge *forge);
void forge_bytes(struct forge *forge, const void *bytes, size_t length);
void forge_number(struct forge *forge, uint64_t value, unsigned size);

/* pcap */
void forge_pcap(struct forge *forge, uint32_t magic, uint16_t minor, uint32_t link);
void forge_record(struct forge *forge, int64_t time_us, struct cursor frame, uint32_t on_wire);

/* pcapng: what is put between begin and end is the block's body. */
void forge_begin(struct forge *forge, uint32_t type);
void forge_end(struct forge *forge, uint32_t lie); /* added to both lengths */
void forge_padded(struct forge *forge, struct cursor bytes);
void forge_option(struct forge *forge, uint16_t code, struct cursor value);
void forge_section(struct forge *forge); /* begins one: its options follow */

/* `bytes` gzipped. */
void forge_gzip(struct forge *forge, const uint8_t *bytes, size_t length);

/* The path of a file that holds `bytes`, until the next call. */
const char *forge_file(const uint8_t *bytes, size_t length);

#endif
