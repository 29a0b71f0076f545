/* The arena, and the two tables of values that go with it: errors and causes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sshwhy/arena.h"
#include "sshwhy/cause.h"
#include "sshwhy/error.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0,     1,     2,     7,	    8,	   15,	  16,	 17,
					16383, 16384, 16385, 65535, 65536, 65537, 300000 };
	enum { ROUNDS = 20, COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	struct arena arena = { 0 };
	unsigned char *items[ROUNDS][COUNT];
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < COUNT; i++) {
			unsigned char *item = arena_alloc(&arena, sizes[i]);
			assert_non_null(item);
			assert_int_equal((uintptr_t)item % _Alignof(max_align_t), 0);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(item[k], 0);
			memset(item, (int)(round * COUNT + i) & 0xff, sizes[i]);
			items[round][i] = item;
		}
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < COUNT; i++) {
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(items[round][i][k], (round * COUNT + i) & 0xff);
		}
	}
	arena_free(&arena);
	assert_null(arena.blocks);
	arena_free(&arena); /* and the arena may be used again */
	assert_non_null(arena_alloc(&arena, 1));
	arena_free(&arena);
}

/* -- under AddressSanitizer a step behind an item is seen --------------------------------- */

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define __asan_address_is_poisoned(at) ((void)(at), 1)
#endif

static void what_is_behind_an_item_is_forbidden(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 7, 8, 9, 16, 100, 2047, 2048, 2049, 9000 };
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	struct arena arena = { 0 };
	char *items[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		items[i] = arena_alloc(&arena, sizes[i]);
	for (size_t i = 0; i < COUNT; i++)
		assert_true(__asan_address_is_poisoned(items[i] + sizes[i]));
	arena_free(&arena);
}

static void strings(void **state)
{
	(void)state;
	struct arena arena = { 0 };
	assert_null(arena_string(&arena, NULL));
	assert_string_equal(arena_string(&arena, ""), "");
	assert_string_equal(arena_string(&arena, "abc"), "abc");
	assert_memory_equal(arena_copy(&arena, "a\0b", 3), "a\0b", 4);
	assert_string_equal(arena_copy(&arena, NULL, 0), "");
	assert_string_equal(arena_format(&arena, "%s-%d", "x", 7), "x-7");
	char *wide = arena_format(&arena, "%*s", 100000, "x");
	assert_int_equal(strlen(wide), 100000);
	arena_free(&arena);
}

static void arrays_grow(void **state)
{
	(void)state;
	struct arena arena = { 0 };
	unsigned *array = NULL;
	size_t moves = 0;
	for (unsigned count = 0; count < 5000; count++) {
		unsigned *grown = arena_grow(&arena, array, count, sizeof(*array));
		moves += grown != array;
		array = grown;
		array[count] = count;
		for (unsigned i = 0; i <= count; i += 1 + count / 16)
			assert_int_equal(array[i], i);
	}
	assert_true(moves <= 12);
	/* An array that was emptied keeps its room. */
	assert_ptr_equal(arena_grow(&arena, array, 0, sizeof(*array)), array);
	arena_free(&arena);
}

/* Its exit code, in a child; its line on standard error is not for here. */
static int exit_of(void (*function)(struct arena *))
{
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		struct arena arena = { 0 };
		function(&arena);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void too_large(struct arena *arena)
{
	volatile size_t size = SIZE_MAX; /* volatile: the compiler sees through it otherwise */
	(void)arena_alloc(arena, size);
}

static void too_many(struct arena *arena)
{
	volatile size_t size = SIZE_MAX / 4;
	(void)arena_grow(arena, NULL, 0, size);
}

static void copy_too_long(struct arena *arena)
{
	volatile size_t size = SIZE_MAX;
	(void)arena_copy(arena, "", size);
}

static void ends_when_memory_does(void **state)
{
	(void)state;
	assert_int_equal(exit_of(too_large), EXIT_UNAVAILABLE);
	assert_int_equal(exit_of(too_many), EXIT_UNAVAILABLE);
	assert_int_equal(exit_of(copy_too_long), EXIT_UNAVAILABLE);
}

static void errors(void **state)
{
	(void)state;
	struct error error;
	assert_false(error_set(&error, EXIT_NO_INPUT, "no %s", "file"));
	assert_int_equal(error.code, EXIT_NO_INPUT);
	assert_string_equal(error.text, "no file");
	assert_false(error_context(&error, "run %d", 7));
	assert_string_equal(error.text, "run 7: no file");
	assert_int_equal(error.code, EXIT_NO_INPUT);
	assert_false(error_set(&error, EXIT_USAGE, "again: %s", error.text));
	assert_string_equal(error.text, "again: run 7: no file");
	assert_false(error_set(NULL, EXIT_USAGE, "nobody asks"));
	assert_false(error_context(NULL, "nobody asks"));
	error_set(&error, EXIT_NO_INPUT, "%s", "two\nlines\x1b[31m\x7f");
	assert_string_equal(error.text, "two?lines?[31m?");
}

/* At the limit a text is whole, beyond it is cut where a character ends. */
static void long_errors(void **state)
{
	(void)state;
	struct error error;
	char text[sizeof(error.text) + 8];
	for (size_t length = sizeof(error.text) - 6; length < sizeof(text); length++) {
		memset(text, 'x', length);
		text[length] = '\0';
		error_set(&error, EXIT_USAGE, "%s", text);
		size_t most = sizeof(error.text) - 1;
		assert_int_equal(strlen(error.text), length < most ? length : most);

		memcpy(text + length - 3, "\xe2\x82\xac", 3); /* a euro sign at the end */
		error_set(&error, EXIT_USAGE, "%s", text);
		size_t whole = length - 3 < most && most < length ? length - 3 : most;
		assert_int_equal(strlen(error.text), length < whole ? length : whole);
	}
}

static void causes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CAUSES; i++) {
		enum cause cause = (enum cause)i, found = CAUSES;
		assert_non_null(cause_title(cause));
		assert_true(cause_by_name(cause_name(cause), &found));
		assert_int_equal(found, cause);
		/* "source.cause": the name begins with the name of its source */
		const char *source = source_name(cause_source(cause));
		if (cause_source(cause) != 0)
			assert_memory_equal(cause_name(cause), source, strlen(source));
	}
	enum cause found = CAUSES;
	assert_false(cause_by_name("vm.nothing", &found));
	assert_false(cause_by_name("", &found));
	assert_int_equal(found, CAUSES);
	assert_string_equal(cause_name(CAUSE_NSG_DENY), "nsg.deny");
	assert_int_equal(cause_source(CAUSE_VM_SSHD_DOWN), 5);
	assert_string_equal(cause_name(CAUSES), "unknown");
	assert_string_equal(source_name(0), "none");
	assert_string_equal(source_name(3), "endpoint");
	assert_string_equal(source_title(2), "Organization edge device");
	assert_string_equal(source_name(6), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(what_is_behind_an_item_is_forbidden),
		cmocka_unit_test(strings),
		cmocka_unit_test(arrays_grow),
		cmocka_unit_test(ends_when_memory_does),
		cmocka_unit_test(errors),
		cmocka_unit_test(long_errors),
		cmocka_unit_test(causes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
