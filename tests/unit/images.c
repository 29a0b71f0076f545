#include "images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

/* -- captures, built byte by byte ------------------------------------------------ */

void put(struct image *image, const void *bytes, size_t length)
{
	if (image->length + length > image->room) {
		image->room = 2 * (image->length + length);
		image->bytes = realloc(image->bytes, image->room);
		assert_non_null(image->bytes);
	}
	if (length > 0)
		memcpy(image->bytes + image->length, bytes, length);
	image->length += length;
}

void put_number(struct image *image, uint64_t value, unsigned size)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < size; i++)
		bytes[image->big ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
	put(image, bytes, size);
}

void put16(struct image *image, uint16_t value)
{
	put_number(image, value, 2);
}

void put32(struct image *image, uint32_t value)
{
	put_number(image, value, 4);
}

void put_zeros(struct image *image, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(image, "", 1);
}

void record_ends(struct image *image)
{
	assert_true(image->end_count < sizeof(image->ends) / sizeof(image->ends[0]));
	image->ends[image->end_count++] = image->length;
}

void image_free(struct image *image)
{
	free(image->bytes);
	*image = (struct image){ 0 };
}

void pcap_header(struct image *image, uint32_t magic, uint32_t link)
{
	put32(image, magic);
	put16(image, 2);
	put16(image, 4);
	put32(image, 0);
	put32(image, 0);
	put32(image, 262144);
	put32(image, link);
	record_ends(image);
}

void pcap_record(struct image *image, uint32_t seconds, uint32_t ticks, const char *data,
		 uint32_t on_wire)
{
	put32(image, seconds);
	put32(image, ticks);
	put32(image, (uint32_t)strlen(data));
	put32(image, on_wire);
	put(image, data, strlen(data));
	record_ends(image);
}

void begin_block(struct image *image, uint32_t type)
{
	image->block = image->length;
	put32(image, type);
	put32(image, 0);
}

void set32(struct image *image, size_t at, uint32_t value)
{
	size_t length = image->length;
	image->length = at;
	put32(image, value);
	image->length = length;
}

void end_block(struct image *image)
{
	uint32_t total = (uint32_t)(image->length - image->block + 4);
	put32(image, total);
	set32(image, image->block + 4, total);
	record_ends(image);
}

static void put_padded(struct image *image, const void *bytes, size_t length)
{
	put(image, bytes, length);
	put_zeros(image, (4 - length % 4) % 4);
}

void put_option(struct image *image, uint16_t code, const void *value, size_t length)
{
	put16(image, code);
	put16(image, (uint16_t)length);
	put_padded(image, value, length);
}

void begin_section(struct image *image)
{
	begin_block(image, 0x0a0d0d0a);
	put32(image, 0x1a2b3c4d);
	put16(image, 1);
	put16(image, 0);
	put_number(image, UINT64_MAX, 8);
}

void begin_interface(struct image *image, uint16_t link, uint32_t snaplen)
{
	begin_block(image, 1);
	put16(image, link);
	put16(image, 0);
	put32(image, snaplen);
}

void plain_interface(struct image *image, uint16_t link)
{
	begin_interface(image, link, 0);
	end_block(image);
}

void begin_enhanced(struct image *image, uint32_t interface, uint64_t stamp, const char *data,
		    uint32_t on_wire)
{
	begin_block(image, 6);
	put32(image, interface);
	put32(image, (uint32_t)(stamp >> 32));
	put32(image, (uint32_t)stamp);
	put32(image, (uint32_t)strlen(data));
	put32(image, on_wire);
	put_padded(image, data, strlen(data));
}

void plain_enhanced(struct image *image, uint32_t interface, uint64_t stamp, const char *data)
{
	begin_enhanced(image, interface, stamp, data, (uint32_t)strlen(data));
	end_block(image);
}

struct image gzipped(const uint8_t *bytes, size_t length)
{
	struct image out = { 0 };
	out.room = length + length / 100 + 1000;
	out.bytes = malloc(out.room);
	z_stream zlib = { .next_in = (Bytef *)(uintptr_t)bytes,
			  .avail_in = (uInt)length,
			  .next_out = out.bytes,
			  .avail_out = (uInt)out.room };
	assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
	out.length = zlib.total_out;
	deflateEnd(&zlib);
	return out;
}

/* -- reading them ------------------------------------------------------------------ */

int memory_file(char path[40])
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

