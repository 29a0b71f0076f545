/* Captures in every format: read, gunzipped, cut at every byte, damaged, written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "savefile/reader.h"
#include "sshwhy/savefile.h"

/* -- captures, built byte by byte ------------------------------------------------ */

struct image {
	uint8_t *bytes;
	size_t length, room;
	bool big;	 /* byte order of what is put next */
	size_t ends[64]; /* where the header and then each record ends */
	unsigned end_count;
	size_t block; /* where the block that is being put begins */
};

static void put(struct image *image, const void *bytes, size_t length)
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

static void put_number(struct image *image, uint64_t value, unsigned size)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < size; i++)
		bytes[image->big ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
	put(image, bytes, size);
}

static void put16(struct image *image, uint16_t value)
{
	put_number(image, value, 2);
}

static void put32(struct image *image, uint32_t value)
{
	put_number(image, value, 4);
}

static void put_zeros(struct image *image, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(image, "", 1);
}

static void record_ends(struct image *image)
{
	assert_true(image->end_count < sizeof(image->ends) / sizeof(image->ends[0]));
	image->ends[image->end_count++] = image->length;
}

static void image_free(struct image *image)
{
	free(image->bytes);
	*image = (struct image){ 0 };
}

static void pcap_header(struct image *image, uint32_t magic, uint32_t link)
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

static void pcap_record(struct image *image, uint32_t seconds, uint32_t ticks, const char *data,
			uint32_t on_wire)
{
	put32(image, seconds);
	put32(image, ticks);
	put32(image, (uint32_t)strlen(data));
	put32(image, on_wire);
	put(image, data, strlen(data));
	record_ends(image);
}

static void begin_block(struct image *image, uint32_t type)
{
	image->block = image->length;
	put32(image, type);
	put32(image, 0);
}

static void set32(struct image *image, size_t at, uint32_t value)
{
	size_t length = image->length;
	image->length = at;
	put32(image, value);
	image->length = length;
}

static void end_block(struct image *image)
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

static void put_option(struct image *image, uint16_t code, const void *value, size_t length)
{
	put16(image, code);
	put16(image, (uint16_t)length);
	put_padded(image, value, length);
}

static void begin_section(struct image *image)
{
	begin_block(image, 0x0a0d0d0a);
	put32(image, 0x1a2b3c4d);
	put16(image, 1);
	put16(image, 0);
	put_number(image, UINT64_MAX, 8);
}

static void begin_interface(struct image *image, uint16_t link, uint32_t snaplen)
{
	begin_block(image, 1);
	put16(image, link);
	put16(image, 0);
	put32(image, snaplen);
}

static void plain_interface(struct image *image, uint16_t link)
{
	begin_interface(image, link, 0);
	end_block(image);
}

static void begin_enhanced(struct image *image, uint32_t interface, uint64_t stamp,
			   const char *data, uint32_t on_wire)
{
	begin_block(image, 6);
	put32(image, interface);
	put32(image, (uint32_t)(stamp >> 32));
	put32(image, (uint32_t)stamp);
	put32(image, (uint32_t)strlen(data));
	put32(image, on_wire);
	put_padded(image, data, strlen(data));
}

static void plain_enhanced(struct image *image, uint32_t interface, uint64_t stamp,
			   const char *data)
{
	begin_enhanced(image, interface, stamp, data, (uint32_t)strlen(data));
	end_block(image);
}

static struct image gzipped(const uint8_t *bytes, size_t length)
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

/* A file without a name on any disk; it can be opened again by this path. */
static int memory_file(char path[40])
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

static void fill_file(int fd, const uint8_t *bytes, size_t length)
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

static struct savefile *open_image(const struct image *image)
{
	struct error error = { 0 };
	struct savefile *savefile = open_bytes(image->bytes, image->length, &error);
	if (savefile == NULL)
		print_error("%s\n", error.text);
	assert_non_null(savefile);
	return savefile;
}

static unsigned touched; /* so that reading the bytes is not optimised away */

/* Every frame; touches each of their bytes. */
static enum savefile_status read_all(struct savefile *savefile, unsigned *frames)
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

struct expected {
	const char *data;
	uint32_t on_wire, link, interface;
	int64_t time_ns;
	enum direction direction;
};

static void expect_frames(struct savefile *savefile, const struct expected *expected,
			  unsigned count)
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

static void expect_damage(const struct image *image, unsigned frames, uint64_t offset,
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

static void expect_no_capture(const void *bytes, size_t length, const char *part_of_text)
{
	struct error error = { 0 };
	assert_null(open_bytes(bytes, length, &error));
	assert_int_equal(error.code, EXIT_MALFORMED);
	if (strstr(error.text, part_of_text) == NULL)
		print_error("\"%s\" is not in \"%s\"\n", part_of_text, error.text);
	assert_non_null(strstr(error.text, part_of_text));
}

/* -- pcap ---------------------------------------------------------------------------- */

static struct image small_pcap(bool big)
{
	struct image image = { .big = big };
	pcap_header(&image, 0xa1b2c3d4, LINK_ETHERNET);
	pcap_record(&image, 1700000000, 123456, "first", 5);
	pcap_record(&image, 1700000001, 0, "", 60);
	pcap_record(&image, UINT32_MAX, 999999, "the third one", 1500);
	return image;
}

static const struct expected small_pcap_frames[] = {
	{ "first", 5, LINK_ETHERNET, 0, 1700000000123456000, DIRECTION_UNKNOWN },
	{ "", 60, LINK_ETHERNET, 0, 1700000001000000000, DIRECTION_UNKNOWN },
	{ "the third one", 1500, LINK_ETHERNET, 0, 4294967295999999000, DIRECTION_UNKNOWN },
};

static void pcap_in_both_byte_orders(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = small_pcap(big);
		struct savefile *savefile = open_image(&image);
		assert_int_equal(savefile_note_count(savefile), 0);
		assert_null(savefile_note(savefile, 0));
		assert_string_equal(savefile_interface_name(savefile, 0), "");
		assert_string_equal(savefile_interface_name(savefile, 1), "");
		expect_frames(savefile, small_pcap_frames, 3);
		savefile_close(savefile);
		image_free(&image);
	}
}

static void pcap_with_nanoseconds(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = { .big = big };
		/* the upper bits: four bytes of frame check sequence */
		pcap_header(&image, 0xa1b23c4d, 0x24000000 | LINK_LINUX_SLL2);
		pcap_record(&image, 1700000000, 123456789, "a", 1);
		struct savefile *savefile = open_image(&image);
		expect_frames(savefile,
			      (const struct expected[]){
				      { "a", 1, LINK_LINUX_SLL2, 0, 1700000000123456789, 0 } },
			      1);
		savefile_close(savefile);
		image_free(&image);
	}
}

