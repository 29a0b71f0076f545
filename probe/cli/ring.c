#include "cli/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/outfile.h"
#include "sshwhy/savefile.h"

enum { RECORD = 32 + 16 }; /* what pcapng puts around a frame, padding and options included */

struct member {
	struct outfile file;
	struct savefile_writer *writer; /* NULL: it has not started */
	struct savefile_place begun;	/* where the first frame stands */
};

struct ring {
	const char *interface;
	char path[4096];
	struct member member[RING_FILES_MAX];
	unsigned count, current;
	uint64_t most, written; /* bytes of frames in one file */
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
	char name[4096];
	struct outfile *file = &ring->member[index].file;
	name_of(ring->path, ring->count, index, name);
	return outfile_open(file, name, error) &&
	       (outfile_stream(file) ||
		error_set(error, EXIT_CANNOT_WRITE, "%s: %s", name, strerror(errno)));
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
		ring->member[i].file.fd = -1;
	for (unsigned i = 0; i < files; i++)
		if (!open_one(ring, i, error)) {
			ring_abandon(ring);
			return NULL;
		}
	return ring;
}

static void fail(struct ring *ring, const struct error *error)
{
	if (!ring->failed)
		ring->error = *error;
	ring->failed = true;
}

static void start_one(struct ring *ring, struct member *member, uint32_t link)
{
	struct error error = { 0 };
	if (!member->file.fifo && ftruncate(member->file.fd, 0) != 0) {
		error_set(&error, EXIT_CANNOT_WRITE, "%s", strerror(errno));
		fail(ring, &error);
		return;
	}
	member->writer =
		savefile_writer_new(member->file.stream, "sshwhy " SSHWHY_VERSION, NULL, 0);
	(void)savefile_writer_interface(member->writer, ring->interface, link, 65535);
	member->begun = savefile_writer_place(member->writer);
}

void ring_start(struct ring *ring, uint32_t link)
{
	for (unsigned i = 0; i < ring->count; i++)
		start_one(ring, &ring->member[i], link);
}

void ring_frame(struct ring *ring, const struct frame *frame)
{
	uint64_t size = (uint64_t)frame->captured + RECORD;
	struct member *member = &ring->member[ring->current];
	if (ring->failed)
		return;
	if (!member->file.fifo && ring->written > 0 && ring->written + size > ring->most) {
		ring->current = (ring->current + 1) % ring->count;
		ring->written = 0;
		member = &ring->member[ring->current];
		savefile_writer_return(member->writer, member->begun);
	}
	savefile_writer_frame(member->writer, frame, NULL);
	ring->written += size;
}

static void end_one(struct ring *ring, struct member *member)
{
	struct error error = { 0 };
	if (member->writer != NULL && !savefile_writer_close(member->writer, &error))
		fail(ring, &error);
	outfile_close(&member->file);
}

bool ring_close(struct ring *ring, struct error *error)
{
	if (ring == NULL)
		return true;
	for (unsigned i = 0; i < ring->count; i++)
		end_one(ring, &ring->member[i]);
	bool failed = ring->failed;
	if (failed && error != NULL) {
		*error = ring->error;
		error_context(error, "%s", ring->path);
	}
	free(ring);
	return !failed;
}

void ring_abandon(struct ring *ring)
{
	char name[4096];
	for (unsigned i = 0; ring != NULL && i < ring->count; i++) {
		name_of(ring->path, ring->count, i, name);
		if (ring->member[i].file.created)
			outfile_remove(&ring->member[i].file, name);
	}
	(void)ring_close(ring, NULL);
}
