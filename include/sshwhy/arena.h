/* arena: memory that lives as long as one run or one report, freed at once; begun by whoever makes
 * a run, used by all that belongs to it.
 *
 * Allocation failure ends the program (exit 69, with a line on
 * stderr): a diagnosis cannot go on without its memory, and no caller has a
 * better answer. A zeroed `struct arena` is ready for use.
 */
#ifndef SSHWHY_ARENA_H
#define SSHWHY_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena {
	struct arena_block *blocks;
};

/* Zeroed memory, aligned for any type, valid until arena_free(). */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `length` bytes with a NUL put behind them. */
char *arena_copy(struct arena *arena, const void *bytes, size_t length);
char *arena_string(struct arena *arena, const char *text); /* NULL stays NULL */
char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Grows an arena array: returns `array` itself, or a copy with twice the room
 * when `count` items fill it (capacity is always a power of two; NULL/0 to begin). */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t item_size);
/* So many times an item counts in what is spent: the smaller arrays stay in the arena. */
#define ARENA_COPIES 3

void arena_free(struct arena *arena);

#endif
