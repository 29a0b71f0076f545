/* Reading ahead in large steps, through zlib when the first bytes are gzip's. */
#include "savefile/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* A step stays in the processor's second-level cache until it has been looked at. */
#define READ_STEP ((size_t)128 * 1024)
#define PAGE	  ((size_t)4096)
#define WINDOW	  (PAGE + SOURCE_PEEK_MAX + READ_STEP)

struct gunzip {
	z_stream zlib;
	bool input_ended;
	bool between; /* a member has ended, another may follow */
	uint8_t input[READ_STEP];
};

static void fail(struct source *source, const char *text)
{
	snprintf(source->failure, sizeof(source->failure), "%s", text);
	source->ended = true;
}

static size_t read_memory(struct memory *memory, uint8_t *into, size_t room)
{
	size_t length = room < memory->left ? room : memory->left;
	memcpy(into, memory->at, length);
	memory->at += length;
	memory->left -= length;
	return length;
}

/* Until there is something to read, or nothing more shall be. */
static bool wait_for_bytes(struct source *source)
{
	struct pollfd fds[] = { { .fd = source->interrupt, .events = POLLIN },
				{ .fd = source->fd, .events = POLLIN } };
	while (source->interrupt >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	source->interrupted = fds[0].revents != 0;
	source->ended |= source->interrupted;
	return !source->interrupted;
}

/* Some bytes, 0 at the end, or after a failure. */
static size_t read_some(struct source *source, uint8_t *into, size_t room)
{
	if (source->fd < 0)
		return read_memory(&source->memory, into, room);
	while (wait_for_bytes(source)) {
		ssize_t got = read(source->fd, into, room);
		if (got >= 0)
			return (size_t)got;
		if (errno != EINTR && errno != EAGAIN) {
			fail(source, strerror(errno));
			return 0;
		}
	}
	return 0;
}

static void fill_plain(struct source *source, uint8_t *into, size_t room)
{
	size_t got = read_some(source, into, room);
	source->end += got;
	if (got == 0)
		source->ended = true;
}

static bool gunzip_input(struct source *source)
{
	struct gunzip *gunzip = source->gunzip;
	if (gunzip->zlib.avail_in > 0)
		return true;
	size_t got = gunzip->input_ended ? 0 : read_some(source, gunzip->input, READ_STEP);
	gunzip->input_ended = got == 0;
	gunzip->zlib.next_in = gunzip->input;
	gunzip->zlib.avail_in = (uInt)got;
	return got > 0;
}

/* RFC 1952 2.2: "A gzip file consists of a series of members". Zeros may pad the
 * last one (tapes do); anything else must be a member. */
static void next_member(struct source *source)
{
	struct gunzip *gunzip = source->gunzip;
	while (gunzip_input(source) && *gunzip->zlib.next_in == 0) {
		gunzip->zlib.next_in++;
		gunzip->zlib.avail_in--;
	}
	if (gunzip->zlib.avail_in == 0) {
		source->ended = true;
	} else if (inflateReset(&gunzip->zlib) != Z_OK) {
		fail(source, "the gzip stream cannot be reset");
	}
	gunzip->between = false;
}

static void fill_gunzip(struct source *source, uint8_t *into, size_t room)
{
	struct gunzip *gunzip = source->gunzip;
	if (gunzip->between) {
		next_member(source);
		return;
	}
	if (!gunzip_input(source)) {
		if (source->failure[0] == '\0')
			fail(source, "the gzip data ends early");
		return;
	}
	gunzip->zlib.next_out = into;
	gunzip->zlib.avail_out = (uInt)room;
	int result = inflate(&gunzip->zlib, Z_NO_FLUSH);
	source->end += room - gunzip->zlib.avail_out; /* what came before damage counts */
	if (result == Z_STREAM_END)
		gunzip->between = true;
	else if (result != Z_OK && result != Z_BUF_ERROR)
		fail(source, "the gzip data is damaged");
}

/* The rest goes to the front, to end where a page does: what the kernel then copies is
 * aligned as its own pages are (copies that are not can take four times as long). */
static void move_to_front(struct source *source)
{
	size_t rest = source_rest(source);
	size_t at = (PAGE - rest % PAGE) % PAGE;
	if (source->at != at)
		memmove(source->window + at, source->window + source->at, rest);
	source->at = at;
	source->end = at + rest;
}

bool source_fill(struct source *source, size_t length)
{
	if (!source->borrowed)
		move_to_front(source);
	while (source_rest(source) < length && !source->ended) {
		/* In whole steps, so that the first ones together fill at most one. */
		size_t room = READ_STEP - source->end % READ_STEP;
		uint8_t *into = source->window + source->end;
		if (source->gunzip != NULL)
			fill_gunzip(source, into, room);
		else
			fill_plain(source, into, room);
	}
	return source_rest(source) >= length;
}

bool source_skip(struct source *source, uint64_t length)
{
	while (length > 0) {
		size_t rest = source_rest(source);
		size_t step = length < rest ? (size_t)length : rest;
		source_advance(source, step);
		length -= step;
		if (length > 0 && !source_fill(source, 1))
			return false;
	}
	return true;
}

/* RFC 1952 2.3.1: "ID1 = 31 (0x1f, \037), ID2 = 139 (0x8b, \213)" */
static bool is_gzip(const uint8_t *magic)
{
	return magic[0] == 0x1f && magic[1] == 0x8b;
}

/* What was read to see that it is gzip's becomes the decompressor's first input. */
static bool start_gunzip(struct source *source)
{
	const uint8_t *magic = source_peek(source, 2);
	if (magic == NULL || !is_gzip(magic))
		return true;
	struct gunzip *gunzip = malloc(sizeof(*gunzip));
	if (gunzip == NULL)
		return false;
	memset(&gunzip->zlib, 0, sizeof(gunzip->zlib));
	gunzip->input_ended = false;
	gunzip->between = false;
	if (inflateInit2(&gunzip->zlib, 16 + MAX_WBITS) != Z_OK) {
		free(gunzip);
		return false;
	}
	/* To have two bytes, at most one step was read, to the front of the window: the input
	 * has room for it. */
	memcpy(gunzip->input, source->window, source->end);
	gunzip->zlib.next_in = gunzip->input;
	gunzip->zlib.avail_in = (uInt)source->end;
	source->end = 0;
	source->gunzip = gunzip;
	return true;
}

static struct source *source_new(int fd, int interrupt, struct memory memory)
{
	struct source *source = calloc(1, sizeof(*source));
	if (source == NULL)
		return NULL;
	source->fd = fd;
	source->interrupt = interrupt;
	source->memory = memory;
	source->window = aligned_alloc(PAGE, WINDOW); /* touched as far as records are long */
	if (source->window == NULL || !start_gunzip(source)) {
		free(source->window);
		free(source);
		return NULL;
	}
	return source;
}

/* Nothing is left to read: all is in the window. */
static struct source *source_borrow(struct memory memory)
{
	struct source *source = calloc(1, sizeof(*source));
	if (source == NULL)
		return NULL;
	source->fd = -1;
	source->window = (uint8_t *)(uintptr_t)memory.at; /* only read: see source_fill() */
	source->end = memory.left;
	source->borrowed = source->ended = true;
	return source;
}

struct source *source_over(const void *bytes, size_t length, struct error *error)
{
	struct memory memory = { .at = bytes, .left = length };
	bool plain = length < 2 || !is_gzip(bytes);
	struct source *source = plain ? source_borrow(memory) : source_new(-1, -1, memory);
	if (source == NULL)
		error_set(error, EXIT_NO_INPUT, "out of memory");
	return source;
}

/* Opening a FIFO waits for its writer; where that may be interrupted, reading it does. */
static int open_path(const char *path, int interrupt)
{
	return open(path, O_RDONLY | O_CLOEXEC | (interrupt >= 0 ? O_NONBLOCK : 0));
}

struct source *source_open(const char *path, int interrupt, struct error *error)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open_path(path, interrupt);
	if (fd < 0) {
		error_set(error, EXIT_NO_INPUT, "%s: %s", path, strerror(errno));
		return NULL;
	}
	struct source *source = source_new(fd, interrupt, (struct memory){ 0 });
	if (source == NULL) {
		error_set(error, EXIT_NO_INPUT, "%s: out of memory", path);
		if (!standard)
			close(fd);
		return NULL;
	}
	/* A directory opens, too; only reading it fails. */
	if (source->failure[0] != '\0' && source_rest(source) == 0) {
		error_set(error, EXIT_NO_INPUT, "%s: %s", path, source->failure);
		source_close(source);
		return NULL;
	}
	return source;
}

void source_close(struct source *source)
{
	if (source == NULL)
		return;
	if (source->gunzip != NULL) {
		inflateEnd(&source->gunzip->zlib);
		free(source->gunzip);
	}
	if (source->fd > STDIN_FILENO)
		close(source->fd);
	if (!source->borrowed)
		free(source->window);
	free(source);
}