static void modified_record(struct image *image, const char *data, uint8_t type)
{
	put32(image, 1);
	put32(image, 2);
	put32(image, (uint32_t)strlen(data));
	put32(image, (uint32_t)strlen(data));
	put32(image, 3); /* interface index */
	put16(image, 0x0800);
	put(image, &type, 1);
	put_zeros(image, 1);
	put(image, data, strlen(data));
	record_ends(image);
}

static void modified_pcap(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = { .big = big };
		pcap_header(&image, 0xa1b2cd34, LINK_RAW);
		modified_record(&image, "a", 0);
		modified_record(&image, "bc", 4);
		modified_record(&image, "", 3);
		struct savefile *savefile = open_image(&image);
		const struct expected expected[] = {
			{ "a", 1, LINK_RAW, 0, 1000002000, DIRECTION_IN },
			{ "bc", 2, LINK_RAW, 0, 1000002000, DIRECTION_OUT },
			{ "", 0, LINK_RAW, 0, 1000002000, DIRECTION_UNKNOWN },
		};
		expect_frames(savefile, expected, 3);
		savefile_close(savefile);
		image_free(&image);
	}
}

/* Record headers that are longer than the magic promises, which only the next record tells. */
static void records_with_longer_headers(void **state)
{
	(void)state;
	static const struct {
		uint32_t magic;
		size_t more;
	} rows[] = {
		{ 0xa1b2c3d4, 4 }, { 0xa1b2c3d4, 8 },  { 0xa1b2c3d4, 12 },
		{ 0xa1b23c4d, 4 }, { 0xa1b2cd34, 12 },
	};
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct image image = { .big = i % 2 };
		pcap_header(&image, rows[i / 2].magic, LINK_RAW);
		for (unsigned n = 0; n < 5; n++) {
			put32(&image, 1700000000);
			put32(&image, 123000);
			put32(&image, 7);
			put32(&image, 60);
			put_zeros(&image, rows[i / 2].more);
			put(&image, "payload", 7);
			record_ends(&image);
		}
		struct savefile *savefile = open_image(&image);
		struct frame frame;
		for (unsigned n = 0; n < 5; n++) {
			assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_FRAME);
			assert_memory_equal(frame.bytes, "payload", 7);
			assert_int_equal(frame.on_wire, 60);
		}
		assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_END);
		savefile_close(savefile);

		/* One record alone cannot tell: what the magic promises holds. */
		struct image one = { .bytes = image.bytes, .length = image.ends[1] };
		unsigned frames;
		savefile = open_image(&one);
		assert_int_equal(read_all(savefile, &frames), SAVEFILE_DAMAGED);
		savefile_close(savefile);
		image_free(&image);
	}
}

/* Damage in an early record of a plain file is damage, not another format. */
static void damage_is_no_variant(void **state)
{
	(void)state;
	struct image image = { 0 };
	pcap_header(&image, 0xa1b2c3d4, LINK_ETHERNET);
	for (unsigned n = 0; n < 5; n++)
		pcap_record(&image, 1700000000, n, n == 1 ? "" : "\2\1\1\1\1\1 frame", 60);
	for (unsigned n = 1; n < 4; n++) {
		image.bytes[image.ends[n] + 11] ^= 0x40; /* captured */
		expect_damage(&image, n, image.ends[n], "too long");
		image.bytes[image.ends[n] + 11] ^= 0x40;
	}
	image_free(&image);
}

/* Files of before version 2.4. */
static void old_pcap(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = { .big = big };
		pcap_header(&image, 0xa1b2c3d4, LINK_RAW);
		image.bytes[big ? 7 : 6] = 3; /* minor version */
		put32(&image, 1);
		put32(&image, 2);
		put32(&image, 60); /* on the wire first */
		put32(&image, 1);
		put(&image, "a", 1);
		pcap_record(&image, 1, 2, "bc", 60);
		struct savefile *savefile = open_image(&image);
		const struct expected expected[] = {
			{ "a", 60, LINK_RAW, 0, 1000002000, 0 },
			{ "bc", 60, LINK_RAW, 0, 1000002000, 0 },
		};
		expect_frames(savefile, expected, 2);
		savefile_close(savefile);
		image_free(&image);
	}
}

static void pcap_of_aix(void **state)
{
	(void)state;
	static const uint32_t links[][2] = { { 6, LINK_ETHERNET }, { 24, LINK_NULL } };
	for (size_t i = 0; i < 2; i++) {
		struct image image = { .big = true };
		pcap_header(&image, 0xa1b2c3d4, links[i][0]);
		image.bytes[7] = 2;
		pcap_record(&image, 1, 123456789, "a", 1);
		struct savefile *savefile = open_image(&image);
		const struct expected expected = { "a", 1, links[i][1], 0, 1123456789, 0 };
		expect_frames(savefile, &expected, 1);
		savefile_close(savefile);
		image_free(&image);
	}
}

static void pcap_lengths_that_lie(void **state)
{
	(void)state;
	static const struct {
		uint32_t captured, on_wire;
		const char *text; /* NULL: sound */
	} rows[] = {
		{ SAVEFILE_MAX_RECORD - 1, SAVEFILE_MAX_RECORD, NULL },
		{ SAVEFILE_MAX_RECORD, SAVEFILE_MAX_RECORD, NULL },
		{ SAVEFILE_MAX_RECORD + 1, SAVEFILE_MAX_RECORD + 1, "too long" },
		{ UINT32_MAX, UINT32_MAX, "too long" },
		{ 60, 61, NULL },
		{ 60, 60, NULL },
		{ 60, 59, "60 captured of 59" },
		{ 1, 0, "1 captured of 0" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image image = small_pcap(i % 2);
		size_t offset = image.length;
		put32(&image, 1);
		put32(&image, 2);
		put32(&image, rows[i].captured);
		put32(&image, rows[i].on_wire);
		put_zeros(&image,
			  rows[i].captured < 2 * SAVEFILE_MAX_RECORD ? rows[i].captured : 5);
		if (rows[i].text != NULL) {
			expect_damage(&image, 3, offset, rows[i].text);
		} else {
			struct savefile *savefile = open_image(&image);
			unsigned frames;
			assert_int_equal(read_all(savefile, &frames), SAVEFILE_END);
			assert_int_equal(frames, 4);
			savefile_close(savefile);
		}
		image_free(&image);
	}
}

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

static struct image small_pcapng(bool big)
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

static const struct expected small_pcapng_frames[] = {
	{ "enhanced", 1500, LINK_ETHERNET, 0, 1700000000123456000, DIRECTION_OUT },
	{ "nanoseconds", 11, LINK_RAW, 1, 1700000000123456789, DIRECTION_UNKNOWN },
	{ "simple", 6, LINK_ETHERNET, 0, 0, DIRECTION_UNKNOWN },
	{ "old", 4, LINK_RAW, 1, 1700000000000000001, DIRECTION_IN },
	{ "binary fractions", 16, LINK_LINUX_SLL2, 2, 101500000000, DIRECTION_UNKNOWN },
};
enum { SMALL_PCAPNG_FRAMES = sizeof(small_pcapng_frames) / sizeof(small_pcapng_frames[0]) };

static void expect_small_pcapng(struct savefile *savefile)
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

static void pcapng_of_two_sections(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = small_pcapng(big);
		struct savefile *savefile = open_image(&image);
		expect_small_pcapng(savefile);
		savefile_close(savefile);
		image_free(&image);
	}
}

