/* A file may leave out anything: each saved run is read again without one field of its notes,
 * each field in turn, and reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/note.h"
#include "sshwhy/report.h"
#include "sshwhy/verdict.h"

static const char *const fields[] = {
	"host",	 "address",   "port",	    "named",	   "vantage", "deployment",
	"path",	 "interface", "local",	    "mtu",	   "started", "stopped",
	"time",	 "way",	      "local_port", "remote_port", "purpose", "ttl",
	"error", "value",     "text",	    "detail",
};

/* The note without the field, read into `run`. */
static bool read_without(struct run *run, const char *note, const char *field)
{
	json_t *object = json_loads(note, 0, NULL);
	assert_non_null(object);
	(void)json_object_del(object, field);
	char *rest = json_dumps(object, JSON_COMPACT);
	bool ours = note_read(run, rest);
	free(rest);
	json_decref(object);
	return ours;
}

static void written_soundly(const struct report *report)
{
	char *bytes = NULL;
	size_t length = 0;
	struct text_style style = { .verbosity = 1 };
	FILE *out = open_memstream(&bytes, &length);
	assert_true(report_json(report, out) && report_text(report, &style, out));
	assert_int_equal(fclose(out), 0);
	assert_null(strstr(bytes, "(null)"));
	free(bytes);
}

static void is_whole(const struct run *run)
{
	assert_non_null(run->host);
	for (size_t i = 0; i < run->event_count; i++) {
		assert_non_null(run->events[i].text);
		assert_non_null(run->events[i].detail);
	}
}

static void without(const struct savefile *savefile, const struct run *whole, const char *field)
{
	struct run run = { .frames = whole->frames, .frame_count = whole->frame_count };
	struct report_options options = { .group = "g", .vm = "v" };
	struct arena arena = { 0 };
	struct report report;
	if (!read_without(&run, savefile_note(savefile, 0), field)) {
		assert_string_equal(field, "host"); /* of a name that did not resolve */
		assert_int_equal(whole->address.family, 0);
		return;
	}
	for (size_t i = 1; i < savefile_note_count(savefile); i++)
		(void)read_without(&run, savefile_note(savefile, i), field);
	is_whole(&run);
	report_build(&report, &run, &options, &arena);
	written_soundly(&report);
	arena_free(&arena);
	run_free(&run);
}

static void any_field_may_be_missing(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob(PCAPS "/*.pcapng", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct run whole;
		struct error error = { 0 };
		struct savefile *savefile = savefile_open(found.gl_pathv[i], &error);
		assert_non_null(savefile);
		assert_true(run_begin(&whole, savefile));
		assert_true(run_frames(&whole, savefile, found.gl_pathv[i], &error));
		for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
			without(savefile, &whole, fields[f]);
		run_free(&whole);
		savefile_close(savefile);
	}
	globfree(&found);
}

static void whom_it_is_about_may_not(void **state)
{
	(void)state;
	struct run run = { 0 };
	assert_false(note_read(&run, "{\"sshwhy\":\"run/1\",\"port\":22,\"named\":1}"));
	assert_false(run.planned);
	assert_true(note_read(&run, "{\"sshwhy\":\"run/1\",\"address\":\"::1\",\"named\":1}"));
	assert_string_equal(run.host, "::1");
	assert_false(run.named);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_field_may_be_missing),
		cmocka_unit_test(whom_it_is_about_may_not),
	};
	return cmocka_run_group_tests_name("missing", tests, NULL, NULL);
}
