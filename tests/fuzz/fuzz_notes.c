/* Notes of a saved run, a line each, behind a question that is sound but for the fields that it
 * lacks: what is read can be written, says the same when read again, and can be reported. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fuzz.h"
#include "judge.h"
#include "run/note.h"
#include "sshwhy/verdict.h"

/* Two notes, field by field. */
struct field {
	unsigned note;
	const char *text;
};

static const struct field fields[] = {
	{ 0, "\"host\":\"vm.example\"" },
	{ 0, "\"address\":\"20.99.0.4\"" },
	{ 0, "\"port\":22" },
	{ 0, "\"vantage\":\"client\"" },
	{ 0, "\"deployment\":\"arm\"" },
	{ 0, "\"path\":\"internet\"" },
	{ 0, "\"interface\":\"eth0\"" },
	{ 0, "\"local\":\"10.20.0.10\"" },
	{ 0, "\"mtu\":1500" },
	{ 0, "\"started\":1700000000000000000" },
	{ 0, "\"stopped\":1700000003000000000" },
	{ 1, "\"way\":\"kernel\"" },
	{ 1, "\"purpose\":\"ssh\"" },
	{ 1, "\"local_port\":40000" },
	{ 1, "\"remote_port\":22" },
	{ 0, "\"named\":1" },
};
_Static_assert(sizeof(fields) / sizeof(fields[0]) == 16, "a bit of the input for each field");

/* The note without the fields that `absent` has a bit for. */
static const char *sound_note(unsigned note, uint16_t absent, struct arena *arena)
{
	const char *text = note == 0 ? "{\"sshwhy\":\"run/1\"" : "{\"event\":\"open\"";
	for (unsigned i = 0; i < 16; i++)
		if (fields[i].note == note && (absent & 1u << i) == 0)
			text = arena_format(arena, "%s,%s", text, fields[i].text);
	return arena_format(arena, "%s}", text);
}

static void read_notes(struct run *run, const char *const *notes, size_t count)
{
	memset(run, 0, sizeof(*run));
	for (size_t i = 0; i < count; i++)
		(void)note_read(run, notes[i]);
}

/* Two notes, then the lines of `data`, as strings in `arena`. */
static const char **lines(uint16_t absent, const uint8_t *data, size_t size, struct arena *arena,
			  size_t *count)
{
	const char **found = arena_alloc(arena, (size + 3) * sizeof(*found));
	for (*count = 0; *count < 2; ++*count)
		found[*count] = sound_note((unsigned)*count, absent, arena);
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

/* Two bytes say which fields are absent. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	uint16_t absent = (uint16_t)(data[0] | data[1] << 8);
	struct arena arena = { 0 };
	struct run run, again;
	size_t count, written_count, again_count;
	const char *const *notes = lines(absent, data + 2, size - 2, &arena, &count);
	read_notes(&run, notes, count);
	const char *const *written = notes_write(&run, &arena, &written_count);
	read_notes(&again, written, written_count);
	const char *const *rewritten = notes_write(&again, &arena, &again_count);
	expect(written_count == again_count);
	for (size_t i = 0; i < written_count; i++)
		expect(strcmp(written[i], rewritten[i]) == 0);
	if (run.planned) /* it says whom it is about */
		report(&run, &arena);
	run_free(&again);
	run_free(&run);
	arena_free(&arena);
	return 0;
}
