/* sshwhy analyze: the diagnosis from saved captures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/reports.h"
#include "sshwhy/ssh.h"
#include "user/known_file.h"
#include "wall/wall.h"

struct analyze_arguments {
	struct output output;
	struct report_options report;
	char **files;
	int file_count;
	struct traffic_arguments traffic;
	const char *known_hosts;
	struct known_file *known;
	struct traffic_keys keys; /* what that file knows */
	struct joint *joint;	  /* NULL: each file for itself */
	int signals;
};

enum { KEY_KNOWN_HOSTS = 256 };

static const struct argp_option options[] = {
	{ "known-hosts", KEY_KNOWN_HOSTS, "FILE", 0,
	  "host keys that are known, by address: is the server's among them?", 2 },
	{ 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct analyze_arguments *a = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->traffic;
		state->child_inputs[1] = &a->report;
		state->child_inputs[2] = &a->output;
		return 0;
	case ARGP_KEY_ARGS:
		a->files = state->argv + state->next;
		a->file_count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		usage_error("a capture file is missing");
		return 0;
	case KEY_KNOWN_HOSTS:
		a->known_hosts = text;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void take_report(void *context, const struct report *report)
{
	reports_take(context, report);
}

static bool tell_interrupted(const char *file, const char *what, uint64_t frames,
			     struct error *error)
{
	return error_set(error, EXIT_INTERRUPTED, "%s: interrupted; %llu frames are %s", file,
			 (unsigned long long)frames, what);
}

/* A run of sshwhy's own: one diagnosis, whose plan is known. Without its end, packets that were not
 * read would count as packets that did not come. */
static bool analyze_run(const struct analyze_arguments *a, struct run *run,
			struct savefile *savefile, const char *file, struct reports *reports,
			struct error *error)
{
	struct arena arena = { 0 };
	struct report report;
	bool whole = run_frames(run, savefile, file, error);
	if (savefile_interrupted(savefile))
		return tell_interrupted(file, "not enough of a run", run->frame_count, error);
	report_build(&report, run, &a->report, &arena);
	report.attempts = 1;
	reports_take(reports, &report);
	arena_free(&arena);
	return whole;
}

/* A capture has addresses only: under them ssh keeps keys too (CheckHostIP), or who wrote the
 * file did. */
static enum event_word judge_key(void *context, const struct shown_key *key, char *why, size_t room)
{
	const struct analyze_arguments *a = context;
	char text[ADDRESS_TEXT], name[ADDRESS_TEXT + 16];
	known_name(address_text(key->server, text), key->port, name, sizeof(name));
	struct known known = *known_file_ask(a->known, name);
	if (known.count == 0 && key->port != SSH_PORT) { /* as ssh asks once more */
		known_name(text, SSH_PORT, name, sizeof(name));
		known = *known_file_ask(a->known, name);
		known.of_other_port = true;
	}
	return known_judge(&known, key->type, key->fingerprint, why, room);
}

/* Said at once, not of each key. */
static bool open_known_hosts(struct analyze_arguments *a, struct error *error)
{
	a->keys = (struct traffic_keys){ .context = a, .judge = judge_key };
	if (a->known_hosts == NULL)
		return true;
	a->known = known_file_open(a->known_hosts);
	return a->known != NULL ||
	       error_set(error, EXIT_NO_INPUT, "%s: %s", a->known_hosts, strerror(errno));
}

/* Of file number `index`, counted from 0. */
static struct traffic_options options_for(const struct analyze_arguments *a, int index)
{
	struct traffic_options wanted = { .ports = a->traffic.ports,
					  .port_count = a->traffic.port_count,
					  .vantage_given = a->traffic.vantage_count == 1 ||
							   index < (int)a->traffic.vantage_count,
					  .keys = a->known_hosts != NULL ? &a->keys : NULL,
					  .report = a->report };
	if (wanted.vantage_given)
		wanted.vantage = a->traffic.vantages[a->traffic.vantage_count == 1 ? 0 : index];
	return wanted;
}

static struct traffic *open_traffic(const struct analyze_arguments *a, int index,
				    struct reports *reports, struct error *error)
{
	struct traffic_options wanted = options_for(a, index);
	if (!random_key(wanted.key, error))
		return NULL;
	if (a->joint != NULL)
		wanted.heir = joint_begin(a->joint, a->files[index], &wanted);
	struct traffic *traffic = traffic_new(&wanted, take_report, reports);
	if (traffic == NULL)
		error_set(error, EXIT_UNAVAILABLE, "out of memory");
	return traffic;
}

static bool tell_damage(const struct savefile *savefile, const char *file, uint64_t frames,
			struct error *error)
{
	uint64_t offset;
	const char *damage = savefile_damage(savefile, &offset);
	return error_set(error, EXIT_MALFORMED,
			 "%s: %s at byte %llu; %llu frames before it are used", file, damage,
			 (unsigned long long)offset, (unsigned long long)frames);
}

/* Somebody else's capture: one pass, whatever its length. */
static bool analyze_traffic(const struct analyze_arguments *a, int index, struct savefile *savefile,
			    struct reports *reports, struct error *error)
{
	struct frame frame;
	enum savefile_status status;
	const char *file = a->files[index];
	struct traffic *traffic = open_traffic(a, index, reports, error);
	if (traffic == NULL)
		return false;
	while ((status = savefile_next(savefile, &frame)) == SAVEFILE_FRAME) {
		traffic_lost(traffic, savefile_lost(savefile));
		traffic_frame(traffic, &frame);
	}
	traffic_lost(traffic, savefile_lost(savefile));
	traffic_end(traffic);
	struct traffic_tally tally = traffic_tally(traffic);
	traffic_free(traffic);
	if (a->joint != NULL)
		joint_capture(a->joint, &tally);
	reports_room(file, tally);
	if (savefile_interrupted(savefile))
		return tell_interrupted(file, a->joint != NULL ? "not compared" : "used",
					tally.frames, error);
	if (status == SAVEFILE_DAMAGED)
		return tell_damage(savefile, file, tally.frames, error);
	/* (of one of several captures that is worth knowing: the others tell) */
	if (tally.conversations == 0 && a->joint == NULL)
		return error_set(error, EXIT_UNKNOWN, "%s: no SSH conversation in %llu frames",
				 file, (unsigned long long)tally.frames);
	return true;
}

/* 0, or why there is no verdict, or none of all of it. */
static int analyze_file(const struct analyze_arguments *a, int index, struct reports *reports)
{
	struct run run;
	struct error error = { 0 };
	const char *file = a->files[index];
	struct savefile *savefile = savefile_open_until(file, a->signals, &error);
	if (savefile == NULL)
		return output_error(&error);
	reports->capture = file;
	bool ours = run_begin(&run, savefile);
	bool fine = ours ? analyze_run(a, &run, savefile, file, reports, &error)
			 : analyze_traffic(a, index, savefile, reports, &error);
	run_free(&run);
	savefile_close(savefile);
	return fine ? EXIT_HEALTHY : output_error(&error);
}

/* What several captures show of the same conversations; that one of them does not have a packet is
 * known only when all were read. */
static int end_joint(const struct analyze_arguments *a, struct reports *reports, bool interrupted)
{
	struct error error = { 0 };
	if (a->joint == NULL)
		return EXIT_HEALTHY;
	if (interrupted) {
		joint_free(a->joint);
		return EXIT_INTERRUPTED;
	}
	joint_end(a->joint);
	uint64_t given_away = joint_given_away(a->joint);
	joint_free(a->joint);
	if (given_away > 0) {
		error_set(&error, EXIT_HEALTHY,
			  "%llu conversations were not compared with the other captures: there was "
			  "no "
			  "room for so many",
			  (unsigned long long)given_away);
		output_error(&error);
	}
	if (reports->taken > 0)
		return EXIT_HEALTHY;
	error_set(&error, EXIT_UNKNOWN, "no SSH conversation in any of the captures");
	return output_error(&error);
}

/* Of several exit codes the gravest: what kept a file from being read whole, then the most
 * troubled report. */
static int analyze_files(const struct analyze_arguments *a, struct reports *reports)
{
	int unread = EXIT_HEALTHY;
	for (int i = 0; i < a->file_count && unread != EXIT_INTERRUPTED; i++) {
		int code = analyze_file(a, i, reports);
		unread = code > unread ? code : unread;
	}
	int unjoined = end_joint(a, reports, unread == EXIT_INTERRUPTED);
	unread = unread > unjoined ? unread : unjoined;
	bool any = summary_count(reports->summary) > 0;
	int code = reports_end(reports);
	if (unread >= EXIT_USAGE && code < EXIT_USAGE)
		return unread;
	return any || code >= EXIT_USAGE || unread == EXIT_HEALTHY ? code : unread;
}

/* From here on nothing is opened but what the command line names. */
static bool raise_wall(const struct analyze_arguments *a, struct error *error)
{
	size_t count = (size_t)a->file_count;
	const char **files = calloc(count + 1, sizeof(*files));
	if (files == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "out of memory");
	memcpy(files, a->files, count * sizeof(*files));
	files[count] = a->known_hosts;
	bool raised = wall_reader(files, count + 1, error);
	free(files);
	return raised;
}

int command_analyze(int argc, char **argv)
{
	static const struct argp_child children[] = { { &traffic_argp, 0, NULL, 0 },
						      { &values_argp, 0, NULL, 0 },
						      { &output_argp, 0, "Output:", 9 },
						      { 0 } };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "FILE...",
		.doc = "Says why SSH did not work, from pcap or pcapng captures (\"-\": standard "
		       "input).",
		.children = children,
	};
	struct analyze_arguments a = { .traffic.vantages_most = JOINT_CAPTURES_MAX };
	struct reports reports;
	struct error error = { 0 };
	parse_command_line(&argp, argc, argv, &a);
	if (a.traffic.vantage_count > 1 && (int)a.traffic.vantage_count != a.file_count)
		usage_error("%u vantage points for %d captures", a.traffic.vantage_count,
			    a.file_count);
	output_gap(&a.output);
	if (!raise_wall(&a, &error) || !open_known_hosts(&a, &error))
		return output_error(&error);
	a.signals = open_signals();
	if (!reports_start(&reports, &a.output, a.traffic.only, &error))
		return output_error(&error);
	if (a.file_count > 1 && a.file_count <= JOINT_CAPTURES_MAX) {
		struct traffic_options wanted = options_for(&a, 0);
		a.joint = joint_new(&wanted, take_report, &reports);
	}
	int code = analyze_files(&a, &reports);
	known_file_close(a.known);
	return code;
}
