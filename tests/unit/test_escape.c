/* escape: whatever the bytes, what comes out is printing UTF-8 and fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"

static void assert_escaped(const char *raw, const char *expected)
{
	char out[256];

	assert_string_equal(escape_text(raw, out, sizeof out), expected);
}

static void leaves_text_alone(void **state)
{
	(void)state;
	assert_escaped("", "");
	assert_escaped(NULL, "");
	assert_escaped("SSH-2.0-OpenSSH_9.2p1 Debian-2", "SSH-2.0-OpenSSH_9.2p1 Debian-2");
	assert_escaped("\"quoted\" <b>", "\"quoted\" <b>");
	assert_escaped("caf\u00e9 \u4eee\u60f3 \U0001F600", "caf\u00e9 \u4eee\u60f3 \U0001F600");
}

static void escapes_what_acts_on_a_terminal(void **state)
{
	(void)state;
	assert_escaped("\033[31mred", "\\x1b[31mred");
	assert_escaped("a\r\nb\tc\ab\177", "a\\x0d\\x0ab\\x09c\\x07b\\x7f");
	assert_escaped("\xc2\x9b"
		       "2J",
		       "\\xc2\\x9b2J"); /* U+009B, the C1 control sequence introducer */
	assert_escaped("\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f");
	assert_escaped("\u202e\u2066", "\\xe2\\x80\\xae\\xe2\\x81\\xa6");
	assert_escaped("\u200b\ufeff", "\\xe2\\x80\\x8b\\xef\\xbb\\xbf");
	assert_escaped("\u2028\u2029", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
	assert_escaped("\U000E0041", "\\xf3\\xa0\\x81\\x81");
}

/* Nobody can write an escape himself. */
static void tells_escapes_from_bytes(void **state)
{
	char out[8];

	(void)state;
	assert_escaped("\033", "\\x1b");
	assert_escaped("\\x1b", "\\\\x1b");
	assert_escaped("\\\033\\\\", "\\\\\\x1b\\\\\\\\");
	assert_string_equal(escape_text("123456\\", out, sizeof out), "1234...");
	assert_string_equal(escape_command("'it'\\''s'", out, sizeof out), "'it'...");
	assert_string_equal(escape_command("a\\ \033", out, sizeof out), "a\\ \\x1b");
}

static void escapes_invalid_utf8(void **state)
{
	(void)state;
	assert_escaped("\x80", "\\x80");
	assert_escaped("\x9b"
		       "31m",
		       "\\x9b31m");
	assert_escaped("\xc0\xaf", "\\xc0\\xaf"); /* overlong '/' */
	assert_escaped("\xe0\x81\x81\xf0\x80\x81\x81",
		       "\\xe0\\x81\\x81\\xf0\\x80\\x81\\x81");	    /* overlong 'A' */
	assert_escaped("\xe0\x80\x9b", "\\xe0\\x80\\x9b");	    /* overlong U+001B */
	assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");	    /* surrogate */
	assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
	assert_escaped("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
	assert_escaped("\xff\xfe", "\\xff\\xfe");
	assert_escaped("a\xe4\xbb", "a\\xe4\\xbb"); /* cut short by the end */
	assert_escaped("\xe4\xbbx", "\\xe4\\xbbx"); /* cut short by a letter */
}

static void cuts_what_does_not_fit(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(escape_text("1234567", out, sizeof out), "1234567");
	assert_string_equal(escape_text("12345678", out, sizeof out), "1234...");
	assert_string_equal(escape_text("123\u4eee\u60f3", out, sizeof out), "123...");
	assert_string_equal(escape_text("1\u4eee\u60f3", out, sizeof out), "1\u4eee\u60f3");
	assert_string_equal(escape_text("\x01\x02", out, sizeof out), "\\x01...");
	assert_string_equal(escape_text("12345", out, 4), "...");
}

static void knows_what_is_clean(void **state)
{
	(void)state;
	assert_true(escape_is_clean(""));
	assert_true(escape_is_clean("caf\u00e9"));
	assert_false(escape_is_clean("a\nb"));
	assert_false(escape_is_clean("\xff"));
}

static void counts_columns(void **state)
{
	(void)state;
	assert_int_equal(utf8_columns("abc", 3), 3);
	assert_int_equal(utf8_columns("\u00e9", 2), 1);
	assert_int_equal(utf8_columns("\u4eee\u60f3", 6), 4);
	assert_int_equal(utf8_columns("\xff\xff", 2), 2);
}

/* A small generator, so that a failure can be told by its number (xorshift, Marsaglia). */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void any_bytes_come_out_clean_and_bounded(void **state)
{
	(void)state;
	for (uint32_t round = 1; round <= 20000; round++) {
		uint32_t seed = round * 2654435761u;
		char raw[64];
		char out[4 + 200];
		size_t length = next_random(&seed) % sizeof raw;
		size_t size = 4 + next_random(&seed) % 200;

		for (size_t i = 0; i < length; i++)
			raw[i] = (char)next_random(&seed);
		raw[length < sizeof raw ? length : sizeof raw - 1] = '\0';
		escape_text(raw, out, size);
		assert_true(strlen(out) < size);
		assert_true(escape_is_clean(out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_text_alone),
		cmocka_unit_test(escapes_what_acts_on_a_terminal),
		cmocka_unit_test(tells_escapes_from_bytes),
		cmocka_unit_test(escapes_invalid_utf8),
		cmocka_unit_test(cuts_what_does_not_fit),
		cmocka_unit_test(knows_what_is_clean),
		cmocka_unit_test(counts_columns),
		cmocka_unit_test(any_bytes_come_out_clean_and_bounded),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
