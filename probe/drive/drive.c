#include "drive/drive.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drive/machine.h"
#include "names/resolve.h"
#include "process/reserve.h"
#include "user/privilege.h"

_Static_assert(RESERVE_HELD_MAX >= DRIVE_ADDRESSES * PLAN_CRAFTED_PORTS, "ports for all");
_Static_assert(SHIELDED_MAX >= DRIVE_ADDRESSES, "a rule for each");

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * SECONDS(1) + now.tv_nsec;
}

static void run_start(struct run *run, const struct drive_options *options)
{
	memset(run, 0, sizeof(*run));
	run->planned = true;
	run->host = arena_string(&run->arena, options->host);
	run->user = arena_string(&run->arena, options->user);
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

/* `count` sessions' local ports, the kernel's before the crafted ones. */
static bool reserve_ports(size_t count, struct reservation *reservation, struct error *error)
{
	static const struct port_block block = { .own = PLAN_KERNEL_PORTS,
						 .held = PLAN_CRAFTED_PORTS };
	struct port_zone zones[RESERVE_ZONES];
	size_t zone_count = reserve_zones(reserve_ephemeral(), zones);
	return reserve(zones, zone_count, block, count, reservation, error);
}

static struct ports all_ports(const struct reservation *reservation, size_t count)
{
	return (struct ports){ .kernel = reservation->own,
			       .kernel_count = (uint16_t)(count * PLAN_KERNEL_PORTS),
			       .crafted = reservation->held,
			       .crafted_count = (uint16_t)(count * PLAN_CRAFTED_PORTS) };
}

static struct ports ports_of(const struct ports *all, size_t session)
{
	return (struct ports){
		.kernel = (uint16_t)(all->kernel + session * PLAN_KERNEL_PORTS),
		.kernel_count = PLAN_KERNEL_PORTS,
		.crafted = (uint16_t)(all->crafted + session * PLAN_CRAFTED_PORTS),
		.crafted_count = PLAN_CRAFTED_PORTS,
	};
}

static bool open_sessions(struct session *sessions, size_t count,
			  const struct drive_options *options, const struct resolution *names,
			  const struct reference *reference, const struct person *person,
			  const struct ports *all, struct run *runs, struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		struct ports ports = ports_of(all, i);
		/* Once is enough: the verdict is about the first, or about health. */
		if (session_open(&sessions[i], options, &names->address[i],
				 i == 0 ? reference : NULL, person, &ports, &runs[i], error))
			continue;
		for (size_t n = 0; n <= i; n++)
			session_close(&sessions[n]);
		return false;
	}
	return true;
}

/* Each session's own peer answers to its own ports. */
static void shield_sessions(struct wire *wire, const struct session *sessions, size_t count)
{
	struct shielded shielded[SHIELDED_MAX];
	for (size_t i = 0; i < count; i++) {
		const struct ports *ports = &sessions[i].ports;
		shielded[i] = (struct shielded){
			.peer = sessions[i].run->address,
			.first = ports->crafted,
			.last = (uint16_t)(ports->crafted + ports->crafted_count - 1),
		};
	}
	wire_shield(wire, shielded, count);
}

/* The person's files are read as that person: root's before root becomes nobody. */
static bool drop_and_read(struct machine *machine, struct error *error)
{
	bool after = machine->person.sudo;
	return (after || machine_read_files(machine, error)) &&
	       privilege_drop(&machine->person, error) &&
	       (!after || machine_read_files(machine, error));
}

/* Everything that needs privilege. */
static bool open_all(struct session *sessions, size_t count, const struct drive_options *options,
		     const struct resolution *names, const struct reference *reference,
		     const struct ports *ports, struct wire *wire, struct machine *machine,
		     struct run *runs, struct error *error)
{
	struct person person;
	struct route routes[DRIVE_ADDRESSES + 1];
	person_find(&person);
	if (!open_sessions(sessions, count, options, names, reference, &person, ports, runs, error))
		return false;
	for (size_t i = 0; i < count; i++)
		routes[i] = sessions[i].route;
	machine_start(machine, options, &person, sessions, count);
	routes[count] = sessions[0].reference_route;
	if (!wire_open(wire, routes, count + 1, &person, options->interface, ports, error))
		return false;
	shield_sessions(wire, sessions, count);
	for (size_t i = 0; i < count; i++)
		session_attach(&sessions[i], wire);
	if (!drop_and_read(machine, error))
		return false;
	for (size_t i = 0; i < count; i++) {
		machine_tell_files(machine, &runs[i]);
		machine_tell_listeners(machine, i, &runs[i]);
	}
	return true;
}

