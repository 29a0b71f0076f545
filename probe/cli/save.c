/* The file of -w: opened before privilege goes, written when the run is over. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/outfile.h"
#include "sshwhy/saved.h"

static bool cannot(const struct save *save, struct error *error)
{
	return error_set(error, EXIT_CANNOT_WRITE, "%s: %s", save->path, strerror(errno));
}

bool save_open(struct save *save, const char *path, struct error *error)
{
	*save = (struct save){ .path = path, .fd = -1 };
	if (path == NULL)
		return true;
	save->fd = outfile_open(path, &save->created, error);
	return save->fd >= 0;
}

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

/* Of what may not grow so far nothing is written; fallocate() does not look at that limit where
 * the file keeps its size. */
static bool make_room(int fd, size_t length)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && length > limit.rlim_cur) {
		errno = EFBIG;
		return false;
	}
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)length) == 0 || errno == EOPNOTSUPP;
}

/* Room for the whole is had before the first byte of an older run is overwritten, so
 * that a full disk leaves that one as it was. */
static bool replace(int fd, const char *bytes, size_t length)
{
	struct stat status;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return write_all(fd, bytes, length);
	if (!make_room(fd, length))
		return false;
	if (write_all(fd, bytes, length) && ftruncate(fd, (off_t)length) == 0)
		return true;
	int why = errno;
	(void)!ftruncate(fd, 0); /* half a run is none */
	errno = why;
	return false;
}

bool save_run(struct save *save, const struct run *run, const struct report *report,
	      struct arena *arena, struct error *error)
{
	char *bytes = NULL;
	size_t length = 0;
	if (save->fd < 0)
		return true;
	FILE *memory = open_memstream(&bytes, &length);
	if (memory == NULL)
		return cannot(save, error);
	bool made = run_save(run, run_comments(run, report, arena), memory, error);
	if (fclose(memory) != 0 || !made) {
		free(bytes);
		return error_context(error, "%s", save->path);
	}
	bool written = replace(save->fd, bytes, length);
	save->created &= !written;
	free(bytes);
	return written || cannot(save, error);
}

void save_close(struct save *save)
{
	if (save->fd < 0)
		return;
	close(save->fd);
	if (save->created) /* and still empty */
		outfile_remove(save->path);
}
