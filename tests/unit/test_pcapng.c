/* pcapng: read, and told what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "images.h"
#include "savefile/reader.h"
#include "sshwhy/savefile.h"

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

static void put_count(struct image *image, uint16_t code, uint64_t count)
{
	put16(image, code);
	put16(image, 8);
	put_number(image, count, 8);
}

static void put_statistics(struct image *image, uint32_t interface, uint64_t dropped,
			   uint64_t by_system)
{
	begin_block(image, 5);
	put32(image, interface);
	put_number(image, 0, 8);
	put_count(image, 4, 1000); /* received */
	put_count(image, 5, dropped);
	put_count(image, 7, by_system);
	end_block(image);
}

static void put_packet_after(struct image *image, uint32_t interface, uint64_t lost)
{
	begin_block(image, 6);
	put32(image, interface);
	put_number(image, 0, 8);
	put32(image, 4);
	put32(image, 4);
	put(image, "1234", 4);
	put_count(image, 4, lost);
	end_block(image);
}

static void put_obsolete_after(struct image *image, uint16_t lost)
{
	begin_block(image, 2);
	put16(image, 0);
	put16(image, lost);
	put_number(image, 0, 8);
	put32(image, 4);
	put32(image, 4);
	put(image, "1234", 4);
	end_block(image);
}

static void expect_lost(struct savefile *savefile, uint64_t lost)
{
	struct frame frame;
	assert_int_equal(savefile_next(savefile, &frame), SAVEFILE_FRAME);
	assert_int_equal(savefile_lost(savefile), lost);
}

static void losses_are_told(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = { .big = big };
		begin_section(&image);
		end_block(&image);
		begin_interface(&image, LINK_RAW, 0);
		end_block(&image);
		begin_interface(&image, LINK_RAW, 0);
		end_block(&image);
		put_packet_after(&image, 0, 0);
		put_packet_after(&image, 0, 3);
		put_packet_after(&image, 1, 2);
		put_statistics(&image, 0, 1, 1); /* that is less than the packets say */
		put_packet_after(&image, 0, 0);
		put_statistics(&image, 0, 5, 2);
		put_statistics(&image, 0, 6, 0); /* an older one */
		put_statistics(&image, 2, 9, 9); /* of nobody */
		put_obsolete_after(&image, UINT16_MAX);
		put_obsolete_after(&image, 4);
		put_obsolete_after(&image, 4);
		put_packet_after(&image, 1, UINT64_MAX);
		struct savefile *savefile = open_image(&image);
		expect_lost(savefile, 0);
		expect_lost(savefile, 3);
		expect_lost(savefile, 5);
		expect_lost(savefile, 5);
		expect_lost(savefile, 9); /* 0xFFFF is "unknown" */
		expect_lost(savefile, 9);
		expect_lost(savefile, 13);
		expect_lost(savefile, UINT64_MAX);
		savefile_close(savefile);
		image_free(&image);
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

/* So many of the longest are kept as there is room for. */
static void notes_have_a_limit_of_bytes(void **state)
{
	(void)state;
	char longest[65535];
	struct image image = { 0 };
	memset(longest, 'n', sizeof(longest));
	begin_section(&image);
	for (unsigned i = 0; i < 70; i++)
		put_option(&image, 1, longest, sizeof(longest));
	end_block(&image);
	struct savefile *savefile = open_image(&image);
	assert_int_equal(savefile_note_count(savefile), SAVEFILE_NOTES_MOST / 65536);
	assert_int_equal(savefile_notes_refused(savefile), 70 - SAVEFILE_NOTES_MOST / 65536);
	savefile_close(savefile);
	image_free(&image);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcapng_of_two_sections),
		cmocka_unit_test(simple_packets_follow_the_snaplen),
		cmocka_unit_test(ticks),
		cmocka_unit_test(time_offset_in_both_byte_orders),
		cmocka_unit_test(block_lengths_that_lie),
		cmocka_unit_test(damaged_blocks),
		cmocka_unit_test(damaged_sections),
		cmocka_unit_test(largest_records),
		cmocka_unit_test(losses_are_told),
		cmocka_unit_test(largest_blocks),
		cmocka_unit_test(long_unknown_blocks),
		cmocka_unit_test(notes_have_a_limit),
		cmocka_unit_test(notes_have_a_limit_of_bytes),
		cmocka_unit_test(interfaces_have_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