static void simple_packets_follow_the_snaplen(void **state)
{
	(void)state;
	struct image image = { 0 };
	begin_section(&image);
	end_block(&image);
	begin_interface(&image, LINK_RAW, 4);
	end_block(&image);
	begin_block(&image, 3);
	put32(&image, 1500);
	put(&image, "1234", 4);
	end_block(&image);
	struct savefile *savefile = open_image(&image);
	expect_frames(savefile, (const struct expected[]){ { "1234", 1500, LINK_RAW, 0, 0, 0 } },
		      1);
	savefile_close(savefile);
	image_free(&image);
}

static void ticks(void **state)
{
	(void)state;
	static const int64_t most = (INT64_C(1) << 62) - 1;
	const struct {
		uint8_t resolution;
		int64_t offset;
		uint64_t stamp;
		int64_t ns;
	} rows[] = {
		{ 6, 0, 0, 0 },
		{ 6, 0, 1700000000123456, 1700000000123456000 },
		{ 9, 0, 1700000000123456789, 1700000000123456789 },
		{ 0, 0, 1700000000, 1700000000000000000 },
		{ 3, 0, 1700000000123, 1700000000123000000 },
		{ 12, 0, 1700000000123456999, 1700000000123456 },
		{ 10, 0, 17, 1 },
		{ 19, 0, UINT64_MAX, 1844674407 },
		{ 28, 0, UINT64_MAX, 1 },
		{ 29, 0, UINT64_MAX, 0 },
		{ 127, 0, UINT64_MAX, 0 },
		{ 0x80, 0, 1700000000, 1700000000000000000 },
		{ 0x80 | 1, 0, 3, 1500000000 },
		{ 0x80 | 30, 0, UINT64_C(1) << 31, 2000000000 },
		{ 0x80 | 30, 0, 1, 0 },
		{ 0x80 | 32, 0, (UINT64_C(1700000000) << 32) + (UINT64_C(1) << 31),
		  1700000000500000000 },
		{ 0x80 | 63, 0, UINT64_MAX, 1999999999 },
		{ 0x80 | 64, 0, UINT64_MAX, 999999999 },
		{ 0xff, 0, UINT64_MAX, 0 },
		{ 6, 10, 5, 10000005000 },
		{ 6, -10, 5, -9999995000 },
		/* beyond the limit in either direction, without overflow */
		{ 9, 0, (uint64_t)most - 1, most - 1 },
		{ 9, 0, (uint64_t)most, most },
		{ 9, 0, (uint64_t)most + 1, most },
		{ 9, 0, UINT64_MAX, most },
		{ 0, 0, UINT64_MAX, most },
		{ 0x80, INT64_MAX, UINT64_MAX, most },
		{ 6, INT64_MAX, 0, most },
		{ 6, INT64_MIN, 0, -most },
		{ 0, INT64_MIN, UINT64_MAX, most },
		{ 0, INT64_MIN, (UINT64_C(1) << 63) + 7, 7000000000 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ticks ticks = ticks_from_resolution(rows[i].resolution);
		ticks.offset_seconds = rows[i].offset;
		assert_int_equal(ticks_to_ns(&ticks, rows[i].stamp), rows[i].ns);
	}
}

static void time_offset_in_both_byte_orders(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = { .big = big };
		begin_section(&image);
		end_block(&image);
		begin_interface(&image, LINK_RAW, 0);
		put16(&image, 14);
		put16(&image, 8);
		put_number(&image, UINT64_C(0x100000002), 8);
		end_block(&image);
		plain_enhanced(&image, 0, UINT64_C(0x300000004), "x");
		struct savefile *savefile = open_image(&image);
		const int64_t time_ns =
			0x100000002 * INT64_C(1000000000) + 0x300000004 * INT64_C(1000);
		expect_frames(savefile,
			      (const struct expected[]){ { "x", 1, LINK_RAW, 0, time_ns, 0 } }, 1);
		savefile_close(savefile);
		image_free(&image);
	}
}

/* A section, an interface, one packet, then what a test puts behind them. */
static struct image sound_start(bool big)
{
	struct image image = { .big = big };
	begin_section(&image);
	end_block(&image);
	plain_interface(&image, LINK_RAW);
	plain_enhanced(&image, 0, 7, "sound");
	return image;
}

static void block_lengths_that_lie(void **state)
{
	(void)state;
	static const uint32_t totals[] = {
		0, 4, 8, 11, 13, 14, 15, 31, 33, 0x7fffffff, UINT32_MAX
	};
	static const uint32_t types[] = { 1, 2, 3, 5, 6, 0x0a0d0d0a };
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
			struct image image = sound_start(i % 2);
			size_t offset = image.length;
			put32(&image, types[t]);
			put32(&image, totals[i]);
			put32(&image, 0x1a2b3c4d); /* a section header looks for it */
			put32(&image, image.big ? 0x00010000 : 0x00000001);
			put_zeros(&image, 64);
			expect_damage(&image, 1, offset, "claims");
			image_free(&image);
		}
	}
}

