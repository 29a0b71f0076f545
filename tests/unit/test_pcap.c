/* pcap, in all its variants: read, and told what is wrong with it. */
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
