#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ssh_samples.h"
#include "sshwhy/ssh.h"

enum { SPANS = 16 };

/* Byte `offset` of the text that every test sends. */
static uint8_t text_at(uint32_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 7 + 1);
}

static const uint8_t *text(void)
{
	static uint8_t bytes[3 * SSH_STREAM_MAX];
	if (bytes[0] == 0) {
		for (uint32_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = text_at(i);
	}
	return bytes;
}

static struct stream *new_stream(uint32_t first)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	assert_non_null(stream);
	stream_start(stream, first);
	return stream;
}

static void assert_text(const struct stream *stream)
{
	assert_memory_equal(stream->bytes, text(), stream->length);
}

struct step {
	int from;	 /* offset of the segment from byte 0 */
	uint32_t length; /* on the wire */
	uint32_t captured;
	uint32_t in_order; /* stream.length after it */
	bool cut;	   /* stream.cut after it */
};

static const struct {
	const char *name;
	struct step step[8]; /* ends at length 0 */
} tables[] = {
	{ "in order", { { 0, 10, 10, 10, false }, { 10, 5, 5, 15, false } } },
	{ "swapped", { { 10, 5, 5, 0, false }, { 0, 10, 10, 15, false } } },
	{ "twice", { { 0, 10, 10, 10, false }, { 0, 10, 10, 10, false } } },
	{ "overlap behind", { { 0, 10, 10, 10, false }, { 5, 10, 10, 15, false } } },
	{ "overlap ahead", { { 8, 10, 10, 0, false }, { 0, 10, 10, 18, false } } },
	{ "inside an island",
	  { { 8, 10, 10, 0, false }, { 9, 2, 2, 0, false }, { 0, 8, 8, 18, false } } },
	{ "over an island",
	  { { 8, 2, 2, 0, false }, { 6, 9, 9, 0, false }, { 0, 6, 6, 15, false } } },
	{ "joins two islands",
	  { { 4, 2, 2, 0, false },
	    { 8, 2, 2, 0, false },
	    { 5, 4, 4, 0, false },
	    { 0, 4, 4, 10, false } } },
	{ "from before the beginning", { { -3, 10, 10, 7, false } } },
	{ "keep-alive", { { -1, 1, 1, 0, false }, { -1, 1, 0, 0, false } } },
	{ "far before", { { -5000, 10, 10, 0, false }, { 0, 4, 4, 4, false } } },
	{ "gap of one", { { 0, 4, 4, 4, false }, { 5, 4, 4, 4, false }, { 4, 1, 1, 9, false } } },

	{ "cut", { { 0, 10, 6, 6, true }, { 10, 5, 5, 6, true } } },
	{ "cut, nothing captured", { { 0, 10, 0, 0, true } } },
	{ "cut, then sent again", { { 0, 10, 6, 6, true }, { 6, 4, 4, 10, false } } },
	{ "cut, sent again, cut later", { { 0, 10, 6, 6, true }, { 0, 10, 8, 8, true } } },
	{ "cut ahead of its time", { { 5, 10, 4, 0, false }, { 0, 5, 5, 9, true } } },
	{ "cut ahead, sent again up to there",
	  { { 5, 10, 4, 0, false }, { 5, 4, 4, 0, false }, { 0, 5, 5, 9, true } } },
	{ "cut ahead, nothing captured", { { 5, 10, 0, 0, false }, { 0, 5, 5, 5, true } } },
	{ "cut ahead, then filled",
	  { { 5, 10, 4, 0, false }, { 9, 6, 6, 0, false }, { 0, 5, 5, 15, false } } },
	{ "cut where bytes are held", { { 5, 10, 10, 0, false }, { 0, 10, 5, 15, false } } },
	{ "cut twice at one byte",
	  { { 5, 9, 2, 0, false }, { 5, 9, 2, 0, false }, { 0, 5, 5, 7, true } } },
	{ "cut behind", { { 0, 10, 10, 10, false }, { 0, 10, 2, 10, false } } },
	{ "cut from behind to ahead", { { 0, 10, 10, 10, false }, { 5, 10, 2, 10, true } } },
	{ "captured more than there was", { { 0, 4, 9, 4, false } } },
};

static void play(const struct step *step, uint32_t first)
{
	struct stream *stream = new_stream(first);
	for (; step->length > 0; step++) {
		uint8_t bytes[64];
		for (uint32_t i = 0; i < step->captured; i++)
			bytes[i] = text_at((uint32_t)step->from + i);
		uint32_t before = stream->length;
		bool grew = stream_segment(stream, first + (uint32_t)step->from, bytes,
					   step->captured, step->length);
		assert_int_equal(grew, stream->length > before);
		assert_int_equal(stream->length, step->in_order);
		assert_int_equal(stream->cut, step->cut);
		assert_text(stream);
	}
	free(stream);
}

static void test_tables(void **state)
{
	(void)state;
	static const uint32_t firsts[] = { 0,	       1,	   1000,      0x7ffffffb,
					   0x80000000, 0xfffffff9, UINT32_MAX };
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		print_message("  %s\n", tables[i].name);
		for (size_t k = 0; k < sizeof(firsts) / sizeof(firsts[0]); k++)
			play(tables[i].step, firsts[k]);
	}
}