static void damaged_blocks(void **state)
{
	(void)state;
	struct image image = sound_start(false);
	plain_enhanced(&image, 0, 7, "abcd");
	size_t end = image.length;
	set32(&image, end - 4, 40); /* it is 36 */
	expect_damage(&image, 1, end - 4, "ends as one of 40");
	set32(&image, end - 4, 36);

	size_t start = image.block;
	set32(&image, start + 8, 1);
	expect_damage(&image, 1, start, "interface 1, which was not described");
	set32(&image, start + 8, 0);

	set32(&image, start + 20, 5); /* of 4 on the wire */
	expect_damage(&image, 1, start, "5 captured of 4");
	set32(&image, start + 24, 5);
	expect_damage(&image, 1, start, "longer than its block");
	set32(&image, start + 20, SAVEFILE_MAX_RECORD);
	set32(&image, start + 24, SAVEFILE_MAX_RECORD);
	expect_damage(&image, 1, start, "longer than its block");
	set32(&image, start + 20, SAVEFILE_MAX_RECORD + 1);
	expect_damage(&image, 1, start, "too long");
	image_free(&image);

	image = sound_start(true);
	begin_enhanced(&image, 0, 7, "abcd", 4);
	put16(&image, 2);
	put16(&image, 5); /* of 4 that are left */
	put32(&image, 1);
	end_block(&image);
	expect_damage(&image, 1, image.block, "longer than its block");
	image_free(&image);

	image = sound_start(false);
	begin_block(&image, 6);
	put_zeros(&image, 16); /* 4 too few */
	end_block(&image);
	expect_damage(&image, 1, image.block, "longer than its block");
	image_free(&image);

	image = sound_start(false);
	begin_block(&image, 1);
	put32(&image, LINK_RAW);
	end_block(&image);
	expect_damage(&image, 1, image.block, "interface description");
	image_free(&image);

	image = sound_start(false);
	begin_interface(&image, LINK_RAW, 0);
	put16(&image, 2);
	put16(&image, UINT16_MAX);
	end_block(&image);
	expect_damage(&image, 1, image.block, "interface description");
	image_free(&image);

	image = sound_start(false);
	begin_section(&image); /* a new section has no interfaces yet */
	end_block(&image);
	plain_enhanced(&image, 0, 7, "abcd");
	expect_damage(&image, 1, image.block, "not described");
	image_free(&image);

	image = sound_start(false);
	begin_section(&image);
	end_block(&image);
	begin_block(&image, 3);
	put32(&image, 0);
	end_block(&image);
	expect_damage(&image, 1, image.block, "not described");
	image_free(&image);
}

static void damaged_sections(void **state)
{
	(void)state;
	struct image image = sound_start(false);
	begin_section(&image);
	end_block(&image);
	set32(&image, image.block + 8, 0x1a2b3c4e);
	expect_damage(&image, 1, image.block, "byte-order magic");
	image_free(&image);

	image = sound_start(true);
	begin_section(&image);
	end_block(&image);
	set32(&image, image.block + 12, 0x00020000);
	expect_damage(&image, 1, image.block, "version 2.0");
	image_free(&image);

	image = sound_start(false);
	begin_section(&image);
	put_option(&image, 1, "kept", 4);
	put16(&image, 1);
	put16(&image, 5); /* of 4 that are left */
	put32(&image, 0);
	end_block(&image);
	expect_damage(&image, 1, image.block + 24 + 8, "12 bytes, where 8 are left");
	struct savefile *savefile = open_image(&image);
	unsigned frames;
	assert_int_equal(read_all(savefile, &frames), SAVEFILE_DAMAGED);
	assert_int_equal(savefile_note_count(savefile), 1);
	assert_string_equal(savefile_note(savefile, 0), "kept");
	savefile_close(savefile);
	image_free(&image);
}

/* A record may be as long as the limit, and its options as long again. */
static void largest_records(void **state)
{
	(void)state;
	for (uint32_t extra = 0; extra < 2; extra++) {
		struct image image = sound_start(false);
		begin_block(&image, 6);
		put_zeros(&image, 12);
		put32(&image, SAVEFILE_MAX_RECORD + extra);
		put32(&image, SAVEFILE_MAX_RECORD + extra);
		put_zeros(&image, SAVEFILE_MAX_RECORD + 4 * extra);
		for (unsigned i = 0; i < 10; i++)
			put_option(&image, 1, image.bytes, 60000 > image.length ? 0 : 60000);
		end_block(&image);
		plain_enhanced(&image, 0, 7, "after");
		if (extra == 0) {
			struct savefile *savefile = open_image(&image);
			unsigned frames;
			assert_int_equal(read_all(savefile, &frames), SAVEFILE_END);
			assert_int_equal(frames, 3);
			savefile_close(savefile);
		} else {
			expect_damage(&image, 1, image.ends[2], "too long");
		}
		image_free(&image);
	}
}

/* The longest block that is read at once, and one that is longer by a word. */
static void largest_blocks(void **state)
{
	(void)state;
	uint8_t *zeros = calloc(1, SAVEFILE_MAX_RECORD);
	for (uint32_t extra = 0; extra <= 4; extra += 4) {
		struct image image = sound_start(false);
		begin_block(&image, 6);
		put_zeros(&image, 12);
		put32(&image, SAVEFILE_MAX_RECORD);
		put32(&image, SAVEFILE_MAX_RECORD);
		put(&image, zeros, SAVEFILE_MAX_RECORD);
		size_t end = image.block + SOURCE_PEEK_MAX + extra - 4;
		while (image.length < end) {
			size_t rest = end - image.length - 4;
			put_option(&image, 1, zeros, rest < 65535 ? rest : 65535);
		}
		end_block(&image);
		assert_int_equal(image.length - image.block, SOURCE_PEEK_MAX + extra);
		plain_enhanced(&image, 0, 7, "after");
		if (extra == 0) {
			struct savefile *savefile = open_image(&image);
			unsigned frames;
			assert_int_equal(read_all(savefile, &frames), SAVEFILE_END);
			assert_int_equal(frames, 3);
			savefile_close(savefile);
		} else {
			expect_damage(&image, 1, image.ends[2], "a block of 2097156 bytes");
		}
		image_free(&image);
	}
	free(zeros);
}

/* Blocks of no interest may be of any length; they are not kept. */
static void long_unknown_blocks(void **state)
{
	(void)state;
	struct image image = sound_start(false);
	begin_block(&image, 0x0bad0bad);
	uint8_t *zeros = calloc(1, 5000000);
	put(&image, zeros, 5000000);
	end_block(&image);
	plain_enhanced(&image, 0, 7, "after");
	struct savefile *savefile = open_image(&image);
	unsigned frames;
	assert_int_equal(read_all(savefile, &frames), SAVEFILE_END);
	assert_int_equal(frames, 2);
	savefile_close(savefile);
	image.length = 4000000;
	expect_damage(&image, 1, 4000000, "before a block");
	free(zeros);
	image_free(&image);
}

