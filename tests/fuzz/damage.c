/* Small captures of every format, cut at every byte and with bits flipped, all the way to the
 * reports: damage [PARTS PART] (every part together is all of it). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "forge.h"
#include "fuzz.h"
#include "sshwhy/frame.h"

#define HEADS 96 /* of each capture, in which every bit is flipped */

/* A SYN, its SYN-ACK, an identification string, and a reset, from 10.0.0.1 to 10.0.0.2. */
static const char *const frames[] = {
	"\x45\0\0\x28\0\1\x40\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2"
	"\x9c\x40\0\x16\0\0\0\1\0\0\0\0\x50\2\xfa\xf0\0\0\0\0",
	"\x45\0\0\x28\0\1\x40\0\x40\6\0\0\x0a\0\0\2\x0a\0\0\1"
	"\0\x16\x9c\x40\0\0\1\0\0\0\0\2\x50\x12\xfa\xf0\0\0\0\0",
	"\x45\0\0\x33\0\1\x40\0\x40\6\0\0\x0a\0\0\2\x0a\0\0\1"
	"\0\x16\x9c\x40\0\0\1\1\0\0\0\2\x50\x18\xfa\xf0\0\0\0\0SSH-2.0-x\r\n",
	"\x45\0\0\x28\0\1\x40\0\x40\6\0\0\x0a\0\0\2\x0a\0\0\1"
	"\0\x16\x9c\x40\0\0\1\x0c\0\0\0\2\x50\x14\xfa\xf0\0\0\0\0",
};
enum { FRAMES = sizeof(frames) / sizeof(frames[0]) };

static struct cursor frame(size_t index)
{
	return cursor_over(frames[index], index == 2 ? 51 : 40);
}

static void pcap(struct forge *forge, uint32_t magic, size_t more, bool big)
{
	static const uint8_t zeros[16];
	forge->big = big;
	forge_pcap(forge, magic, 4, LINK_RAW);
	for (size_t i = 0; i < FRAMES; i++) {
		struct cursor bytes = frame(i);
		forge_number(forge, 1700000000, 4);
		forge_number(forge, i * 1000, 4);
		forge_number(forge, bytes.left, 4);
		forge_number(forge, bytes.left, 4);
		forge_bytes(forge, zeros, more);
		forge_bytes(forge, bytes.at, bytes.left);
	}
}

static void interface(struct forge *forge)
{
	forge_begin(forge, 1);
	forge_number(forge, LINK_RAW, 2);
	forge_number(forge, 0, 2);
	forge_number(forge, 0, 4);
	forge_option(forge, 2, cursor_over("eth0", 4));
	forge_option(forge, 9, cursor_over("\x09", 1));
	forge_end(forge, 0);
}

static void enhanced(struct forge *forge, size_t index)
{
	struct cursor bytes = frame(index);
	forge_begin(forge, 6);
	forge_number(forge, 0, 4);
	forge_number(forge, 0x17979cfe, 4);
	forge_number(forge, index * 1000000, 4);
	forge_number(forge, bytes.left, 4);
	forge_number(forge, bytes.left, 4);
	forge_padded(forge, bytes);
	forge_end(forge, 0);
}

static void simple(struct forge *forge, size_t index)
{
	forge_begin(forge, 3);
	forge_number(forge, frame(index).left, 4);
	forge_padded(forge, frame(index));
	forge_end(forge, 0);
}

/* Two sections, of either byte order; with notes it is a saved run. */
static void pcapng(struct forge *forge, bool notes)
{
	static const char question[] =
		"{\"sshwhy\":\"run/1\",\"host\":\"vm\",\"address\":\"10.0.0.2\","
		"\"port\":22,\"local\":\"10.0.0.1\"}";
	static const char open[] = "{\"event\":\"open\",\"way\":\"kernel\",\"purpose\":\"ssh\","
				   "\"local_port\":40000,\"remote_port\":22}";
	forge_section(forge);
	if (notes) {
		forge_option(forge, 1, cursor_over(question, strlen(question)));
		forge_option(forge, 1, cursor_over(open, strlen(open)));
	}
	forge_end(forge, 0);
	interface(forge);
	enhanced(forge, 0);
	enhanced(forge, 1);
	forge->big = true;
	forge_section(forge);
	forge_end(forge, 0);
	interface(forge);
	enhanced(forge, 2);
	simple(forge, 3);
}

static void make(unsigned format, struct forge *forge)
{
	struct forge inner = { 0 };
	switch (format) {
	case 0:
		pcap(forge, 0xa1b2c3d4, 0, false);
		break;
	case 1:
		pcap(forge, 0xa1b23c4d, 0, true);
		break;
	case 2:
		pcap(forge, 0xa1b2cd34, 8, false);
		break;
	case 3:
		pcap(forge, 0xa1b2c3d4, 4, false);
		break;
	case 4:
	case 5:
		pcapng(forge, format == 5);
		break;
	default:
		pcapng(&inner, format == 7);
		forge_gzip(forge, inner.bytes, inner.length);
		break;
	}
	forge_free(&inner);
}
enum { FORMATS = 8 };

static void take(const uint8_t *bytes, size_t length)
{
	/* Of the exact size, so that a sanitizer sees a step further; 0: a file as it is. */
	uint8_t *input = malloc(length + 1);
	expect(input != NULL);
	input[0] = 0;
	if (length > 0)
		memcpy(input + 1, bytes, length);
	LLVMFuzzerTestOneInput(input, length + 1);
	free(input);
}

static unsigned damage(unsigned format, unsigned parts, unsigned part)
{
	struct forge forge = { 0 };
	unsigned count = 0;
	make(format, &forge);
	for (size_t i = 0; i <= forge.length; i++)
		if (i % parts == part) {
			take(forge.bytes, i);
			count++;
		}
	for (size_t i = 0; i < 8 * forge.length; i++) {
		if ((i >= (size_t)8 * HEADS && i % 8 != i / 8 % 8) || i / 8 % parts != part)
			continue;
		forge.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		take(forge.bytes, forge.length);
		forge.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		count++;
	}
	forge_free(&forge);
	return count;
}

int main(int argc, char **argv)
{
	unsigned parts = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1, count = 0;
	unsigned part = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	for (unsigned format = 0; format < FORMATS; format++)
		count += damage(format, parts > 0 ? parts : 1, part);
	printf("%u damaged captures analysed\n", count);
	return count > 0 ? 0 : 1;
}