void fill_file(int fd, const uint8_t *bytes, size_t length)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, length, 0), (ssize_t)length);
}

static struct savefile *open_bytes(const uint8_t *bytes, size_t length, struct error *error)
{
	char path[40];
	int fd = memory_file(path);
	fill_file(fd, bytes, length);
	struct savefile *savefile = savefile_open(path, error);
	close(fd);
	return savefile;
}

struct savefile *open_image(const struct image *image)
{
	struct error error = { 0 };
	struct savefile *savefile = open_bytes(image->bytes, image->length, &error);
	if (savefile == NULL)
		print_error("%s\n", error.text);
	assert_non_null(savefile);
	return savefile;
}

static unsigned touched; /* so that reading the bytes is not optimised away */

enum savefile_status read_all(struct savefile *savefile, unsigned *frames)
{
	struct frame frame;
	enum savefile_status status;
	*frames = 0;
	while ((status = savefile_next(savefile, &frame)) == SAVEFILE_FRAME) {
		++*frames;
		assert_int_equal(frame.number, *frames);
		assert_true(frame.captured <= frame.on_wire);
		assert_true(frame.captured <= SAVEFILE_MAX_RECORD);
		for (uint32_t i = 0; i < frame.captured; i++)
			touched += frame.bytes[i];
	}
	assert_int_equal(savefile_next(savefile, &frame), status); /* and it stays so */
	assert_int_equal(savefile_damage(savefile, NULL) != NULL, status == SAVEFILE_DAMAGED);
	return status;
}

void expect_frames(struct savefile *savefile, const struct expected *expected, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct frame frame;
		assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_FRAME);
		assert_int_equal(frame.number, i + 1);
		assert_int_equal(frame.captured, strlen(expected[i].data));
		assert_memory_equal(frame.bytes, expected[i].data, frame.captured);
		assert_int_equal(frame.on_wire, expected[i].on_wire);
		assert_int_equal(frame.link, expected[i].link);
		assert_int_equal(frame.interface, expected[i].interface);
		assert_int_equal(frame.time_ns, expected[i].time_ns);
		assert_int_equal(frame.direction, expected[i].direction);
	}
	unsigned more;
	assert_int_equal(read_all(savefile, &more), SAVEFILE_END);
	assert_int_equal(more, 0);
}

void expect_damage(const struct image *image, unsigned frames, uint64_t offset,
		   const char *part_of_text)
{
	struct savefile *savefile = open_image(image);
	unsigned found;
	uint64_t at = 0;
	assert_int_equal(read_all(savefile, &found), SAVEFILE_DAMAGED);
	assert_int_equal(found, frames);
	const char *text = savefile_damage(savefile, &at);
	if (strstr(text, part_of_text) == NULL)
		print_error("\"%s\" is not in \"%s\"\n", part_of_text, text);
	assert_non_null(strstr(text, part_of_text));
	assert_int_equal(at, offset);
	savefile_close(savefile);
}

void expect_no_capture(const void *bytes, size_t length, const char *part_of_text)
{
	struct error error = { 0 };
	assert_null(open_bytes(bytes, length, &error));
	assert_int_equal(error.code, EXIT_MALFORMED);
	if (strstr(error.text, part_of_text) == NULL)
		print_error("\"%s\" is not in \"%s\"\n", part_of_text, error.text);
	assert_non_null(strstr(error.text, part_of_text));
}

/* -- pcap ---------------------------------------------------------------------------- */

struct image small_pcap(bool big)
{
	struct image image = { .big = big };
	pcap_header(&image, 0xa1b2c3d4, LINK_ETHERNET);
	pcap_record(&image, 1700000000, 123456, "first", 5);
	pcap_record(&image, 1700000001, 0, "", 60);
	pcap_record(&image, UINT32_MAX, 999999, "the third one", 1500);
	return image;
}

const struct expected small_pcap_frames[SMALL_PCAP_FRAMES] = {
	{ "first", 5, LINK_ETHERNET, 0, 1700000000123456000, DIRECTION_UNKNOWN },
	{ "", 60, LINK_ETHERNET, 0, 1700000001000000000, DIRECTION_UNKNOWN },
	{ "the third one", 1500, LINK_ETHERNET, 0, 4294967295999999000, DIRECTION_UNKNOWN },
};

/* -- pcapng -------------------------------------------------------------------------- */