static void test_not_started(void **state)
{
	(void)state;
	struct stream *stream = calloc(1, sizeof(*stream));
	assert_false(stream_segment(stream, 0, text(), 4, 4));
	assert_int_equal(stream->length, 0);
	free(stream);
}

static void test_touching_islands_are_one(void **state)
{
	(void)state;
	struct stream *stream = new_stream(0);
	for (uint32_t at = 40; at >= 10; at -= 10)
		stream_segment(stream, at, text() + at, 10, 10);
	for (uint32_t at = 50; at <= 80; at += 10)
		stream_segment(stream, at, text() + at, 10, 10);
	assert_int_equal(stream->spans, 1);
	free(stream);
}

static void test_first_copy_stays(void **state)
{
	(void)state;
	static const uint8_t other[8] = "????????";
	struct stream *stream = new_stream(0);
	stream_segment(stream, 4, text() + 4, 2, 2);
	stream_segment(stream, 0, text(), 2, 2);
	stream_segment(stream, 0, other, 8, 8);
	assert_int_equal(stream->length, 8);
	assert_memory_equal(stream->bytes, text(), 2);
	assert_memory_equal(stream->bytes + 2, "??", 2);
	assert_memory_equal(stream->bytes + 4, text() + 4, 2);
	assert_memory_equal(stream->bytes + 6, "??", 2);
	free(stream);
}

static void test_limit(void **state)
{
	(void)state;
	for (uint32_t length = SSH_STREAM_MAX - 1; length <= SSH_STREAM_MAX + 1; length++) {
		struct stream *stream = new_stream(UINT32_MAX - 5);
		stream_segment(stream, stream->first, text(), length, length);
		assert_int_equal(stream->length, length < SSH_STREAM_MAX ? length : SSH_STREAM_MAX);
		assert_text(stream);
		free(stream);
	}
	struct stream *stream = new_stream(0);
	assert_false(stream_segment(stream, SSH_STREAM_MAX, text(), 10, 10));
	assert_false(
		stream_segment(stream, SSH_STREAM_MAX - 1, text() + SSH_STREAM_MAX - 1, 1, 10));
	assert_int_equal(stream->spans, 1); /* what is cut beyond the limit is nothing */
	assert_true(stream_segment(stream, 0, text(), SSH_STREAM_MAX - 1, SSH_STREAM_MAX + 5));
	assert_int_equal(stream->length, SSH_STREAM_MAX);
	assert_false(stream->cut);
	assert_text(stream);
	free(stream);
}

/* `count` islands of one byte, 4 apart, then what lies between. */
static struct stream *islands(uint32_t count, bool from_far)
{
	struct stream *stream = new_stream(77);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = 4 * (from_far ? count - i : i + 1);
		assert_false(stream_segment(stream, 77 + at, text() + at, 1, 1));
		assert_in_range(stream->spans, 1, SPANS);
	}
	for (uint32_t i = 0; i <= count && !stream->cut; i++)
		stream_segment(stream, 77 + (i ? 4 * i + 1 : 0), text() + (i ? 4 * i + 1 : 0),
			       i ? 3 : 4, i ? 3 : 4);
	assert_text(stream);
	return stream;
}

static void test_islands(void **state)
{
	(void)state;
	for (int from_far = 0; from_far <= 1; from_far++) {
		for (uint32_t count = SPANS - 1; count <= SPANS; count++) {
			struct stream *stream = islands(count, from_far);
			assert_int_equal(stream->length, 4 * count + 4);
			assert_false(stream->cut);
			free(stream);
		}
		/* One too many: a far one is forgotten, and the stream says it is missing. */
		struct stream *stream = islands(SPANS + 1, from_far);
		assert_true(stream->cut);
		assert_int_equal(stream->length, 4 * SPANS);
		/* Sent again, the rest is there. */
		stream_segment(stream, 77, text(), 200, 200);
		assert_int_equal(stream->length, 200);
		assert_false(stream->cut);
		assert_text(stream);
		free(stream);
	}
}

/* A text in random pieces, some twice, some overlapping, some cut, some late. */
static void shuffle_once(uint32_t *seed)
{
	uint32_t total = 200 + die(seed, 3000);
	struct stream *stream = new_stream(0u - die(seed, 4000));
	for (unsigned round = 0; round < 60; round++) {
		uint32_t from = die(seed, total), length = 1 + die(seed, 300);
		if (length > total - from)
			length = total - from;
		uint32_t captured = die(seed, 4) ? length : die(seed, length + 1);
		stream_segment(stream, stream->first + from, text() + from, captured, length);
		assert_in_range(stream->spans, 0, SPANS);
		assert_true(stream->length <= total);
		assert_text(stream);
	}
	for (uint32_t at = 0; at < total; at += 100) {
		uint32_t length = total - at < 100 ? total - at : 100;
		stream_segment(stream, stream->first + at, text() + at, length, length);
	}
	assert_int_equal(stream->length, total);
	assert_int_equal(stream->spans, 0);
	assert_false(stream->cut);
	assert_text(stream);
	free(stream);
}

static void test_shuffled(void **state)
{
	(void)state;
	uint32_t seed = 2463534242;
	for (unsigned i = 0; i < 2000; i++)
		shuffle_once(&seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_not_started),
		cmocka_unit_test(test_touching_islands_are_one),
		cmocka_unit_test(test_first_copy_stays),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_islands),
		cmocka_unit_test(test_shuffled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