static bool healthy(const struct run *run)
{
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].kind == EVENT_AUTH)
			return true;
	return false;
}

/* The first healthy address comes first: it is what the verdict is about. */
static void put_healthy_first(struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!healthy(&runs[i]))
			continue;
		struct run first = runs[i];
		runs[i] = runs[0];
		runs[0] = first;
		return;
	}
}

#define RESOLVE_PATIENCE_MS 5000 /* where half of the whole time would be too long */

/* Resolves the name; runs[0 .. *count) are begun, with what came of it. */
static void begin(const struct drive_options *options, int signals, struct resolution *names,
		  struct run *runs, size_t *count)
{
	run_start(&runs[0], options);
	int patience_ms =
		options->deep ? RESOLVE_PATIENCE_MS : (int)(options->timeout_ns / 2000000);
	resolve_within(options->host, options->family, patience_ms, signals, names);
	*count = names->count < DRIVE_ADDRESSES ? names->count : DRIVE_ADDRESSES;
	for (size_t i = 1; i < *count; i++)
		run_start(&runs[i], options);
	for (size_t i = 0; i < *count; i++)
		note_resolution(&runs[i], names);
	if (*count > 0)
		return;
	note_resolution(&runs[0], names);
	runs[0].interrupted = names->error == EAI_INTR;
	*count = 1;
}

/* An address of the target's family before others. */
static void choose_address(struct reference *reference, const struct resolution *found,
			   uint8_t family)
{
	for (size_t i = found->count; i-- > 0;)
		if (i == 0 ? reference->address.family != family
			   : found->address[i].family == family)
			reference->address = found->address[i];
}

#define REFERENCE_PATIENCE_MS 1500

static void find_reference(const struct drive_options *options, int signals, struct run *run,
			   uint8_t family, struct reference *reference)
{
	struct resolution found;
	char text[512];
	*reference =
		(struct reference){ .host = options->reference, .port = options->reference_port };
	if (options->reference == NULL)
		return;
	resolve_within(options->reference, options->family, REFERENCE_PATIENCE_MS, signals, &found);
	choose_address(reference, &found, family);
	if (found.count > 0)
		return;
	snprintf(text, sizeof(text), "the reference: %s does not resolve: %s", options->reference,
		 found.text);
	run_event(run,
		  &(struct event){ .kind = EVENT_LIMIT, .time_ns = run->stopped_ns, .text = text });
}

bool drive(const struct drive_options *options, int signals, struct run runs[DRIVE_ADDRESSES],
	   size_t *count, struct error *error)
{
	struct session sessions[DRIVE_ADDRESSES];
	struct wire wire = { 0 };
	struct machine machine = { 0 };
	struct reservation reservation = { 0 };
	struct resolution names;
	for (size_t i = 0; i < DRIVE_ADDRESSES; i++)
		session_init(&sessions[i]);
	if (!privilege_check(error))
		return false;
	begin(options, signals, &names, runs, count);
	if (names.count == 0)
		return true;
	struct reference reference;
	find_reference(options, signals, &runs[0], names.address[0].family, &reference);
	if (!reserve_ports(*count, &reservation, error))
		return false;
	struct ports ports = all_ports(&reservation, *count);
	bool done = open_all(sessions, *count, options, &names, &reference, &ports, &wire, &machine,
			     runs, error) &&
		    sessions_run(sessions, *count, &wire, &machine,
				 clock_ns(CLOCK_MONOTONIC) + options->timeout_ns, signals, error);
	for (size_t i = 0; i < *count; i++)
		session_close(&sessions[i]);
	wire_close(&wire);
	reserve_release(&reservation); /* when the shield is down */
	machine_close(&machine);
	put_healthy_first(runs, *count);
	return done;
}
