/* Captures of both formats: cut at every byte, gunzipped, from a pipe, changing, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "images.h"
#include "savefile/reader.h"
#include "sshwhy/savefile.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
