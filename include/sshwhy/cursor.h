/* cursor: the only reader of bytes that came from outside, bounded; used by all that parse.
 *
 * There is one exception, for speed: the first glance at a frame (analyze/traffic/look.h) reads a
 * few bytes by hand, each after a compare with what is left. tests/unit/test_look.c holds it
 * against decode().
 *
 * A read past the end yields 0 (or NULL), moves nothing and sets `failed`,
 * which stays set: a parser may read a whole structure and ask once. Nothing is
 * owned; the bytes must outlive the cursor. Offsets are subtracted from what is
 * left, never added to a pointer, so no length from the wire can overflow.
 */
#ifndef SSHWHY_CURSOR_H
#define SSHWHY_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static inline struct cursor cursor_over(const void *bytes, size_t length)
{
	return (struct cursor){ .at = bytes, .left = length };
}

/* Consumes `length` bytes and returns where they start. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t length)
{
	if (cursor->failed || length > cursor->left) {
		cursor->failed = true;
		return NULL;
	}
	const uint8_t *start = cursor->at;
	cursor->at += length;
	cursor->left -= length;
	return start;
}

/* Consumes `length` bytes and returns a cursor over just them. */
static inline struct cursor cursor_part(struct cursor *cursor, size_t length)
{
	const uint8_t *start = cursor_take(cursor, length);
	if (start == NULL)
		return (struct cursor){ .failed = true };
	return cursor_over(start, length);
}

static inline void cursor_skip(struct cursor *cursor, size_t length)
{
	(void)cursor_take(cursor, length);
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 1);
	return b ? b[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 2);
	return (uint16_t)(b ? b[0] << 8 | b[1] : 0);
}

static inline uint32_t cursor_be32(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 4);
	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

static inline uint16_t cursor_le16(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 2);
	return (uint16_t)(b ? b[1] << 8 | b[0] : 0);
}

static inline uint32_t cursor_le32(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 4);
	return b ? (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0] : 0;
}

#endif
