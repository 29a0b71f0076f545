/* sshwhy watch: the diagnosis from live traffic, sending nothing. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "cli/options.h"
#include "cli/reports.h"
#include "cli/ring.h"
#include "process/clock.h"
#include "sshwhy/memory.h"
#include "sshwhy/ssh.h"
#include "user/privilege.h"
#include "wall/wall.h"

#define MEBIBYTE (UINT64_C(1) << 20)

struct watch_arguments {
	struct output output;
	struct report_options report;
	struct traffic_arguments traffic;
	const char *interface, *save;
	int64_t duration_ns; /* 0: until it is interrupted */
	uint64_t count;	     /* frames, 0: no limit */
	uint64_t ring_files, ring_mebibytes;
};

enum {
	KEY_DURATION = 256,
	KEY_COUNT,
	KEY_RING,
	KEY_RING_SIZE,
};

static const struct argp_option watch_options[] = {
	{ "interface", 'i', "IFACE", 0, "where to listen (any: on all)", 1 },
	{ "duration", KEY_DURATION, "SECONDS", 0, "how long (else until Ctrl-C)", 1 },
	{ "count", KEY_COUNT, "N", 0, "so many frames (of those that can concern SSH)", 1 },
	{ "write", 'w', "FILE.pcapng", 0, "save the frames, in a ring of files: FILE-0.pcapng ...",
	  3 },
	{ "ring", KEY_RING, "N", 0, "files of the ring (4; 1: FILE.pcapng alone)", 3 },
	{ "ring-size", KEY_RING_SIZE, "MB", 0, "MiB of each (16)", 3 },
	{ 0 },
};

static bool parse_count(const char *text, uint64_t most, uint64_t *count, struct error *error)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	*count = value;
	if (errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && value >= 1 &&
	    value <= most)
		return true;
	return error_set(error, EXIT_USAGE, "\"%s\" is no number from 1 to %llu", text,
			 (unsigned long long)most);
}

static bool set_option(struct watch_arguments *a, int key, const char *text, struct error *error)
{
	switch (key) {
	case KEY_DURATION:
		return parse_seconds(text, &a->duration_ns, error);
	case KEY_COUNT:
		return parse_count(text, INT64_MAX, &a->count, error);
	case KEY_RING:
		return parse_count(text, RING_FILES_MAX, &a->ring_files, error);
	default:
		return parse_count(text, 1 << 20, &a->ring_mebibytes, error);
	}
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct watch_arguments *a = state->input;
	struct error error = { 0 };
	bool fine = true;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->traffic;
		state->child_inputs[1] = &a->report;
		state->child_inputs[2] = &a->output;
		break;
	case ARGP_KEY_ARG:
		fine = error_set(&error, EXIT_USAGE, "watch takes no argument: \"%s\"", text);
		break;
	case ARGP_KEY_END:
		fine = a->interface != NULL ||
		       error_set(&error, EXIT_USAGE, "an interface is missing (-i IFACE)");
		break;
	case 'i':
		a->interface = text;
		break;
	case 'w':
		a->save = text;
		break;
	case KEY_DURATION ... KEY_RING_SIZE:
		fine = set_option(a, key, text, &error);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!fine)
		exit(output_error(&error));
	return 0;
}

/* -- what the kernel hands over ---------------------------------------------------------- */

/* The first look, made in the kernel: SSH by its ports, SYNs of all ports (if `all_syns`),
 * bytes that begin with "SSH-" (0x5353482d), ICMP errors; and what may carry one of those
 * inside, or is in pieces, whole. */
