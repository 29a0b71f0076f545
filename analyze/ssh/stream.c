/* stream: the first bytes of one TCP direction, put in order.
 *
 * The islands in `span` are sorted, apart from each other, and hold offsets from
 * byte 0. An empty island (from == to) is a mark: the byte there was on the wire
 * and the capture does not hold it. Bytes that came first stay, as they do in the
 * receiver; what a later copy says otherwise is not looked at.
 */
#include <string.h>

#include "sshwhy/ssh.h"

enum { SPANS = sizeof(((struct stream *)0)->span) / sizeof(((struct stream *)0)->span[0]) };

void stream_start(struct stream *stream, uint32_t first_sequence)
{
	stream->started = true;
	stream->first = first_sequence;
	stream->length = 0;
	stream->cut = false;
	stream->spans = 0;
}

static void remove_span(struct stream *stream, unsigned index)
{
	stream->spans--;
	memmove(&stream->span[index], &stream->span[index + 1],
		(stream->spans - index) * sizeof(stream->span[0]));
}

/* When there is no room the farthest island goes, and a mark says so: bytes that
 * are forgotten here are bytes that nobody can call missing on the wire. */
static void insert_span(struct stream *stream, unsigned index, uint32_t from, uint32_t to)
{
	bool full = stream->spans == SPANS;
	if (full && index == SPANS) {
		stream->span[SPANS - 1].to = stream->span[SPANS - 1].from;
		return;
	}
	if (full)
		stream->spans--;
	memmove(&stream->span[index + 1], &stream->span[index],
		(stream->spans - index) * sizeof(stream->span[0]));
	stream->span[index].from = from;
	stream->span[index].to = to;
	stream->spans++;
	if (full)
		stream->span[SPANS - 1].to = stream->span[SPANS - 1].from;
}

/* Whether island `index` shares bytes with from..to or touches it; a mark only
 * when the byte it stands for is among them. */
static bool joins(const struct stream *stream, unsigned index, uint32_t from, uint32_t to)
{
	uint32_t start = stream->span[index].from, end = stream->span[index].to;
	if (start == end)
		return from <= start && start < to;
	return from <= end && start <= to;
}

/* Copies what is not held yet of from..to. */
static void keep_bytes(struct stream *stream, uint32_t from, uint32_t to, const uint8_t *bytes)
{
	uint32_t at = from;
	for (unsigned i = 0; i < stream->spans && at < to; i++) {
		uint32_t start = stream->span[i].from, end = stream->span[i].to;
		if (end <= at)
			continue;
		if (start > at) {
			uint32_t gap = (start < to ? start : to) - at;
			memcpy(&stream->bytes[at], &bytes[at - from], gap);
		}
		at = end;
	}
	if (at < to)
		memcpy(&stream->bytes[at], &bytes[at - from], to - at);
}

static void add_island(struct stream *stream, uint32_t from, uint32_t to)
{
	unsigned i = 0;
	while (i < stream->spans && stream->span[i].from < from && !joins(stream, i, from, to))
		i++;
	while (i < stream->spans && joins(stream, i, from, to)) {
		if (stream->span[i].from < from)
			from = stream->span[i].from;
		if (stream->span[i].to > to)
			to = stream->span[i].to;
		remove_span(stream, i);
	}
	insert_span(stream, i, from, to);
}

static void add_mark(struct stream *stream, uint32_t at)
{
	unsigned i = 0;
	for (; i < stream->spans; i++) {
		if (stream->span[i].from > at)
			break;
		if (stream->span[i].from == at || at < stream->span[i].to)
			return; /* marked already, or held */
	}
	insert_span(stream, i, at, at);
}

/* Moves `length` over the islands it has reached. */
static void advance(struct stream *stream)
{
	stream->cut = false;
	while (stream->spans > 0 && stream->span[0].from <= stream->length) {
		if (stream->span[0].to > stream->length) {
			stream->length = stream->span[0].to;
		} else if (stream->span[0].from == stream->length) {
			stream->cut = true;
			return;
		}
		remove_span(stream, 0);
	}
}

static uint32_t clamp(int64_t offset, uint32_t least)
{
	if (offset < (int64_t)least)
		return least;
	return offset < SSH_STREAM_MAX ? (uint32_t)offset : SSH_STREAM_MAX;
}

bool stream_segment(struct stream *stream, uint32_t sequence, const uint8_t *bytes,
		    uint32_t captured, uint32_t length)
{
	if (!stream->started)
		return false;
	if (captured > length)
		captured = length;

	/* RFC 9293 3.4: "all arithmetic dealing with sequence numbers must be
	 * performed modulo 2**32": the distance is small and has a sign. */
	int64_t offset = (int32_t)(sequence - stream->first);
	uint32_t before = stream->length;
	uint32_t from = clamp(offset, before);
	uint32_t to = clamp(offset + captured, before);
	uint32_t wire_end = clamp(offset + length, before);

	if (from < to)
		keep_bytes(stream, from, to, bytes + (from - offset));
	if (from < to && from > before)
		add_island(stream, from, to);
	else if (from < to)
		stream->length = to;
	if (to < wire_end)
		add_mark(stream, to);
	advance(stream);
	return stream->length > before;
}