static void first_section(struct image *image)
{
	begin_section(image);
	put_option(image, 4, "an application", 14);
	put_option(image, 1, "the first note", 14);
	put_option(image, 1, "", 0);
	put_option(image, 2988, "custom", 6);
	put_option(image, 1, "note 3", 6);
	put_option(image, 0, NULL, 0);
	end_block(image);

	begin_interface(image, LINK_ETHERNET, 96);
	put_option(image, 2, "eth0", 4);
	put_option(image, 0, NULL, 0);
	end_block(image);

	begin_interface(image, LINK_RAW, 0);
	put_option(image, 9, "\x09", 1);
	put_option(image, 2, "tun0", 4);
	end_block(image); /* without opt_endofopt */
}

static void packets_of_first_section(struct image *image)
{
	begin_enhanced(image, 0, 1700000000123456, "enhanced", 1500);
	put_option(image, 1, "a comment", 9);
	uint32_t flags = image->big ? 0x02000000 : 2;
	put_option(image, 2, &flags, 4);
	put_option(image, 0, NULL, 0);
	end_block(image);

	begin_block(image, 5); /* interface statistics */
	put_zeros(image, 12);
	end_block(image);

	plain_enhanced(image, 1, 1700000000123456789, "nanoseconds");

	begin_block(image, 3); /* simple packet */
	put32(image, 6);
	put_padded(image, "simple", 6);
	end_block(image);

	begin_block(image, 0x7fffffff); /* unknown and empty */
	end_block(image);

	begin_block(image, 0x40000bad); /* custom */
	put_padded(image, "anything at all", 15);
	end_block(image);

	begin_block(image, 2); /* obsolete packet */
	put16(image, 1);
	put16(image, UINT16_MAX);
	put32(image, (uint32_t)(UINT64_C(1700000000000000001) >> 32));
	put32(image, (uint32_t)UINT64_C(1700000000000000001));
	put32(image, 3);
	put32(image, 4);
	put_padded(image, "old", 3);
	uint32_t flags1 = image->big ? 0x01000000 : 1;
	put_option(image, 2, &flags1, 4);
	end_block(image);
}

struct image small_pcapng(bool big)
{
	struct image image = { .big = big };
	first_section(&image);
	packets_of_first_section(&image);

	image.big = !big; /* each section has its own byte order and interfaces */
	begin_section(&image);
	put_option(&image, 1, "fourth", 6);
	end_block(&image);
	begin_interface(&image, LINK_LINUX_SLL2, 0);
	put_option(&image, 2, "any", 3);
	put_option(&image, 9, "\x8a", 1); /* 2^-10 s */
	put_option(&image, 14, image.big ? "\0\0\0\0\0\0\0\x64" : "\x64\0\0\0\0\0\0\0", 8);
	put_option(&image, 0, NULL, 0);
	end_block(&image);
	plain_enhanced(&image, 0, 1024 + 512, "binary fractions");
	return image;
}

const struct expected small_pcapng_frames[SMALL_PCAPNG_FRAMES] = {
	{ "enhanced", 1500, LINK_ETHERNET, 0, 1700000000123456000, DIRECTION_OUT },
	{ "nanoseconds", 11, LINK_RAW, 1, 1700000000123456789, DIRECTION_UNKNOWN },
	{ "simple", 6, LINK_ETHERNET, 0, 0, DIRECTION_UNKNOWN },
	{ "old", 4, LINK_RAW, 1, 1700000000000000001, DIRECTION_IN },
	{ "binary fractions", 16, LINK_LINUX_SLL2, 2, 101500000000, DIRECTION_UNKNOWN },
};

void expect_small_pcapng(struct savefile *savefile)
{
	assert_int_equal(savefile_note_count(savefile), 3); /* before any frame */
	expect_frames(savefile, small_pcapng_frames, SMALL_PCAPNG_FRAMES);
	assert_int_equal(savefile_note_count(savefile), 4);
	assert_string_equal(savefile_note(savefile, 0), "the first note");
	assert_string_equal(savefile_note(savefile, 1), "");
	assert_string_equal(savefile_note(savefile, 2), "note 3");
	assert_string_equal(savefile_note(savefile, 3), "fourth");
	assert_null(savefile_note(savefile, 4));
	assert_string_equal(savefile_interface_name(savefile, 0), "eth0");
	assert_string_equal(savefile_interface_name(savefile, 1), "tun0");
	assert_string_equal(savefile_interface_name(savefile, 2), "any");
	assert_string_equal(savefile_interface_name(savefile, 3), "");
}