static void put_filter(const struct watch_arguments *a, bool all_syns, FILE *out)
{
	fprintf(out, "tcp port %u", SSH_PORT);
	for (size_t i = 0; i < a->traffic.port_count; i++)
		fprintf(out, " or tcp port %u", a->traffic.ports[i]);
	if (all_syns)
		fputs(" or tcp[tcpflags] & tcp-syn != 0 or (ip6 proto 6 and ip6[53] & 2 != 0)",
		      out);
	fputs(" or tcp[((tcp[12] & 0xf0) >> 2):4] = 0x5353482d"
	      " or (ip6 proto 6 and ip6[(40 + ((ip6[52] & 0xf0) >> 2)):4] = 0x5353482d)"
	      " or icmp[icmptype] = icmp-unreach or icmp[icmptype] = icmp-timxceed"
	      " or (ip6 proto 58 and ip6[40] < 128)"
	      " or ip proto 4 or ip proto 41 or ip proto 47 or ip6 proto 4 or ip6 proto 41"
	      " or ip6 proto 47 or udp port 4789 or udp port 8472 or udp port 6081"
	      " or (ip6 and ip6[6] != 6 and ip6[6] != 17 and ip6[6] != 58)",
	      out);
}

/* The caller frees it. */
static char *filter_of(const struct watch_arguments *a, bool all_syns)
{
	char *filter = NULL;
	size_t size = 0;
	FILE *text = memory_stream(&filter, &size);
	put_filter(a, all_syns, text);
	memory_stream_end(text, &filter);
	return filter;
}

static struct capture *open_capture(const struct watch_arguments *a, struct error *error)
{
	char *filter = filter_of(a, true);
	struct capture *capture =
		capture_open_busy(a->interface, &(struct capture_filter){ filter, filter }, error);
	free(filter);
	return capture;
}

/* -- watching ------------------------------------------------------------------------------ */

struct watch {
	const struct watch_arguments *arguments;
	struct capture *capture;
	struct traffic *traffic;
	struct ring *ring; /* NULL: nothing is saved */
	struct reports reports;
	uint64_t frames;
	bool interrupted;
	bool narrowed; /* SYNs to ports that are not known to be SSH's are no longer taken */
};

static bool enough(const struct watch *w)
{
	return w->arguments->count != 0 && w->frames >= w->arguments->count;
}

static void take_frame(void *context, const struct frame *frame)
{
	struct watch *w = context;
	struct frame numbered = *frame;
	if (enough(w))
		return;
	numbered.number = ++w->frames;
	traffic_frame(w->traffic, &numbered);
	if (w->ring != NULL)
		ring_frame(w->ring, &numbered);
}

static void take_report(void *context, const struct report *report)
{
	reports_take(context, report);
}

/* Time goes on without frames too, or a quiet line would settle nothing. */
static int64_t wait_ms(const struct watch *w, int64_t end_ns)
{
	const int64_t round = 1000;
	if (w->arguments->duration_ns == 0)
		return round;
	int64_t left = (end_ns - clock_ns(CLOCK_MONOTONIC)) / 1000000 + 1;
	return left < round ? left : round;
}

/* A flood of SYNs to other ports must not push SSH out: of a connection there, its beginning
 * is all that they tell. */
static void narrow(struct watch *w)
{
	struct error ignored;
	char *filter = filter_of(w->arguments, false);
	w->narrowed =
		capture_narrow(w->capture, &(struct capture_filter){ filter, filter }, &ignored);
	free(filter);
}

static void note_dropped(struct watch *w)
{
	uint64_t dropped = capture_dropped(w->capture);
	if (dropped > 0 && !w->narrowed)
		narrow(w);
	traffic_lost(w->traffic, dropped);
}

static bool watch_on(struct watch *w, int signals, struct error *error)
{
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
				{ .fd = capture_fd(w->capture), .events = POLLIN } };
	int64_t end_ns = clock_ns(CLOCK_MONOTONIC) + w->arguments->duration_ns;
	while (!enough(w) &&
	       (w->arguments->duration_ns == 0 || clock_ns(CLOCK_MONOTONIC) < end_ns)) {
		if (poll(fds, 2, (int)wait_ms(w, end_ns)) < 0 && errno != EINTR)
			return error_set(error, EXIT_UNAVAILABLE, "poll: %s", strerror(errno));
		if (fds[0].revents != 0) {
			w->interrupted = true;
			return true;
		}
		int taken = capture_read(w->capture, take_frame, w, error);
		if (taken < 0)
			return false;
		note_dropped(w);
		if (taken == 0)
			traffic_time(w->traffic, clock_ns(CLOCK_REALTIME));
	}
	return true;
}

