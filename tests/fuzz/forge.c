#include "forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "expect.h"

void forge_free(struct forge *forge)
{
	free(forge->bytes);
	*forge = (struct forge){ 0 };
}

static void reserve(struct forge *forge, size_t length)
{
	if (forge->length + length <= forge->room)
		return;
	forge->room = 2 * (forge->length + length);
	forge->bytes = realloc(forge->bytes, forge->room);
	expect(forge->bytes != NULL);
}

void forge_bytes(struct forge *forge, const void *bytes, size_t length)
{
	reserve(forge, length);
	if (length > 0)
		memcpy(forge->bytes + forge->length, bytes, length);
	forge->length += length;
}

void forge_number(struct forge *forge, uint64_t value, unsigned size)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < size; i++)
		bytes[forge->big ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
	forge_bytes(forge, bytes, size);
}

void forge_pcap(struct forge *forge, uint32_t magic, uint16_t minor, uint32_t link)
{
	forge_number(forge, magic, 4);
	forge_number(forge, 2, 2);
	forge_number(forge, minor, 2);
	forge_number(forge, 0, 8);
	forge_number(forge, 262144, 4);
	forge_number(forge, link, 4);
}

void forge_record(struct forge *forge, int64_t time_us, struct cursor frame, uint32_t on_wire)
{
	forge_number(forge, (uint64_t)(time_us / 1000000), 4);
	forge_number(forge, (uint64_t)(time_us % 1000000), 4);
	forge_number(forge, frame.left, 4);
	forge_number(forge, on_wire, 4);
	forge_bytes(forge, frame.at, frame.left);
}

void forge_begin(struct forge *forge, uint32_t type)
{
	forge->block = forge->length;
	forge_number(forge, type, 4);
	forge_number(forge, 0, 4);
}

void forge_end(struct forge *forge, uint32_t lie)
{
	uint32_t total = (uint32_t)(forge->length - forge->block + 4) + lie;
	forge_number(forge, total, 4);
	size_t length = forge->length;
	forge->length = forge->block + 4;
	forge_number(forge, total, 4);
	forge->length = length;
}

void forge_padded(struct forge *forge, struct cursor bytes)
{
	forge_bytes(forge, bytes.at, bytes.left);
	forge_bytes(forge, "\0\0\0", (4 - bytes.left % 4) % 4);
}

void forge_option(struct forge *forge, uint16_t code, struct cursor value)
{
	forge_number(forge, code, 2);
	forge_number(forge, value.left, 2);
	forge_padded(forge, value);
}

void forge_section(struct forge *forge)
{
	forge_begin(forge, 0x0a0d0d0a);
	forge_number(forge, 0x1a2b3c4d, 4);
	forge_number(forge, 1, 2);
	forge_number(forge, 0, 2);
	forge_number(forge, UINT64_MAX, 8);
}

void forge_gzip(struct forge *forge, const uint8_t *bytes, size_t length)
{
	z_stream zlib = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length };
	expect(deflateInit2(&zlib, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	reserve(forge, deflateBound(&zlib, length));
	zlib.next_out = forge->bytes + forge->length;
	zlib.avail_out = (uInt)(forge->room - forge->length);
	expect(deflate(&zlib, Z_FINISH) == Z_STREAM_END);
	forge->length += zlib.total_out;
	deflateEnd(&zlib);
}

const char *forge_file(const uint8_t *bytes, size_t length)
{
	static char path[40];
	static int fd = -1;
	if (fd < 0) {
		fd = memfd_create("capture", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	expect(ftruncate(fd, 0) == 0);
	expect(pwrite(fd, bytes, length, 0) == (ssize_t)length);
	return path;
}
