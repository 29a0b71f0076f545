#include "drive/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "drive/session.h"

#define SECOND INT64_C(1000000000)

/* Local ports for probes: above Linux's ephemeral range (32768 to 60999), so that no
 * socket of somebody else's gets one while we use it. */
#define PORTS_FROM  61000
#define PORTS_TO    65000

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static void run_start(struct run *run, const struct drive_options *options)
{
	memset(run, 0, sizeof(*run));
	run->planned = true;
	run->host = arena_string(&run->arena, options->host);
	run->port = options->port;
	run->vantage = options->vantage;
	run->deployment = options->deployment;
	run->path = options->path;
	run->started_ns = run->stopped_ns = clock_ns(CLOCK_REALTIME);
}

static void note_resolution(struct run *run, const struct resolution *names)
{
	char text[512] = "", address[ADDRESS_TEXT];
	for (size_t i = 0; i < names->count; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
			 address_text(&names->address[i], address));
	}
	run->named = !names->literal;
	run->stopped_ns = clock_ns(CLOCK_REALTIME);
	run_event(run, &(struct event){ .kind = EVENT_RESOLVED,
					.time_ns = run->stopped_ns,
					.error = names->error,
					.text = names->error ? names->text : text });
}

/* The first of `count` sessions' local ports, all of the kernel's before all crafted. */
static struct ports random_ports(size_t count)
{
	uint16_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint16_t)clock_ns(CLOCK_MONOTONIC);
	unsigned used = (unsigned)count * (PLAN_KERNEL_PORTS + PLAN_CRAFTED_PORTS);
	unsigned first = PORTS_FROM + random % (PORTS_TO - PORTS_FROM - used);
	return (struct ports){ .kernel = (uint16_t)first,
			       .crafted = (uint16_t)(first + count * PLAN_KERNEL_PORTS) };
}

static bool open_all(struct session *sessions, size_t count, const struct drive_options *options,
		     const struct resolution *names, const struct person *person,
		     struct ports first, struct run *runs, struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		struct ports ports = {
			.kernel = (uint16_t)(first.kernel + i * PLAN_KERNEL_PORTS),
			.crafted = (uint16_t)(first.crafted + i * PLAN_CRAFTED_PORTS),
		};
		if (!session_open(&sessions[i], options, &names->address[i], person, &ports,
				  &runs[i], error))
			return false;
	}
	return true;
}

/* The kernel answers SYN-ACKs for crafted SYNs with resets unless it does not see
 * them. Without a shield the probe goes on: less polite, no less true. */
static struct shield *raise_shield(struct ports first, size_t count)
{
	struct error ignored = { 0 };
	return shield_raise(first.crafted,
			    (uint16_t)(first.crafted + count * PLAN_CRAFTED_PORTS - 1), &ignored);
}

static bool healthy(const struct run *run)
{
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].kind == EVENT_AUTH)
			return true;
	return false;
}

/* One address after the other until one is healthy; that one comes first. */
static bool run_all(struct session *sessions, size_t count, int64_t timeout_ns, int signals,
		    struct run *runs, struct error *error)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + timeout_ns;
	for (size_t i = 0; i < count; i++) {
		runs[i].started_ns = clock_ns(CLOCK_REALTIME);
		if (!session_run(&sessions[i], deadline, signals, error))
			return false;
		if (!healthy(&runs[i]) && !runs[i].interrupted)
			continue;
		struct run first = runs[i];
		runs[i] = runs[0];
		runs[0] = first;
		break;
	}
	return true;
}

bool drive(const struct drive_options *options, int signals, struct run runs[DRIVE_ADDRESSES],
	   size_t *count, struct error *error)
{
	struct session sessions[DRIVE_ADDRESSES] = { 0 };
	struct resolution names;
	struct person person;
	*count = 1;
	run_start(&runs[0], options);
	if (!privilege_check(error))
		return false;
	person_find(&person);
	resolve(options->host, options->family, &names);
	note_resolution(&runs[0], &names);
	if (names.count == 0)
		return privilege_drop(&person, error);
	*count = names.count < DRIVE_ADDRESSES ? names.count : DRIVE_ADDRESSES;
	for (size_t i = 1; i < *count; i++) {
		run_start(&runs[i], options);
		note_resolution(&runs[i], &names);
	}
	struct ports first = random_ports(*count);
	bool done = open_all(sessions, *count, options, &names, &person, first, runs, error);
	struct shield *shield = done ? raise_shield(first, *count) : NULL;
	done = done && privilege_drop(&person, error) &&
	       run_all(sessions, *count, options->timeout_ns, signals, runs, error);
	for (size_t i = 0; i < *count; i++)
		session_close(&sessions[i]);
	shield_lower(shield);
	return done;
}
