#include "cli/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sshwhy/saved.h"

static bool cannot(const struct save *save, int why, struct error *error)
{
	return error_set(error, EXIT_CANNOT_WRITE, "%s: %s", save->path, strerror(why));
}

bool save_open(struct save *save, const char *path, struct error *error)
{
	*save = (struct save){ .path = path, .file.fd = -1 };
	if (path == NULL)
		return true;
	return outfile_open(&save->file, path, error) &&
	       (outfile_stream(&save->file) || cannot(save, errno, error));
}

/* -- room ------------------------------------------------------------------------------ */

static bool may_be_long(off_t length)
{
	struct rlimit limit;
	bool may = getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= (rlim_t)length;
	errno = EFBIG;
	return may;
}

static bool grow_to(const struct outfile *file, off_t from, off_t length)
{
	static const char zeros[4096];
	bool grows = lseek(file->fd, from, SEEK_SET) == from;
	for (off_t at = from; grows && at < length; at += (off_t)sizeof(zeros))
		grows = outfile_write(file, zeros, sizeof(zeros));
	return grows;
}

/* Where the file system cannot reserve room, it is tried. */
static bool could_grow(const struct outfile *file, off_t length)
{
	struct stat status;
	if (fstat(file->fd, &status) != 0)
		return false;
	off_t at = lseek(file->fd, 0, SEEK_CUR);
	bool grows = grow_to(file, status.st_size, length);
	int why = errno;
	(void)!ftruncate(file->fd, status.st_size);
	(void)lseek(file->fd, at, SEEK_SET);
	errno = why;
	return grows;
}

/* fallocate() does not look at the limit on a file's size. */
static bool has_room(const struct outfile *file, off_t length)
{
	if (!may_be_long(length))
		return false;
	return fallocate(file->fd, FALLOC_FL_KEEP_SIZE, 0, length) == 0 ||
	       (errno == EOPNOTSUPP && could_grow(file, length));
}

/* -- as it comes --------------------------------------------------------------------- */

/* An older run is overwritten only where the new one has room to its end, comments included,
 * though the disk be full by then. */
#define ROOM ((off_t)1024 * 1024)

static void give_up(struct save *save, int why)
{
	struct error ignored = { 0 };
	save->failure = why != 0 ? why : EIO;
	(void)run_writer_close(save->writer, &ignored);
	save->writer = NULL;
}

/* Where not even the beginning has room, nothing is left of a file of ours: there is privilege
 * to remove it now, and may be none later. */
static void begin(struct save *save, const struct run *run)
{
	struct outfile *file = &save->file;
	if (!file->created && ftruncate(file->fd, 0) != 0) {
		give_up(save, errno);
		return;
	}
	save->writer = run_writer_new(run, file->stream);
	if (ftello(file->stream) > 0)
		return;
	give_up(save, errno);
	if (file->created)
		outfile_remove(file, save->path);
	file->created = false;
}

void save_grow(void *context, const struct run *run, bool begun)
{
	struct save *save = context;
	const struct outfile *file = &save->file;
	if (file->stream == NULL || file->fifo || save->failure != 0)
		return;
	if (save->writer == NULL &&
	    (file->created || (begun && !save->begun && has_room(file, ROOM))))
		begin(save, run);
	save->begun |= begun;
	if (save->writer != NULL)
		run_writer_add(save->writer, run);
}

/* -- at the end ---------------------------------------------------------------------- */

/* The run as it will be in the file, for its length, or for a FIFO. The caller frees it; NULL after
 * filling `error`. */
static char *make_run(const struct save *save, const struct run *run, const char *const *comments,
		      size_t *length, struct error *error)
{
	char *bytes = NULL;
	FILE *memory = open_memstream(&bytes, length);
	if (memory == NULL) {
		cannot(save, errno, error);
		return NULL;
	}
	struct run_writer *writer = run_writer_new(run, memory);
	run_writer_finish(writer, run, comments);
	bool made = run_writer_close(writer, error);
	if (fclose(memory) == 0 && made)
		return bytes;
	free(bytes);
	error_context(error, "%s", save->path);
	return NULL;
}

static bool write_over(struct save *save, const struct run *run, const char *const *comments,
		       size_t length, struct error *error)
{
	if (!has_room(&save->file, (off_t)length))
		return cannot(save, errno, error);
	if (save->writer == NULL)
		begin(save, run);
	if (save->writer == NULL)
		return cannot(save, save->failure, error);
	run_writer_finish(save->writer, run, comments);
	bool written = run_writer_close(save->writer, error);
	save->writer = NULL;
	return written || error_context(error, "%s", save->path);
}

bool save_run(struct save *save, const struct run *run, const struct report *report,
	      struct arena *arena, struct error *error)
{
	size_t length = 0;
	if (save->path == NULL)
		return true;
	if (save->failure != 0)
		return cannot(save, save->failure, error);
	const char *const *comments = run_comments(run, report, arena);
	char *bytes = make_run(save, run, comments, &length, error);
	if (bytes == NULL)
		return false;
	bool written = save->file.fifo ? outfile_write(&save->file, bytes, length) ||
						 cannot(save, errno, error)
				       : write_over(save, run, comments, length, error);
	save->begun = true;
	free(bytes);
	return written;
}

void save_close(struct save *save)
{
	struct error ignored = { 0 };
	(void)run_writer_close(save->writer, &ignored);
	if (save->file.created && !save->begun)
		outfile_remove(&save->file, save->path);
	outfile_close(&save->file);
}