static void notes_have_a_limit(void **state)
{
	(void)state;
	char longest[65535];
	memset(longest, 'n', sizeof(longest));
	for (unsigned count = SAVEFILE_MAX_NOTES - 1; count <= SAVEFILE_MAX_NOTES + 1; count++) {
		struct image image = { 0 };
		begin_section(&image);
		put_option(&image, 1, longest, sizeof(longest)); /* 20 of them: > 1 MiB */
		for (unsigned i = 1; i < count; i++)
			put_option(&image, 1, longest, i < 20 ? sizeof(longest) : 3);
		end_block(&image);
		struct savefile *savefile = open_image(&image);
		assert_int_equal(savefile_note_count(savefile),
				 count < SAVEFILE_MAX_NOTES ? count : SAVEFILE_MAX_NOTES);
		assert_int_equal(strlen(savefile_note(savefile, 19)), 65535);
		assert_string_equal(savefile_note(savefile, 20), "nnn");
		unsigned frames;
		assert_int_equal(read_all(savefile, &frames), SAVEFILE_END);
		savefile_close(savefile);
		image_free(&image);
	}
}

static void interfaces_have_a_limit(void **state)
{
	(void)state;
	struct image image = { 0 };
	begin_section(&image);
	end_block(&image);
	for (unsigned i = 0; i < INTERFACES_MAX; i++) {
		plain_interface(&image, LINK_RAW);
		image.end_count = 0;
	}
	plain_enhanced(&image, INTERFACES_MAX - 1, 7, "last");
	size_t end = image.length;
	plain_interface(&image, LINK_RAW);
	expect_damage(&image, 1, end, "more than 65536 interfaces");
	image_free(&image);
}

/* -- cut at every byte ------------------------------------------------------------- */

struct cutting {
	struct image image;
	unsigned shortest; /* bytes that make a capture at all */
	const struct expected *frames;
	const unsigned *frame_ends; /* index into image.ends of each frame */
	unsigned frame_count;
};

static void check_cut(const struct cutting *cutting, struct savefile *savefile, size_t length)
{
	const struct image *image = &cutting->image;
	unsigned whole = 0;
	while (whole < cutting->frame_count && image->ends[cutting->frame_ends[whole]] <= length)
		whole++;
	bool boundary = false;
	for (unsigned i = 0; i < image->end_count; i++)
		boundary |= image->ends[i] == length;

	struct frame frame;
	for (unsigned i = 0; i < whole; i++) {
		assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_FRAME);
		assert_int_equal(frame.captured, strlen(cutting->frames[i].data));
		assert_memory_equal(frame.bytes, cutting->frames[i].data, frame.captured);
		assert_int_equal(frame.time_ns, cutting->frames[i].time_ns);
	}
	assert_int_equal(savefile_next(savefile, &frame),
			 boundary ? SAVEFILE_END : SAVEFILE_DAMAGED);
	if (!boundary) {
		uint64_t offset;
		assert_non_null(strstr(savefile_damage(savefile, &offset), "the file ends"));
		assert_true(offset <= length);
		assert_true(whole == 0 || offset >= image->ends[cutting->frame_ends[whole - 1]]);
	}
}

static void cut_everywhere(const struct cutting *cutting)
{
	char path[40];
	int fd = memory_file(path);
	for (size_t length = 0; length <= cutting->image.length; length++) {
		/* The bytes end where the file does, so a read further is a read of nothing. */
		fill_file(fd, cutting->image.bytes, length);
		struct error error = { 0 };
		struct savefile *savefile = savefile_open(path, &error);
		if (length < cutting->shortest) {
			assert_null(savefile);
			assert_int_equal(error.code, EXIT_MALFORMED);
			continue;
		}
		assert_non_null(savefile);
		check_cut(cutting, savefile, length);
		savefile_close(savefile);
	}
	close(fd);
}

static void pcap_cut_at_every_byte(void **state)
{
	(void)state;
	static const unsigned ends[] = { 1, 2, 3 };
	for (int big = 0; big < 2; big++) {
		struct cutting cutting = { small_pcap(big), 24, small_pcap_frames, ends, 3 };
		cut_everywhere(&cutting);
		image_free(&cutting.image);
	}
}

static void pcapng_cut_at_every_byte(void **state)
{
	(void)state;
	/* section, 2 interfaces, E, statistics, E, simple, empty, custom, obsolete,
	 * section, interface, E */
	static const unsigned ends[] = { 3, 5, 6, 9, 12 };
	for (int big = 0; big < 2; big++) {
		struct cutting cutting = { small_pcapng(big), 24, small_pcapng_frames, ends,
					   SMALL_PCAPNG_FRAMES };
		cut_everywhere(&cutting);
		image_free(&cutting.image);
	}
}

/* Behind a cut gzip stream there is always damage, even where a record ends. */
static void gzip_cut_at_every_byte(void **state)
{
	(void)state;
	struct image plain = small_pcapng(false);
	struct image image = gzipped(plain.bytes, plain.length);
	char path[40];
	int fd = memory_file(path);
	unsigned before = 0;
	for (size_t length = 0; length < image.length; length++) {
		fill_file(fd, image.bytes, length);
		struct error error = { 0 };
		struct savefile *savefile = savefile_open(path, &error);
		unsigned frames = 0;
		if (savefile != NULL)
			assert_int_equal(read_all(savefile, &frames), SAVEFILE_DAMAGED);
		else
			assert_int_equal(error.code, EXIT_MALFORMED);
		if (savefile != NULL)
			assert_non_null(strstr(savefile_damage(savefile, NULL), "ends early"));
		assert_true(frames >= before); /* whatever was inflated is reported */
		before = frames;
		savefile_close(savefile);
	}
	assert_int_equal(before, SMALL_PCAPNG_FRAMES); /* only the checksum is missing */
	close(fd);
	image_free(&plain);
	image_free(&image);
}

/* -- gzip and standard input --------------------------------------------------------- */

static void gzip_of_both(void **state)
{
	(void)state;
	struct image plain = small_pcapng(true);
	struct image image = gzipped(plain.bytes, plain.length);
	struct savefile *savefile = open_image(&image);
	expect_small_pcapng(savefile);
	savefile_close(savefile);
	image_free(&plain);
	image_free(&image);

	plain = small_pcap(true);
	image = gzipped(plain.bytes, plain.length);
	savefile = open_image(&image);
	expect_frames(savefile, small_pcap_frames, 3);
	savefile_close(savefile);
	image_free(&plain);
	image_free(&image);
}

