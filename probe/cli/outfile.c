#include "cli/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "user/person.h"

/* -- whose rights -------------------------------------------------------------------- */

/* The groups of this process, while it has those of somebody else. */
struct rights {
	bool borrowed;
	uid_t user;
	gid_t group, *groups;
	int count;
};

static bool keep_groups(struct rights *own)
{
	own->user = geteuid();
	own->group = getegid();
	own->count = getgroups(0, NULL);
	own->groups = own->count < 0 ? NULL : calloc((size_t)own->count + 1, sizeof(gid_t));
	return own->groups != NULL && getgroups(own->count, own->groups) == own->count;
}

static void give_back(struct rights *own)
{
	if (own->borrowed) {
		(void)!seteuid(own->user);
		(void)!setegid(own->group);
		(void)!setgroups((size_t)own->count, own->groups);
	}
	free(own->groups);
}

/* From here on files are opened as the one who called sudo would open them. (The uid for file
 * systems alone is not enough: /proc/sys asks for the effective one.) The capabilities that go past
 * a file's mode go with it, and come back. */
static bool borrow(struct rights *own)
{
	struct person person;
	*own = (struct rights){ .groups = NULL };
	person_find(&person);
	if (!person.sudo)
		return true;
	if (!keep_groups(own) || initgroups(person.name, person.gid) != 0)
		return false;
	own->borrowed = true;
	return setegid(person.gid) == 0 && seteuid(person.uid) == 0;
}

/* -- opening ------------------------------------------------------------------------- */

static int cannot(const char *path, const char *why, struct error *error)
{
	error_set(error, EXIT_CANNOT_WRITE, "%s: %s", path, why);
	return -1;
}

/* NULL: nothing speaks against writing to it. */
static const char *objection(mode_t mode)
{
	if (S_ISREG(mode) || S_ISFIFO(mode))
		return NULL;
	return S_ISLNK(mode)   ? "a symbolic link is not followed"
	       : S_ISDIR(mode) ? strerror(EISDIR)
			       : "neither a file nor a FIFO";
}

/* A reader that was started together with us may take a moment. */
#define READER_PATIENCE_MS 1000

/* Never waits for a reader but here and in wait_for_reader(). */
static int open_with_reader(const char *path)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	for (int waited = 0; fd < 0 && errno == ENXIO && waited < READER_PATIENCE_MS;
	     waited += 10) {
		nanosleep(&moment, NULL);
		fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	}
	return fd;
}

/* What is there is looked at before it is opened for writing (opening alone does something to
 * some devices), and it is what was looked at that is opened. */
static int open_again(struct outfile *file, const char *path, int place, struct error *error)
{
	char same[32];
	struct stat status;
	snprintf(same, sizeof(same), "/proc/self/fd/%d", place);
	if (fstat(place, &status) != 0)
		return cannot(path, strerror(errno), error);
	if (objection(status.st_mode) != NULL)
		return cannot(path, objection(status.st_mode), error);
	file->fifo = S_ISFIFO(status.st_mode);
	int fd = open_with_reader(same);
	if (fd < 0)
		return cannot(path, errno == ENXIO ? "nobody reads the FIFO" : strerror(errno),
			      error);
	return fd;
}

static int open_existing(struct outfile *file, const char *path, struct error *error)
{
	int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return cannot(path, strerror(errno), error);
	int fd = open_again(file, path, place, error);
	close(place);
	return fd;
}

static int open_file(struct outfile *file, const char *path, struct error *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	file->created = fd >= 0;
	if (fd >= 0)
		return fd;
	return errno == EEXIST ? open_existing(file, path, error)
			       : cannot(path, strerror(errno), error);
}

bool outfile_open(struct outfile *file, const char *path, struct error *error)
{
	struct rights own;
	*file = (struct outfile){ .fd = -1 };
	file->fd = borrow(&own) ? open_file(file, path, error)
				: cannot(path, "cannot take the rights of who called sudo", error);
	give_back(&own);
	return file->fd >= 0;
}

/* -- writing ------------------------------------------------------------------------- */

/* A pipe holds 64 KiB; who has read none of them for so long is not going to. Signals wait
 * meanwhile. */
#define FULL_PATIENCE_MS 3000

static bool wait_for_reader(int fd)
{
	struct pollfd full = { .fd = fd, .events = POLLOUT };
	if (poll(&full, 1, FULL_PATIENCE_MS) != 0)
		return true; /* write() says what else it is */
	errno = ETIME;
	return false;
}

bool outfile_write(const struct outfile *file, const void *bytes, size_t length)
{
	const char *next = bytes;
	while (length > 0) {
		ssize_t written = write(file->fd, next, length);
		if (written < 0 && errno == EAGAIN && wait_for_reader(file->fd))
			continue;
		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			next += written;
			length -= (size_t)written;
		}
	}
	return true;
}

static ssize_t write_to_reader(void *file, const char *bytes, size_t length)
{
	return outfile_write(file, bytes, length) ? (ssize_t)length : 0; /* 0: an error */
}

static FILE *open_stream(struct outfile *file)
{
	const cookie_io_functions_t to_reader = { .write = write_to_reader };
	return file->fifo ? fopencookie(file, "w", to_reader) : fdopen(file->fd, "w");
}

bool outfile_stream(struct outfile *file)
{
	file->room = malloc(OUTFILE_BLOCK);
	file->stream = file->room != NULL ? open_stream(file) : NULL;
	return file->stream != NULL &&
	       setvbuf(file->stream, file->room, _IOFBF, OUTFILE_BLOCK) == 0;
}

/* -- the end ------------------------------------------------------------------------- */

static bool is_same(const char *path, int fd)
{
	struct stat named, open;
	return lstat(path, &named) == 0 && fstat(fd, &open) == 0 && named.st_dev == open.st_dev &&
	       named.st_ino == open.st_ino;
}

void outfile_remove(const struct outfile *file, const char *path)
{
	struct rights own;
	if (borrow(&own) && is_same(path, file->fd))
		(void)unlink(path);
	give_back(&own);
}

void outfile_close(struct outfile *file)
{
	if (file->stream != NULL)
		(void)fclose(file->stream);
	if (file->fd >= 0 && (file->stream == NULL || file->fifo))
		close(file->fd);
	free(file->room);
	*file = (struct outfile){ .fd = -1 };
}
