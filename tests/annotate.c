/* Writes saved runs anew: the same packets and notes, with the comments that today's analysis
 * has for them (pcaps/make). */
#include <stdio.h>
#include <stdlib.h>

#include "sshwhy/saved.h"
#include "sshwhy/verdict.h"

static bool write_anew(const char *path, const struct run *run, struct error *error)
{
	struct arena arena = { 0 };
	struct report report;
	struct report_options options = { 0 };
	char *bytes = NULL;
	size_t length = 0;
	if (run->frame_count == 0)
		return true; /* no comment to keep */
	report_build(&report, run, &options, &arena);
	FILE *memory = open_memstream(&bytes, &length);
	if (memory == NULL)
		return error_set(error, EXIT_CANNOT_WRITE, "%s: out of memory", path);
	bool made = run_save(run, run_comments(run, &report, &arena), memory, error);
	made &= fclose(memory) == 0;
	FILE *out = made ? fopen(path, "wb") : NULL;
	bool written = out != NULL && fwrite(bytes, 1, length, out) == length;
	written = out != NULL && fclose(out) == 0 && written;
	free(bytes);
	arena_free(&arena);
	if (!made)
		return error_context(error, "%s", path);
	return written || error_set(error, EXIT_CANNOT_WRITE, "%s: cannot be written", path);
}

int main(int argc, char **argv)
{
	int code = EXIT_HEALTHY;
	for (int i = 1; i < argc; i++) {
		struct run run;
		struct error error = { 0 };
		bool fine = run_load(&run, argv[i], &error) &&
			    (!run.planned || write_anew(argv[i], &run, &error));
		run_free(&run);
		if (fine)
			continue;
		fprintf(stderr, "annotate: %s\n", error.text);
		code = (int)error.code;
	}
	return code;
}