static void gzip_members_and_padding(void **state)
{
	(void)state;
	struct image plain = small_pcapng(false), image = { 0 };
	for (size_t at = 0; at < plain.length; at += 100) { /* members cut across records */
		size_t rest = plain.length - at;
		struct image member = gzipped(plain.bytes + at, rest < 100 ? rest : 100);
		put(&image, member.bytes, member.length);
		image_free(&member);
	}
	struct savefile *savefile = open_image(&image);
	expect_small_pcapng(savefile);
	savefile_close(savefile);

	put_zeros(&image, 600000); /* more than is read at once */
	savefile = open_image(&image);
	expect_small_pcapng(savefile);
	savefile_close(savefile);

	put(&image, "not gzip", 8);
	expect_damage(&image, SMALL_PCAPNG_FRAMES, plain.length, "damaged");
	image_free(&plain);
	image_free(&image);
}

static void gzip_checksum(void **state)
{
	(void)state;
	struct image plain = small_pcap(false);
	struct image image = gzipped(plain.bytes, plain.length);
	image.bytes[image.length - 8] ^= 1;
	expect_damage(&image, 3, plain.length, "damaged");
	image_free(&plain);
	image_free(&image);
}

/* Larger than every buffer on the way, with records across their borders. */
static struct image large_pcap(unsigned records)
{
	struct image image = { 0 };
	pcap_header(&image, 0xa1b2c3d4, LINK_RAW);
	for (unsigned i = 0; i < records; i++) {
		uint32_t length = i * 7919 % 70000;
		put32(&image, i);
		put32(&image, 0);
		put32(&image, length);
		put32(&image, length);
		for (uint32_t k = 0; k < length; k++)
			put(&image, &(uint8_t){ (uint8_t)(i + k) }, 1);
	}
	return image;
}

/* Where that record begins. */
static size_t large_pcap_offset(unsigned record)
{
	size_t offset = 24;
	for (unsigned i = 0; i < record; i++)
		offset += 16 + i * 7919 % 70000;
	return offset;
}

static void expect_large_pcap(struct savefile *savefile, unsigned records)
{
	struct frame frame;
	for (unsigned i = 0; i < records; i++) {
		assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_FRAME);
		assert_int_equal(frame.time_ns, i * INT64_C(1000000000));
		assert_int_equal(frame.captured, i * 7919 % 70000);
		for (uint32_t k = 0; k < frame.captured; k++)
			if (frame.bytes[k] != (uint8_t)(i + k))
				fail();
	}
	assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_END);
}

static void records_across_buffers(void **state)
{
	(void)state;
	struct image image = large_pcap(100);
	struct savefile *savefile = open_image(&image);
	expect_large_pcap(savefile, 100);
	savefile_close(savefile);

	struct image zipped = gzipped(image.bytes, image.length);
	savefile = open_image(&zipped);
	expect_large_pcap(savefile, 100);
	savefile_close(savefile);
	image_free(&zipped);
	image_free(&image);
}

/* `bytes` as standard input, written in pieces of `step` by a child. */
static struct savefile *open_piped(const struct image *image, size_t step)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		for (size_t at = 0; at < image->length; at += step) {
			size_t rest = image->length - at;
			if (write(ends[1], image->bytes + at, rest < step ? rest : step) < 0)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	struct error error = { 0 };
	struct savefile *savefile = savefile_open("-", &error);
	assert_non_null(savefile);
	return savefile;
}

static void standard_input(void **state)
{
	(void)state;
	struct image image = small_pcapng(false);
	struct savefile *savefile = open_piped(&image, 1);
	expect_small_pcapng(savefile);
	savefile_close(savefile);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* it is not ours to close */

	struct image zipped = gzipped(image.bytes, image.length);
	savefile = open_piped(&zipped, 1);
	expect_small_pcapng(savefile);
	savefile_close(savefile);
	image_free(&zipped);
	image_free(&image);

	image = large_pcap(100);
	savefile = open_piped(&image, 5003);
	expect_large_pcap(savefile, 100);
	savefile_close(savefile);
	image_free(&image);
}

/* Copies out of the kernel are fast where both sides are aligned alike. */
static void pages_are_read_as_pages(void **state)
{
	(void)state;
	struct image image = large_pcap(100);
	struct savefile *savefile = open_image(&image);
	struct frame frame;
	while (savefile_next(savefile, &frame) == SAVEFILE_FRAME) {
		const struct source *source = savefile->source;
		assert_int_equal((uintptr_t)(source->window + source->at) % 4096,
				 source->offset % 4096);
	}
	savefile_close(savefile);
	image_free(&image);
}

/* -- files that change under the reader ---------------------------------------------------- */

struct changing {
	struct image image;
	struct savefile *savefile;
	int fd;
};

/* Opened when the file holds `length` bytes of `image`. */
static struct changing open_changing(struct image image, size_t length)
{
	struct error error = { 0 };
	char path[40];
	int fd = memory_file(path);
	fill_file(fd, image.bytes, length);
	struct savefile *savefile = savefile_open(path, &error);
	assert_non_null(savefile);
	return (struct changing){ image, savefile, fd };
}

static void end_changing(struct changing *changing)
{
	savefile_close(changing->savefile);
	close(changing->fd);
	image_free(&changing->image);
}

static void a_file_that_grows(void **state)
{
	(void)state;
	struct image whole = large_pcap(100);
	struct changing changing = open_changing(whole, 500000);
	struct frame frame;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(savefile_next(changing.savefile, &frame), SAVEFILE_FRAME);
	fill_file(changing.fd, whole.bytes, whole.length);
	for (unsigned i = 10; i < 100; i++) {
		assert_int_equal(savefile_next(changing.savefile, &frame), SAVEFILE_FRAME);
		assert_int_equal(frame.time_ns, i * INT64_C(1000000000));
		for (uint32_t k = 0; k < frame.captured; k++)
			assert_int_equal(frame.bytes[k], (uint8_t)(i + k));
	}
	assert_int_equal(savefile_next(changing.savefile, &frame), SAVEFILE_END);
	end_changing(&changing);
}

/* Cut to many lengths, each time after some of it was read. */
static void a_file_that_shrinks(void **state)
{
	(void)state;
	for (size_t length = 0; length < 700000; length += 9973) {
		struct image whole = large_pcap(100);
		struct changing changing = open_changing(whole, whole.length);
		struct frame frame;
		for (unsigned i = 0; i < 10; i++)
			assert_int_equal(savefile_next(changing.savefile, &frame), SAVEFILE_FRAME);
		assert_int_equal(ftruncate(changing.fd, (off_t)length), 0);
		enum savefile_status status;
		unsigned frames = 10;
		while ((status = savefile_next(changing.savefile, &frame)) == SAVEFILE_FRAME) {
			for (uint32_t k = 0; k < frame.captured; k++)
				assert_int_equal(frame.bytes[k], (uint8_t)(frames + k));
			frames++;
		}
		assert_int_equal(status, SAVEFILE_DAMAGED);
		uint64_t offset;
		assert_non_null(savefile_damage(changing.savefile, &offset));
		assert_int_equal(offset, large_pcap_offset(frames));
		end_changing(&changing);
	}
}

