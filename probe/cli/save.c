#include "cli/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/outfile.h"
#include "sshwhy/saved.h"

static bool cannot(const struct save *save, int why, struct error *error)
{
	return error_set(error, EXIT_CANNOT_WRITE, "%s: %s", save->path, strerror(why));
}

static bool is_file(int fd)
{
	struct stat status;
	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Blocks are handed to the kernel whole: the largest is a frame with its comment. */
#define BLOCK_ROOM (128 * 1024)

bool save_open(struct save *save, const char *path, struct error *error)
{
	*save = (struct save){ .path = path, .fd = -1 };
	if (path == NULL)
		return true;
	save->fd = outfile_open(path, &save->created, error);
	if (save->fd < 0 || !is_file(save->fd))
		return save->fd >= 0;
	save->out = fdopen(save->fd, "w");
	if (save->out == NULL || setvbuf(save->out, NULL, _IOFBF, BLOCK_ROOM) != 0)
		return cannot(save, errno, error);
	return true;
}

/* -- as it comes --------------------------------------------------------------------- */

static bool may_be_long(off_t length)
{
	struct rlimit limit;
	bool may = getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= (rlim_t)length;
	errno = EFBIG;
	return may;
}

/* An older run is overwritten only where the new one has room to its end, comments included,
 * though the disk be full by then. fallocate() does not look at the limit on a file's size. */
#define ROOM ((off_t)1024 * 1024)

static bool has_room(const struct save *save)
{
	return may_be_long(ROOM) && fallocate(save->fd, FALLOC_FL_KEEP_SIZE, 0, ROOM) == 0;
}

/* Where not even the beginning has room, nothing is left of a file of ours: there is privilege
 * to remove it now, and may be none later. */
static void begin(struct save *save, const struct run *run)
{
	struct error ignored = { 0 };
	save->writer = run_writer_new(run, save->out);
	off_t length = ftello(save->out);
	if (length > 0 && ftruncate(save->fd, length) == 0)
		return;
	save->failure = errno != 0 ? errno : EIO;
	(void)run_writer_close(save->writer, &ignored);
	save->writer = NULL;
	if (save->created)
		outfile_remove(save->path, save->fd);
	save->created = false;
}

void save_grow(void *context, const struct run *run, bool begun)
{
	struct save *save = context;
	if (save->out == NULL || save->failure != 0)
		return;
	if (save->writer == NULL && (save->created || (begun && !save->begun && has_room(save))))
		begin(save, run);
	save->begun |= begun;
	if (save->writer != NULL)
		run_writer_add(save->writer, run);
}

/* -- at the end ---------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);
		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
	}
	return true;
}

static bool write_at(int fd, const char *bytes, off_t from, off_t to)
{
	return lseek(fd, from, SEEK_SET) == from &&
	       write_all(fd, bytes + from, (size_t)(to - from));
}

/* First what makes the file longer: only that can fail for want of room, and then all is as it
 * was. (The limit on a file's size is on overwriting, too.) */
static bool replace(int fd, const char *bytes, size_t size)
{
	struct stat status;
	off_t length = (off_t)size;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return write_all(fd, bytes, size);
	if (!may_be_long(length))
		return false;
	off_t old = status.st_size < length ? status.st_size : length;
	if (write_at(fd, bytes, old, length))
		return write_at(fd, bytes, 0, old) && ftruncate(fd, length) == 0;
	int why = errno;
	(void)!ftruncate(fd, status.st_size);
	errno = why;
	return false;
}

static bool write_run(struct save *save, const char *bytes, size_t length, struct error *error)
{
	struct error ignored = { 0 };
	(void)run_writer_close(save->writer, &ignored); /* all is written anew */
	save->writer = NULL;
	return replace(save->fd, bytes, length) || cannot(save, errno, error);
}

bool save_run(struct save *save, const struct run *run, const struct report *report,
	      struct arena *arena, struct error *error)
{
	char *bytes = NULL;
	size_t length = 0;
	if (save->fd < 0)
		return true;
	if (save->failure != 0)
		return cannot(save, save->failure, error);
	FILE *memory = open_memstream(&bytes, &length);
	if (memory == NULL)
		return cannot(save, errno, error);
	bool made = run_save(run, run_comments(run, report, arena), memory, error);
	if (fclose(memory) != 0 || !made) {
		free(bytes);
		return error_context(error, "%s", save->path);
	}
	bool written = write_run(save, bytes, length, error);
	save->begun = true;
	free(bytes);
	return written;
}

void save_close(struct save *save)
{
	struct error ignored = { 0 };
	(void)run_writer_close(save->writer, &ignored);
	if (save->fd < 0)
		return;
	if (save->created && !save->begun)
		outfile_remove(save->path, save->fd);
	if (save->out != NULL)
		(void)fclose(save->out);
	else
		close(save->fd);
}
