/* Captures written: what is written is read, and a full disk is told. */
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
#include <sys/resource.h>
#include <unistd.h>

#include "images.h"
#include "savefile/reader.h"
#include "sshwhy/savefile.h"

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
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(odd_frames_are_written_soundly),
		cmocka_unit_test(comments_are_cut_between_characters),
		cmocka_unit_test(writing_fails),
		cmocka_unit_test(a_full_disk_leaves_whole_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