/* -- no captures ----------------------------------------------------------------------- */

static void no_captures(void **state)
{
	(void)state;
	expect_no_capture("", 0, "empty");
	expect_no_capture("abc", 3, "neither");
	expect_no_capture("abcdefghijklmnopqrstuvwxyz", 26, "neither");
	expect_no_capture("\x1f", 1, "neither");
	expect_no_capture("\x1f\x8b", 2, "ends early");
	expect_no_capture("\x1f\x8b not gzip at all", 18, "damaged");
	expect_no_capture("\xd4\xc3\xb2\xa1\x03\0\0\0................", 24, "version 3.0");
	expect_no_capture("\xd4\xc3\xb2\xa1\x02\0\x04\0................", 23,
			  "pcap header: 23 of 24");
	expect_no_capture("\x0a\x0d\x0d\x0a\x1c\0\0\0....\1\0\0\0........\x1c\0\0\0", 28, "magic");

	struct image text = gzipped((const uint8_t *)"some text", 9);
	expect_no_capture(text.bytes, text.length, "neither");
	image_free(&text);

	struct error error = { 0 };
	assert_null(savefile_open("/nonexistent/file", &error));
	assert_int_equal(error.code, EXIT_NO_INPUT);
	assert_string_equal(error.text, "/nonexistent/file: No such file or directory");
	assert_null(savefile_open("/", &error));
	assert_int_equal(error.code, EXIT_NO_INPUT);
	assert_string_equal(error.text, "/: Is a directory");
	savefile_close(NULL);
}

static uint64_t next_random(uint64_t *seed) /* xorshift64 */
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void survives_damage_anywhere(void **state)
{
	(void)state;
	struct image images[] = { small_pcap(false), small_pcap(true), small_pcapng(false),
				  small_pcapng(true) };
	char path[40];
	int fd = memory_file(path);
	uint64_t seed = 0x5eed;
	for (unsigned round = 0; round < 5000; round++) {
		const struct image *image = &images[round % 4];
		uint8_t *bytes = malloc(image->length);
		memcpy(bytes, image->bytes, image->length);
		for (unsigned i = 0; i < 1 + round % 3; i++) {
			static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff };
			uint64_t random = next_random(&seed);
			bytes[random % image->length] = random >> 60 < 8 ? odd[(random >> 32) % 5]
									 : (uint8_t)(random >> 40);
		}
		fill_file(fd, bytes, image->length);
		struct error error = { 0 };
		struct savefile *savefile = savefile_open(path, &error);
		unsigned frames;
		if (savefile != NULL)
			read_all(savefile, &frames);
		else
			assert_int_equal(error.code, EXIT_MALFORMED);
		savefile_close(savefile);
		free(bytes);
	}
	close(fd);
	for (unsigned i = 0; i < 4; i++)
		image_free(&images[i]);
}

/* -- writing --------------------------------------------------------------------------- */

static const char *const notes[] = { "{\"plan\":1}", "", "caf\xc3\xa9" };

static void write_frame(struct savefile_writer *writer, const struct expected *expected,
			const char *comment)
{
	struct frame frame = { .bytes = (const uint8_t *)expected->data,
			       .captured = (uint32_t)strlen(expected->data),
			       .on_wire = expected->on_wire,
			       .time_ns = expected->time_ns,
			       .interface = expected->interface,
			       .direction = expected->direction };
	savefile_writer_frame(writer, &frame, comment);
}

static const struct expected written[] = {
	{ "an Ethernet frame", 1500, LINK_ETHERNET, 0, 1700000000123456789, DIRECTION_OUT },
	{ "cooked", 6, LINK_LINUX_SLL2, 1, 1700000000123456790, DIRECTION_IN },
	{ "", 0, LINK_RAW, 2, 0, DIRECTION_UNKNOWN },
	{ "raw!", 4, LINK_RAW, 2, 4611686018427387903, DIRECTION_UNKNOWN },
};
enum { WRITTEN = sizeof(written) / sizeof(written[0]) };

static bool write_sample(FILE *out, struct error *error)
{
	struct savefile_writer *writer = savefile_writer_new(out, "sshwhy test", notes, 3);
	assert_int_equal(savefile_writer_interface(writer, "eth0", LINK_ETHERNET, 262144), 0);
	assert_int_equal(savefile_writer_interface(writer, "any", LINK_LINUX_SLL2, 0), 1);
	assert_int_equal(savefile_writer_interface(writer, NULL, LINK_RAW, 0), 2);
	for (unsigned i = 0; i < WRITTEN; i++)
		write_frame(writer, &written[i], i % 2 == 0 ? "a comment" : NULL);
	return savefile_writer_close(writer, error);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	char path[40];
	int fd = memory_file(path);
	FILE *out = fdopen(fd, "wb");
	struct error error = { 0 };
	assert_true(write_sample(out, &error));
	struct savefile *savefile = savefile_open(path, &error);
	assert_non_null(savefile);
	assert_int_equal(savefile_note_count(savefile), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(savefile_note(savefile, i), notes[i]);
	expect_frames(savefile, written, WRITTEN);
	assert_string_equal(savefile_interface_name(savefile, 0), "eth0");
	assert_string_equal(savefile_interface_name(savefile, 1), "any");
	assert_string_equal(savefile_interface_name(savefile, 2), "");
	savefile_close(savefile);
	fclose(out);
}

/* A frame is held to what a reader takes, and a time before 1970 to 1970. */
static void odd_frames_are_written_soundly(void **state)
{
	(void)state;
	char path[40];
	FILE *out = fdopen(memory_file(path), "wb");
	struct savefile_writer *writer = savefile_writer_new(out, NULL, NULL, 0);
	savefile_writer_interface(writer, "x", LINK_RAW, 0);
	uint8_t *large = calloc(1, SAVEFILE_MAX_RECORD + 1);
	struct frame frame = {
		.bytes = large, .captured = SAVEFILE_MAX_RECORD + 1, .on_wire = 5, .time_ns = -1
	};
	savefile_writer_frame(writer, &frame, NULL);
	struct error error = { 0 };
	assert_true(savefile_writer_close(writer, &error));
	struct savefile *savefile = savefile_open(path, &error);
	assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_FRAME);
	assert_int_equal(frame.captured, SAVEFILE_MAX_RECORD);
	assert_int_equal(frame.on_wire, SAVEFILE_MAX_RECORD + 1);
	assert_int_equal(frame.time_ns, 0);
	assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_END);
	savefile_close(savefile);
	free(large);
	fclose(out);
}

