/* Blocks that are filled from the front and freed together. */
#include "sshwhy/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sshwhy/memory.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
/* Under AddressSanitizer all of a block but its items is forbidden, and behind each item a gap
 * stays so: a step outside of one is seen, which neighbours would hide. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define BLOCK_ROOM ((size_t)8 * 1024)
#define GAP	   ((size_t)16)
#else
#define ASAN_POISON_MEMORY_REGION(start, size)	 ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define BLOCK_ROOM				 ((size_t)64 * 1024)
#define GAP					 ((size_t)0)
#endif

#define FIRST_CAPACITY ((size_t)8)

struct arena_block {
	struct arena_block *next;
	size_t room, used;
	bool zeroed;
	_Alignas(max_align_t) unsigned char bytes[];
};

/* What is large comes from the kernel as zeroes: pages that nobody writes to are never touched. Of
 * smaller blocks only what is used is cleared. */
static struct arena_block *block_new(size_t room, bool zeroed)
{
	if (room > SIZE_MAX - sizeof(struct arena_block))
		out_of_memory();
	size_t size = sizeof(struct arena_block) + room;
	struct arena_block *block = zeroed ? calloc(1, size) : malloc(size);
	if (block == NULL)
		out_of_memory();
	block->next = NULL;
	block->room = room;
	block->used = 0;
	block->zeroed = zeroed;
	ASAN_POISON_MEMORY_REGION(block->bytes, room);
	return block;
}

/* A large item gets a block of its own behind the current one, whose rest then
 * still serves the small items to come. */
static struct arena_block *block_for(struct arena *arena, size_t size)
{
	struct arena_block *current = arena->blocks;
	if (current != NULL && size <= current->room - current->used)
		return current;

	bool large = size > BLOCK_ROOM / 4;
	struct arena_block *block = block_new(large ? size : BLOCK_ROOM, large);
	if (large && current != NULL) {
		block->next = current->next;
		current->next = block;
	} else {
		block->next = current;
		arena->blocks = block;
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	if (size > SIZE_MAX - align - GAP)
		out_of_memory();
	/* Sizes, not addresses, are rounded up: the next item starts aligned. */
	size_t rounded = (size + align - 1) / align * align;
	if (rounded == 0)
		rounded = align;
	struct arena_block *block = block_for(arena, rounded + GAP);
	void *item = block->bytes + block->used;
	block->used += rounded + GAP;
	ASAN_UNPOISON_MEMORY_REGION(item, size);
	return block->zeroed ? item : memset(item, 0, size);
}

char *arena_copy(struct arena *arena, const void *bytes, size_t length)
{
	if (length == SIZE_MAX)
		out_of_memory();
	char *copy = arena_alloc(arena, length + 1);
	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_copy(arena, text, strlen(text));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) /* only an encoding error or more than INT_MAX bytes */
		out_of_memory();
	char *text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t item_size)
{
	bool full = array == NULL || (count >= FIRST_CAPACITY && (count & (count - 1)) == 0);
	if (!full)
		return array;
	size_t capacity = count < FIRST_CAPACITY ? FIRST_CAPACITY : count * 2;
	if (capacity < count || (item_size != 0 && capacity > SIZE_MAX / item_size))
		out_of_memory();
	void *grown = arena_alloc(arena, capacity * item_size);
	if (array != NULL && count > 0)
		memcpy(grown, array, count * item_size);
	return grown;
}

void arena_free(struct arena *arena)
{
	struct arena_block *block = arena->blocks;
	while (block != NULL) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
	arena->blocks = NULL;
}
