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

static void read_notes(struct run *run, const struct savefile *savefile)
{
	for (size_t i = 0; i < savefile_note_count(savefile); i++)
		(void)note_read(run, savefile_note(savefile, i));
}

bool run_begin(struct run *run, const struct savefile *savefile)
{
	memset(run, 0, sizeof(*run));
	read_notes(run, savefile);
	return run->planned;
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
		run_frame(run, &frame);
	read_interfaces(run, savefile);
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