/* Length of the note that a text of `length` bytes, ending in `tail`, becomes. */
static size_t note_length(size_t length, const char *tail)
{
	char *text = malloc(length + 1);
	memset(text, 'x', length);
	memcpy(text + length - strlen(tail), tail, strlen(tail) + 1);
	char path[40];
	FILE *out = fdopen(memory_file(path), "wb");
	struct error error = { 0 };
	const char *note = text;
	assert_true(savefile_writer_close(savefile_writer_new(out, NULL, &note, 1), &error));
	struct savefile *savefile = savefile_open(path, &error);
	assert_non_null(savefile);
	assert_int_equal(savefile_note_count(savefile), 1);
	size_t found = strlen(savefile_note(savefile, 0));
	assert_memory_equal(savefile_note(savefile, 0), text, found);
	unsigned frames;
	assert_int_equal(read_all(savefile, &frames), SAVEFILE_END);
	savefile_close(savefile);
	fclose(out);
	free(text);
	return found;
}

static void comments_are_cut_between_characters(void **state)
{
	(void)state;
	assert_int_equal(note_length(65534, ""), 65534);
	assert_int_equal(note_length(65535, ""), 65535);
	assert_int_equal(note_length(65536, ""), 65535);
	assert_int_equal(note_length(200000, ""), 65535);
	assert_int_equal(note_length(65535, "\xc3\xa9"), 65535);
	assert_int_equal(note_length(65536, "\xc3\xa9"), 65534);
	assert_int_equal(note_length(65537, "\xc3\xa9"), 65535);
	assert_int_equal(note_length(65536, "\xe2\x82\xac"), 65533);
	assert_int_equal(note_length(65537, "\xe2\x82\xac"), 65534);
	assert_int_equal(note_length(65538, "\xe2\x82\xac"), 65535);
	assert_int_equal(note_length(65538, "\xf0\x9f\x98\x80"), 65534);
	/* not UTF-8 */
	assert_int_equal(note_length(65540, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"), 65535);
}

static void writing_fails(void **state)
{
	(void)state;
	struct error error = { 0 };
	FILE *full = fopen("/dev/full", "wb");
	assert_false(write_sample(full, &error));
	assert_int_equal(error.code, EXIT_CANNOT_WRITE);
	assert_string_equal(error.text, "No space left on device");
	fclose(full);

	char path[40];
	FILE *out = fdopen(memory_file(path), "wb");
	struct savefile_writer *writer = savefile_writer_new(out, NULL, NULL, 0);
	write_frame(writer, &written[0], NULL); /* of no interface */
	assert_false(savefile_writer_close(writer, &error));
	assert_int_equal(error.code, EXIT_CANNOT_WRITE);
	fclose(out);

	const char *many[SAVEFILE_MAX_NOTES + 1];
	for (unsigned i = 0; i < SAVEFILE_MAX_NOTES + 1; i++)
		many[i] = "";
	for (unsigned count = SAVEFILE_MAX_NOTES; count <= SAVEFILE_MAX_NOTES + 1; count++) {
		out = fdopen(memory_file(path), "wb");
		writer = savefile_writer_new(out, NULL, many, count);
		assert_int_equal(savefile_writer_close(writer, &error),
				 count <= SAVEFILE_MAX_NOTES);
		fclose(out);
	}
}

/* The disk is full after each possible number of bytes: what is left is whole. */
static void a_full_disk_leaves_whole_records(void **state)
{
	(void)state;
	char path[40];
	int fd = memory_file(path);
	FILE *out = fdopen(dup(fd), "wb");
	struct error error = { 0 };
	assert_true(write_sample(out, &error));
	fclose(out);
	off_t whole = lseek(fd, 0, SEEK_END);

	signal(SIGXFSZ, SIG_IGN);
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	unsigned most = 0;
	for (off_t room = 0; room < whole; room++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		lseek(fd, 0, SEEK_SET);
		struct rlimit limit = { (rlim_t)room, before.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		out = fdopen(dup(fd), "wb");
		bool good = write_sample(out, &error);
		fclose(out);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_false(good);
		assert_int_equal(error.code, EXIT_CANNOT_WRITE);
		if (lseek(fd, 0, SEEK_END) == 0)
			continue;
		struct savefile *savefile = savefile_open(path, &error);
		assert_non_null(savefile);
		unsigned frames;
		assert_int_equal(read_all(savefile, &frames), SAVEFILE_END);
		assert_true(frames >= most);
		most = frames;
		savefile_close(savefile);
	}
	assert_int_equal(most, WRITTEN - 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_in_both_byte_orders),
		cmocka_unit_test(pcap_with_nanoseconds),
		cmocka_unit_test(modified_pcap),
		cmocka_unit_test(records_with_longer_headers),
		cmocka_unit_test(damage_is_no_variant),
		cmocka_unit_test(old_pcap),
		cmocka_unit_test(pcap_of_aix),
		cmocka_unit_test(pcap_lengths_that_lie),
		cmocka_unit_test(pcapng_of_two_sections),
		cmocka_unit_test(simple_packets_follow_the_snaplen),
		cmocka_unit_test(ticks),
		cmocka_unit_test(time_offset_in_both_byte_orders),
		cmocka_unit_test(block_lengths_that_lie),
		cmocka_unit_test(damaged_blocks),
		cmocka_unit_test(damaged_sections),
		cmocka_unit_test(largest_records),
		cmocka_unit_test(largest_blocks),
		cmocka_unit_test(long_unknown_blocks),
		cmocka_unit_test(notes_have_a_limit),
		cmocka_unit_test(interfaces_have_a_limit),
		cmocka_unit_test(pcap_cut_at_every_byte),
		cmocka_unit_test(pcapng_cut_at_every_byte),
		cmocka_unit_test(gzip_cut_at_every_byte),
		cmocka_unit_test(gzip_of_both),
		cmocka_unit_test(gzip_members_and_padding),
		cmocka_unit_test(gzip_checksum),
		cmocka_unit_test(records_across_buffers),
		cmocka_unit_test(standard_input),
		cmocka_unit_test(pages_are_read_as_pages),
		cmocka_unit_test(a_file_that_grows),
		cmocka_unit_test(a_file_that_shrinks),
		cmocka_unit_test(no_captures),
		cmocka_unit_test(survives_damage_anywhere),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(odd_frames_are_written_soundly),
		cmocka_unit_test(comments_are_cut_between_characters),
		cmocka_unit_test(writing_fails),
		cmocka_unit_test(a_full_disk_leaves_whole_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
