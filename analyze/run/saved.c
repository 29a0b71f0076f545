/* A run as one pcapng, and back. */
#include <string.h>

#include "run/note.h"

#define SNAPLEN 262144

bool run_save(const struct run *run, const char *const *comments, FILE *out, struct error *error)
{
	struct arena arena = { 0 };
	size_t count;
	const char *const *notes = notes_write(run, &arena, &count);
	struct savefile_writer *writer =
		savefile_writer_new(out, "sshwhy " SSHWHY_VERSION, notes, count);
	for (size_t i = 0; i < run->interface_count; i++)
		(void)savefile_writer_interface(writer, run->interfaces[i].name,
						run->interfaces[i].link, SNAPLEN);
	for (size_t i = 0; i < run->frame_count; i++)
		savefile_writer_frame(writer, &run->frames[i], comments ? comments[i] : NULL);
	bool written = savefile_writer_close(writer, error);
	arena_free(&arena);
	return written;
}

/* -- a run that grows --------------------------------------------------------------- */

struct run_writer {
	struct arena arena; /* holds this struct and the questions */
	struct savefile_writer *savefile;
	struct savefile_place begun; /* behind the first question */
	const char *question;	     /* as told last */
	size_t events, frames, interfaces;
};

/* As long as the run goes on, nobody knows when it stops. */
static const char *open_question(const struct run *run, struct arena *arena)
{
	struct run open = *run;
	open.stopped_ns = 0;
	return note_question(&open, arena);
}

struct run_writer *run_writer_new(const struct run *run, FILE *out)
{
	struct arena arena = { 0 };
	struct run_writer *writer = arena_alloc(&arena, sizeof(*writer));
	writer->question = open_question(run, &arena);
	writer->savefile = savefile_writer_new(out, "sshwhy " SSHWHY_VERSION, &writer->question, 1);
	writer->begun = savefile_writer_place(writer->savefile);
	writer->arena = arena;
	return writer;
}

static void add_question(struct run_writer *writer, const char *question)
{
	if (strcmp(question, writer->question) == 0)
		return;
	savefile_writer_note(writer->savefile, question);
	writer->question = arena_string(&writer->arena, question);
}

static void add_rest(struct run_writer *writer, const struct run *run, const char *const *comments,
		     struct arena *arena)
{
	struct savefile_writer *savefile = writer->savefile;
	for (; writer->interfaces < run->interface_count; writer->interfaces++)
		(void)savefile_writer_interface(savefile, run->interfaces[writer->interfaces].name,
						run->interfaces[writer->interfaces].link, SNAPLEN);
	for (; writer->events < run->event_count; writer->events++)
		savefile_writer_note(savefile, note_event(&run->events[writer->events], arena));
	for (; writer->frames < run->frame_count; writer->frames++)
		savefile_writer_frame(savefile, &run->frames[writer->frames],
				      comments ? comments[writer->frames] : NULL);
}

void run_writer_add(struct run_writer *writer, const struct run *run)
{
	struct arena arena = { 0 };
	add_question(writer, open_question(run, &arena));
	add_rest(writer, run, NULL, &arena);
	arena_free(&arena);
}

/* From the front to the back: what the file holds at any moment is a run that was cut short. */
void run_writer_finish(struct run_writer *writer, const struct run *run,
		       const char *const *comments)
{
	struct arena arena = { 0 };
	savefile_writer_return(writer->savefile, writer->begun);
	writer->interfaces = writer->events = writer->frames = 0;
	add_rest(writer, run, comments, &arena);
	add_question(writer, note_question(run, &arena));
	arena_free(&arena);
}

bool run_writer_close(struct run_writer *writer, struct error *error)
{
	if (writer == NULL)
		return true;
	bool written = savefile_writer_close(writer->savefile, error);
	struct arena arena = writer->arena;
	arena_free(&arena);
	return written;
}

/* -- reading ------------------------------------------------------------------------ */

/* Of a run that grew the first question alone is there by now. */
bool run_begin(struct run *run, const struct savefile *savefile)
{
	memset(run, 0, sizeof(*run));
	for (size_t i = 0; i < savefile_note_count(savefile) && !run->planned; i++)
		(void)note_read(run, savefile_note(savefile, i));
	return run->planned;
}

static void read_notes(struct run *run, const struct savefile *savefile)
{
	for (size_t i = 0; i < savefile_note_count(savefile); i++)
		(void)note_read(run, savefile_note(savefile, i));
}

/* Nothing is known of what came after the last that is there, silence least of all. */
static void find_end(struct run *run)
{
	if (run->stopped_ns != 0)
		return;
	run->cut_short = true;
	run->stopped_ns = run->started_ns;
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].time_ns > run->stopped_ns)
			run->stopped_ns = run->events[i].time_ns;
	for (size_t i = 0; i < run->frame_count; i++)
		if (run->frames[i].time_ns > run->stopped_ns)
			run->stopped_ns = run->frames[i].time_ns;
}

/* So that the run can be written again. */
static void read_interfaces(struct run *run, const struct savefile *savefile)
{
	const size_t room = sizeof(run->interfaces) / sizeof(run->interfaces[0]);
	for (uint32_t i = 0; i < savefile_interface_count(savefile) && i < room; i++)
		run->interfaces[run->interface_count++] = (struct run_interface){
			.name = arena_string(&run->arena, savefile_interface_name(savefile, i)),
			.link = savefile_interface_link(savefile, i),
		};
}

bool run_frames(struct run *run, struct savefile *savefile, const char *path, struct error *error)
{
	struct frame frame;
	enum savefile_status status;
	while ((status = savefile_next(savefile, &frame)) == SAVEFILE_FRAME)
		(void)run_frame(run, &frame);
	read_interfaces(run, savefile);
	if (run->planned) {
		read_notes(run, savefile);
		run->events_kept.refused += savefile_notes_refused(savefile);
		find_end(run);
	}
	run_tell_refused(run);
	if (status == SAVEFILE_DAMAGED) {
		uint64_t offset;
		const char *damage = savefile_damage(savefile, &offset);
		error_set(error, EXIT_MALFORMED,
			  "%s: %s at byte %llu; %zu frames before it are used", path, damage,
			  (unsigned long long)offset, run->frame_count);
	}
	return status == SAVEFILE_END;
}

bool run_load(struct run *run, const char *path, struct error *error)
{
	memset(run, 0, sizeof(*run));
	struct savefile *savefile = savefile_open(path, error);
	if (savefile == NULL)
		return false;
	(void)run_begin(run, savefile);
	bool whole = run_frames(run, savefile, path, error);
	savefile_close(savefile);
	return whole;
}
