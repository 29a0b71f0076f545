/* Notes of a saved run, a line each, behind a question that is sound: what is read can be
 * written, says the same when read again, and can be reported. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fuzz.h"
#include "judge.h"
#include "run/note.h"
#include "sshwhy/verdict.h"

static const char *const sound[] = {
	"{\"sshwhy\":\"run/1\",\"host\":\"vm.example\",\"address\":\"20.99.0.4\",\"port\":22,"
	"\"vantage\":\"client\",\"deployment\":\"arm\",\"path\":\"internet\",\"interface\":"
	"\"eth0\","
	"\"local\":\"10.20.0.10\",\"mtu\":1500,\"started\":1700000000000000000,"
	"\"stopped\":1700000003000000000}",
	"{\"event\":\"open\",\"way\":\"kernel\",\"purpose\":\"ssh\",\"local_port\":40000,"
	"\"remote_port\":22}",
};

static void read_notes(struct run *run, const char *const *notes, size_t count)
{
	memset(run, 0, sizeof(*run));
	for (size_t i = 0; i < count; i++)
		(void)note_read(run, notes[i]);
}

/* Lines of `data` as strings in `arena`. */
static const char **lines(const uint8_t *data, size_t size, struct arena *arena, size_t *count)
{
	const char **found = arena_alloc(arena, (size + 3) * sizeof(*found));
	for (*count = 0; *count < 2; ++*count)
		found[*count] = sound[*count];
	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t length = end != NULL ? (size_t)(end - data) - at : size - at;
		found[(*count)++] = arena_copy(arena, data + at, length);
		at += length + 1;
	}
	return found;
}

static void report(const struct run *run, struct arena *arena)
{
	struct report_options options = { .group = "g", .vm = "v" };
	struct report report;
	report_build(&report, run, &options, arena);
	judge(&report, run->frame_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct run run, again;
	size_t count, written_count, again_count;
	const char *const *notes = lines(data, size, &arena, &count);
	read_notes(&run, notes, count);
	const char *const *written = notes_write(&run, &arena, &written_count);
	read_notes(&again, written, written_count);
	const char *const *rewritten = notes_write(&again, &arena, &again_count);
	expect(written_count == again_count);
	for (size_t i = 0; i < written_count; i++)
		expect(strcmp(written[i], rewritten[i]) == 0);
	report(&run, &arena);
	run_free(&again);
	run_free(&run);
	arena_free(&arena);
	return 0;
}
