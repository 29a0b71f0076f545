#include "cli/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "user/person.h"

/* -- whose rights -------------------------------------------------------------------- */

/* The groups of this process, while it has those of somebody else. */
struct rights {
	bool borrowed;
	gid_t *groups;
	int count;
};

static bool keep_groups(struct rights *own)
{
	own->count = getgroups(0, NULL);
	own->groups = own->count < 0 ? NULL : calloc((size_t)own->count + 1, sizeof(gid_t));
	return own->groups != NULL && getgroups(own->count, own->groups) == own->count;
}

static void give_back(struct rights *own)
{
	if (own->borrowed) {
		(void)setfsuid(geteuid());
		(void)setfsgid(getegid());
		(void)!setgroups((size_t)own->count, own->groups);
	}
	free(own->groups);
}

/* From here on files are opened as the one who called sudo would open them. setfsuid() takes the
 * capabilities that go past their modes; it does not say whether it did. */
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
	(void)setfsgid(person.gid);
	(void)setfsuid(person.uid);
	return (gid_t)setfsgid((gid_t)-1) == person.gid && (uid_t)setfsuid((uid_t)-1) == person.uid;
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

static int open_with_reader(const char *path)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	for (int waited = 0; fd < 0 && errno == ENXIO && waited < READER_PATIENCE_MS;
	     waited += 10) {
		nanosleep(&moment, NULL);
		fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	}
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, 0);
	return fd;
}

/* What is there is looked at before it is opened for writing (opening alone does something to
 * some devices), and it is what was looked at that is opened. */
static int open_again(const char *path, int place, struct error *error)
{
	char same[32];
	struct stat status;
	snprintf(same, sizeof(same), "/proc/self/fd/%d", place);
	if (fstat(place, &status) != 0)
		return cannot(path, strerror(errno), error);
	if (objection(status.st_mode) != NULL)
		return cannot(path, objection(status.st_mode), error);
	int fd = open_with_reader(same);
	if (fd < 0)
		return cannot(path, errno == ENXIO ? "nobody reads the FIFO" : strerror(errno),
			      error);
	return fd;
}

static int open_existing(const char *path, struct error *error)
{
	int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return cannot(path, strerror(errno), error);
	int fd = open_again(path, place, error);
	close(place);
	return fd;
}

static int open_file(const char *path, bool *created, struct error *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	*created = fd >= 0;
	if (fd >= 0)
		return fd;
	return errno == EEXIST ? open_existing(path, error) : cannot(path, strerror(errno), error);
}

int outfile_open(const char *path, bool *created, struct error *error)
{
	struct rights own;
	*created = false;
	int fd = borrow(&own) ? open_file(path, created, error)
			      : cannot(path, "cannot take the rights of who called sudo", error);
	give_back(&own);
	return fd;
}

static bool is_same(const char *path, int fd)
{
	struct stat named, open;
	return lstat(path, &named) == 0 && fstat(fd, &open) == 0 && named.st_dev == open.st_dev &&
	       named.st_ino == open.st_ino;
}

void outfile_remove(const char *path, int fd)
{
	struct rights own;
	if (borrow(&own) && is_same(path, fd))
		(void)unlink(path);
	give_back(&own);
}
