#include "user/known_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sshwhy/arena.h"
#include "user/lines.h"

#define REMEMBERED_HOSTS 256 /* hosts, 7 KB each */
#define NAME_ROOM	 320

/* An entry is its line's number, the line and a NUL; at least "a b c" and a newline in the file. */
#define ENTRIES_ROOM (LINES_BYTES_MAX / 6 * (sizeof(unsigned) + 6) + LINE_LENGTH_MAX)

struct remembered {
	char name[NAME_ROOM];
	struct known known;
};

struct known_file {
	const char *path;
	char *entries;
	size_t used;
	struct arena arena; /* the answers */
	struct remembered *answers[REMEMBERED_HOSTS];
};

static void add_entry(struct known_file *file, const char *line, unsigned number)
{
	size_t length = strlen(line) + 1;
	memcpy(file->entries + file->used, &number, sizeof(number));
	memcpy(file->entries + file->used + sizeof(number), line, length);
	file->used += sizeof(number) + length;
}

/* Three words, or nothing is known by it. */
static bool may_be_entry(const char *line)
{
	for (int words = 0; words < 3; words++) {
		line += strspn(line, " \t");
		if (line[0] == '\0' || (words == 0 && line[0] == '#'))
			return false;
		line += strcspn(line, " \t");
	}
	return true;
}

static bool read_entries(struct known_file *file)
{
	struct lines lines;
	const char *line;
	if (!lines_open(&lines, file->path))
		return false;
	while ((line = lines_next(&lines)) != NULL)
		if (may_be_entry(line))
			add_entry(file, line, lines.number);
	lines_close(&lines);
	return true;
}

struct known_file *known_file_open(const char *path)
{
	struct known_file *file = calloc(1, sizeof(*file));
	if (file == NULL)
		return NULL;
	file->path = path;
	file->entries = malloc(ENTRIES_ROOM); /* the kernel gives what is written to */
	if (file->entries != NULL && read_entries(file))
		return file;
	int why = errno;
	known_file_close(file);
	errno = why;
	return NULL;
}

void known_file_close(struct known_file *file)
{
	if (file == NULL)
		return;
	arena_free(&file->arena);
	free(file->entries);
	free(file);
}

/* Where its answer is, or will be. Hosts that share a place are asked about anew: that costs time
 * alone. (FNV-1a) */
static struct remembered **place_of(struct known_file *file, const char *name)
{
	uint32_t hash = UINT32_C(2166136261);
	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
	return &file->answers[hash % REMEMBERED_HOSTS];
}

static void find_keys(const struct known_file *file, struct remembered *answer, const char *name)
{
	snprintf(answer->name, sizeof(answer->name), "%s", name);
	answer->known.count = 0;
	for (size_t at = 0; at < file->used && answer->known.count < KNOWN_KEYS_MAX;) {
		unsigned number;
		const char *line = file->entries + at + sizeof(number);
		memcpy(&number, file->entries + at, sizeof(number));
		known_line(&answer->known, line, name, file->path, number);
		at += sizeof(number) + strlen(line) + 1;
	}
}

const struct known *known_file_ask(struct known_file *file, const char *name)
{
	struct remembered **place = place_of(file, name);
	if (*place == NULL)
		*place = arena_alloc(&file->arena, sizeof(**place));
	if (strcmp((*place)->name, name) != 0)
		find_keys(file, *place, name);
	return &(*place)->known;
}
