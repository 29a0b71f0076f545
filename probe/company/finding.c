#include "company/finding.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sshwhy/memory.h"

#define PART_MOST ((size_t)16 << 20)
#define PIECE_MS  5000 /* between two pieces of one message */

struct header {
	int32_t kind, outcome;
	uint8_t tried, connected, keyed, served;
	uint32_t flow;
	struct socket_ends ends;
	int64_t began_ns;
	uint64_t length[FINDING_PARTS]; /* UINT64_MAX: there is no such part */
};

void finding_of_report(struct found_out *finding, const struct report *report, bool color)
{
	const struct text_style style = { .color = color };
	finding->kind = FINDING_MADE;
	finding->outcome = report->outcome;
	FILE *text = memory_stream(&finding->part[FINDING_TEXT], &finding->length[FINDING_TEXT]);
	report_text(report, &style, text);
	memory_stream_end(text, &finding->part[FINDING_TEXT]);
	FILE *json = memory_stream(&finding->part[FINDING_JSON], &finding->length[FINDING_JSON]);
	report_json(report, json);
	memory_stream_end(json, &finding->part[FINDING_JSON]);
	const char *summary = report->summary != NULL ? report->summary : "";
	finding->length[FINDING_SUMMARY] = strlen(summary);
	finding->part[FINDING_SUMMARY] = memory_or_end(strlen(summary) + 1);
	memcpy(finding->part[FINDING_SUMMARY], summary, strlen(summary) + 1);
}

static bool send_all(int fd, const void *bytes, size_t length)
{
	for (const char *at = bytes; length > 0;) {
		ssize_t sent = write(fd, at, length);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

bool finding_send(int fd, const struct found_out *finding)
{
	struct header header = { .kind = (int32_t)finding->kind,
				 .outcome = (int32_t)finding->outcome,
				 .tried = finding->tried,
				 .connected = finding->connected,
				 .keyed = finding->keyed,
				 .served = finding->served,
				 .flow = finding->flow,
				 .ends = finding->ends,
				 .began_ns = finding->began_ns };
	for (int i = 0; i < FINDING_PARTS; i++)
		header.length[i] = finding->part[i] != NULL ? finding->length[i] : UINT64_MAX;
	if (!send_all(fd, &header, sizeof(header)))
		return false;
	for (int i = 0; i < FINDING_PARTS; i++)
		if (finding->part[i] != NULL && !send_all(fd, finding->part[i], finding->length[i]))
			return false;
	return true;
}

static bool receive_all(int fd, void *bytes, size_t length)
{
	for (char *at = bytes; length > 0;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		if (poll(&wait, 1, PIECE_MS) <= 0)
			return false;
		ssize_t got = read(fd, at, length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		length -= (size_t)got;
	}
	return true;
}

static bool receive_part(int fd, uint64_t length, struct found_out *finding, int part)
{
	if (length == UINT64_MAX)
		return true;
	if (length > PART_MOST)
		return false;
	finding->part[part] = memory_or_end((size_t)length + 1);
	finding->part[part][length] = '\0';
	finding->length[part] = (size_t)length;
	return receive_all(fd, finding->part[part], (size_t)length);
}

bool finding_receive(int fd, struct found_out *finding)
{
	struct header header;
	memset(finding, 0, sizeof(*finding));
	if (!receive_all(fd, &header, sizeof(header)))
		return false;
	finding->kind = (enum finding_kind)header.kind;
	finding->outcome = (enum outcome)header.outcome;
	finding->tried = header.tried != 0;
	finding->connected = header.connected != 0;
	finding->keyed = header.keyed != 0;
	finding->served = header.served != 0;
	finding->flow = header.flow;
	finding->ends = header.ends;
	finding->began_ns = header.began_ns;
	for (int i = 0; i < FINDING_PARTS; i++)
		if (!receive_part(fd, header.length[i], finding, i))
			return false;
	return true;
}

void finding_free(struct found_out *finding)
{
	for (int i = 0; i < FINDING_PARTS; i++)
		free(finding->part[i]);
	memset(finding, 0, sizeof(*finding));
}
