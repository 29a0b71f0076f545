#include "cli/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/outfile.h"
#include "sshwhy/savefile.h"

enum { RECORD = 32 + 16 }; /* what pcapng puts around a frame, padding and options included */

struct ring {
	const char *interface;
	char path[4096];
	FILE *files[RING_FILES_MAX];
	unsigned count, current;
	uint64_t most, written; /* bytes of one file */
	uint32_t link;
	struct savefile_writer *writer;
	bool failed;
	struct error error;
};

/* FILE-3.pcapng: the number stands before the ending, if there is one. */
static void name_of(const char *path, unsigned count, unsigned index, char name[4096])
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	size_t stem = strlen(path);
	if (dot != NULL && dot > (slash != NULL ? slash + 1 : path))
		stem = (size_t)(dot - path);
	if (count == 1)
		snprintf(name, 4096, "%s", path);
	else
		snprintf(name, 4096, "%.*s-%u%s", (int)stem, path, index, path + stem);
}

static bool open_one(struct ring *ring, unsigned index, struct error *error)
{
	bool created;
	char name[4096];
	name_of(ring->path, ring->count, index, name);
	int fd = outfile_open(name, &created, error);
	if (fd < 0)
		return false;
	(void)!ftruncate(fd, 0); /* a FIFO has nothing to lose */
	ring->files[index] = fdopen(fd, "w");
	if (ring->files[index] != NULL)
		return true;
	close(fd);
	return error_set(error, EXIT_CANNOT_WRITE, "%s: %s", name, strerror(errno));
}

struct ring *ring_open(const char *path, unsigned files, uint64_t bytes_each, const char *interface,
		       struct error *error)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	if (ring == NULL || strlen(path) > sizeof(ring->path) - 8) {
		error_set(error, EXIT_CANNOT_WRITE, "%s: %s", path,
			  ring == NULL ? "out of memory" : "the name is too long");
		free(ring);
		return NULL;
	}
	ring->interface = interface;
	ring->count = files;
	ring->most = bytes_each;
	snprintf(ring->path, sizeof(ring->path), "%s", path);
	for (unsigned i = 0; i < files; i++)
		if (!open_one(ring, i, error)) {
			(void)ring_close(ring, NULL);
			return NULL;
		}
	return ring;
}

static void begin_file(struct ring *ring)
{
	ring->writer =
		savefile_writer_new(ring->files[ring->current], "sshwhy " SSHWHY_VERSION, NULL, 0);
	(void)savefile_writer_interface(ring->writer, ring->interface, ring->link, 65535);
	ring->written = 0;
}

static void end_file(struct ring *ring)
{
	struct error error = { 0 };
	if (ring->writer != NULL && !savefile_writer_close(ring->writer, &error) && !ring->failed) {
		ring->failed = true;
		ring->error = error;
	}
	ring->writer = NULL;
}

static void next_file(struct ring *ring)
{
	end_file(ring);
	ring->current = (ring->current + 1) % ring->count;
	FILE *file = ring->files[ring->current];
	rewind(file);
	if (ftruncate(fileno(file), 0) != 0 && !ring->failed) {
		ring->failed = true;
		error_set(&ring->error, EXIT_CANNOT_WRITE, "%s", strerror(errno));
	}
	begin_file(ring);
}

void ring_start(struct ring *ring, uint32_t link)
{
	ring->link = link;
	begin_file(ring);
}

void ring_frame(struct ring *ring, const struct frame *frame)
{
	uint64_t size = (uint64_t)frame->captured + RECORD;
	if (ring->failed)
		return;
	if (ring->written > 0 && ring->written + size > ring->most)
		next_file(ring);
	savefile_writer_frame(ring->writer, frame, NULL);
	ring->written += size;
}

bool ring_close(struct ring *ring, struct error *error)
{
	if (ring == NULL)
		return true;
	end_file(ring);
	bool failed = ring->failed;
	if (failed && error != NULL) {
		*error = ring->error;
		error_context(error, "%s", ring->path);
	}
	for (unsigned i = 0; i < ring->count; i++)
		if (ring->files[i] != NULL)
			(void)fclose(ring->files[i]);
	free(ring);
	return !failed;
}