/* What still waits in the kernel was seen before the end. */
static void take_rest(struct watch *w)
{
	struct error ignored;
	for (int rounds = 0; rounds < 1000; rounds++)
		if (capture_read(w->capture, take_frame, w, &ignored) <= 0)
			break;
	traffic_lost(w->traffic, capture_dropped(w->capture));
}

/* Everything that needs privilege, and then its end. */
static bool open_all(struct watch *w, struct error *error)
{
	const struct watch_arguments *a = w->arguments;
	struct person person;
	person_find(&person);
	w->capture = open_capture(a, error);
	if (w->capture == NULL)
		return false;
	if (a->save != NULL) {
		w->ring = ring_open(a->save, (unsigned)a->ring_files, a->ring_mebibytes * MEBIBYTE,
				    a->interface, error);
		if (w->ring == NULL)
			return false;
	}
	int fd = capture_fd(w->capture);
	return privilege_drop(&person, error) && wall_listener(&fd, 1, true, error);
}

static bool open_traffic(struct watch *w, struct error *error)
{
	const struct watch_arguments *a = w->arguments;
	struct traffic_options wanted = { .ports = a->traffic.ports,
					  .port_count = a->traffic.port_count,
					  .vantage_given = a->traffic.vantage_count > 0,
					  .vantage = a->traffic.vantages[0],
					  .interface = a->interface,
					  .report = a->report };
	if (!random_key(wanted.key, error))
		return false;
	w->traffic = traffic_new(&wanted, take_report, &w->reports);
	return w->traffic != NULL || error_set(error, EXIT_UNAVAILABLE, "out of memory");
}

static void tell_narrowed(const struct watch *w)
{
	struct error error = { 0 };
	if (!w->narrowed)
		return;
	error_set(&error, EXIT_HEALTHY,
		  "%s: %llu frames were lost; SYNs to other ports than SSH's were left out then",
		  w->arguments->interface, (unsigned long long)capture_dropped(w->capture));
	output_error(&error);
}

/* The reports of what was seen, however it ended. */
static int conclude(struct watch *w)
{
	struct error error = { 0 };
	take_rest(w);
	traffic_end(w->traffic);
	struct traffic_tally tally = traffic_tally(w->traffic);
	reports_room(w->arguments->interface, tally);
	tell_narrowed(w);
	bool none = summary_count(w->reports.summary) == 0 && w->reports.taken == 0;
	if (none) {
		error_set(&error, EXIT_UNKNOWN, "%s: no SSH conversation was seen",
			  w->arguments->interface);
		output_error(&error);
	}
	int code = reports_end(&w->reports);
	if (w->interrupted && code < EXIT_USAGE)
		code = EXIT_INTERRUPTED;
	if (!ring_close(w->ring, &error))
		code = output_error(&error);
	w->ring = NULL;
	return code;
}

int command_watch(int argc, char **argv)
{
	static const struct argp_child children[] = { { &traffic_argp, 0, NULL, 0 },
						      { &values_argp, 0, NULL, 0 },
						      { &output_argp, 0, "Output:", 9 },
						      { 0 } };
	static const struct argp argp = {
		.options = watch_options,
		.parser = parse,
		.doc = "Says why SSH does not work, from the traffic of an interface; sends "
		       "nothing.",
		.children = children,
	};
	struct watch_arguments a = { .traffic.vantages_most = 1,
				     .ring_files = 4,
				     .ring_mebibytes = 16 };
	struct watch watch = { .arguments = &a };
	struct error error = { 0 };
	int code;
	parse_command_line(&argp, argc, argv, &a);
	output_gap(&a.output);
	int signals = open_signals();
	if (!privilege_check(&error) ||
	    !reports_start(&watch.reports, &a.output, a.traffic.only, &error) ||
	    !open_traffic(&watch, &error) || !open_all(&watch, &error)) {
		code = output_error(&error);
		ring_abandon(watch.ring);
	} else {
		if (watch.ring != NULL)
			ring_start(watch.ring, capture_link(watch.capture));
		bool fine = watch_on(&watch, signals, &error);
		code = conclude(&watch);
		if (!fine)
			code = output_error(&error);
	}
	traffic_free(watch.traffic);
	capture_close(watch.capture);
	close(signals);
	return code;
}
