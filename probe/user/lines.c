#include "user/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool lines_open(struct lines *lines, const char *path)
{
	struct stat status;
	lines->file = NULL;
	lines->number = 0;
	lines->bytes = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	bool sound = fstat(fd, &status) == 0;
	if (sound && !S_ISREG(status.st_mode)) {
		errno = EINVAL;
		sound = false;
	}
	if (sound)
		lines->file = fdopen(fd, "re");
	if (lines->file != NULL)
		return true;
	int cause = errno;
	close(fd);
	errno = cause;
	return false;
}

/* Reads to the end of the line; its length, which may be more than there is room for. */
static size_t read_line(struct lines *lines, int *last)
{
	size_t length = 0;
	int byte = EOF;
	while (lines->bytes < LINES_BYTES_MAX && (byte = getc_unlocked(lines->file)) != EOF) {
		lines->bytes++;
		if (byte == '\n')
			break;
		if (length < LINE_LENGTH_MAX)
			lines->text[length] = (char)byte;
		length++;
	}
	*last = byte;
	return length;
}

char *lines_next(struct lines *lines)
{
	int last = '\n';
	while (last != EOF && lines->bytes < LINES_BYTES_MAX) {
		size_t length = read_line(lines, &last);
		if (length == 0 && last == EOF)
			break;
		lines->number++;
		if (length > LINE_LENGTH_MAX)
			continue;
		lines->text[length] = '\0';
		lines->text[strcspn(lines->text, "\r")] = '\0';
		return lines->text;
	}
	return NULL;
}

void lines_close(struct lines *lines)
{
	if (lines->file != NULL)
		fclose(lines->file);
	lines->file = NULL;
}
