/* Replays a corpus where there is no libFuzzer: main FILE|FOLDER... */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX ((size_t)1 << 20)

static unsigned replayed;

static bool replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *room = malloc(INPUT_MAX);
	if (file == NULL || room == NULL) {
		perror(path);
		free(room);
		return false;
	}
	size_t length = fread(room, 1, INPUT_MAX, file);
	fclose(file);
	/* Of the exact size, so that a sanitizer sees a step further. */
	uint8_t *exact = malloc(length + (length == 0));
	if (exact != NULL) {
		memcpy(exact, room, length);
		LLVMFuzzerTestOneInput(exact, length);
		replayed++;
	}
	free(exact);
	free(room);
	return exact != NULL;
}

static bool replay(const char *path)
{
	DIR *folder = opendir(path);
	if (folder == NULL)
		return replay_file(path);
	bool good = true;
	const struct dirent *entry;
	while ((entry = readdir(folder)) != NULL) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		good &= replay_file(name);
	}
	closedir(folder);
	return good;
}

int main(int argc, char **argv)
{
	bool good = argc > 1;
	for (int i = 1; i < argc; i++)
		good &= replay(argv[i]);
	printf("%u inputs replayed\n", replayed);
	return good && replayed > 0 ? 0 : 1;
}
