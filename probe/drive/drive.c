#include "drive/drive.h"

#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive/machine.h"
#include "names/resolve.h"
#include "process/reserve.h"
#include "route/netlink.h"
#include "sshwhy/ssh.h"
#include "user/privilege.h"
#include "wall/wall.h"

_Static_assert(RESERVE_HELD_MAX >= DRIVE_ADDRESSES * PLAN_CRAFTED_PORTS,
	       "ports can be reserved for all addresses");
_Static_assert(DELIVERY_SESSIONS >= DRIVE_ADDRESSES, "the courier knows all addresses");
_Static_assert(SHIELDED_MAX >= DRIVE_ADDRESSES, "a rule of the shield for each address");

/* One diagnosis: a name, its addresses, and what their sessions have together. */
struct diagnosis {
	const struct drive_options *options;
	char zone[IF_NAMESIZE];
	struct consulted consulted;
	struct resolver *resolver; /* NULL: nobody asks name servers */
	struct resolution names;
	struct settings presumed; /* what was opened for before ssh answered */
	bool open;		  /* and stands */
	struct error no_courier;  /* why there is none */
	struct reference reference;
	struct sessions sessions;
	struct run *runs; /* the caller's: one for each session */
	struct person person;
	struct reservation reservation;
	struct netlink netlink;
	struct wire wire;
	struct machine machine;
};

/* Which lines and options decide: what they lead to may be what is wrong. */
static void note_settings(struct run *run, const struct consulted *consulted)
{
	for (int k = 0; k < CONFIG_KEYWORD_COUNT; k++)
		if (consulted->quote[k][0] != '\0')
			run_event(run, &(struct event){ .kind = EVENT_SETTING,
							.time_ns = run->started_ns,
							.text = consulted->quote[k],
							.detail = config_keywords[k] });
}

/* It had to look the name up for its configuration (CanonicalizeHostname), and there is none. */
static bool name_is_unknown(const struct consulted *consulted)
{
	return consulted->outcome == CONSULT_REFUSED &&
	       strstr(consulted->words, "Could not resolve host") != NULL;
}

/* ssh ends over a file of its configuration; those whose modes it does not like are found anyway.
 */
static bool config_is_broken(const struct consulted *consulted)
{
	return consulted->outcome == CONSULT_REFUSED && !name_is_unknown(consulted) &&
	       strncmp(consulted->words, "Bad owner or permissions", 24) != 0;
}

/* Why ssh's defaults are what was probed with. */
static void note_unasked(struct run *run, const struct consulted *consulted)
{
	static const char *const reasons[] = {
		[CONSULT_ABSENT] = "there is no ssh here",
		[CONSULT_SILENT] = "ssh -G did not answer in time",
		[CONSULT_REFUSED] = "ssh -G says",
		[CONSULT_FAILED] = "it cannot be asked",
	};
	char text[768];
	if (consulted->outcome != CONSULT_TOLD && consulted->outcome != CONSULT_STOPPED) {
		snprintf(text, sizeof(text), "ssh's own settings (its defaults were taken): %s%s%s",
			 reasons[consulted->outcome], consulted->words[0] != '\0' ? ": " : "",
			 consulted->words);
		run_event(run, &(struct event){ .kind = EVENT_LIMIT,
						.time_ns = run->started_ns,
						.text = text });
	}
	if (config_is_broken(consulted))
		run_event(run, &(struct event){ .kind = EVENT_MODE,
						.time_ns = run->started_ns,
						.word = WORD_MODE_FATAL,
						.text = consulted->words });
	if (consulted->unread[0] != '\0')
		run_event(run, &(struct event){ .kind = EVENT_LIMIT,
						.time_ns = run->started_ns,
						.text = consulted->unread });
}

/* What is only the caller's own name here is none of the VM's that anybody chose. */
static const char *chosen_user(const struct consulted *consulted, const struct person *person)
{
	const char *user = consulted->settings.user;
	return strcmp(user, person->name) != 0 || consulted->quote[CONFIG_USER][0] != '\0' ? user
											   : NULL;
}

/* What is known before anybody was asked. */
static void run_start(struct run *run, const struct drive_options *options)
{
	memset(run, 0, sizeof(*run));
	run->planned = true;
	run->host = arena_string(&run->arena, options->typed->host);
	run->port = options->typed->port != 0 ? options->typed->port : SSH_PORT;
	run->vantage = options->vantage;
	run->deployment = options->deployment;
	run->path = options->path;
	run->started_ns = run->stopped_ns = clock_ns(CLOCK_REALTIME);
}

/* And what ssh makes of it. */
static void run_settle(struct run *run, const struct diagnosis *d)
{
	const struct settings *settings = &d->consulted.settings;
	run->hostname = arena_string(&run->arena, d->consulted.target.hostname);
	if (d->consulted.by_jump)
		run->via = arena_string(&run->arena, settings->hostname);
	run->user = arena_string(&run->arena, chosen_user(&d->consulted, &d->person));
	run->port = settings->port;
	if (!d->options->deployment_given)
		run->deployment = deployment_of(settings->hostname);
	note_settings(run, &d->consulted);
	note_unasked(run, &d->consulted);
}

/* What ssh would look up is another name, perhaps: what has no dot may be an alias. */
static bool is_looked_up(const struct consulted *consulted)
{
	return consulted->outcome == CONSULT_TOLD || name_is_unknown(consulted) ||
	       (consulted->outcome == CONSULT_ABSENT &&
		strchr(consulted->settings.hostname, '.') != NULL);
}

static void note_unknown_name(struct run *run, const struct resolution *names)
{
	char text[NI_MAXHOST + 320];
	snprintf(text, sizeof(text),
		 "an address: %s does not resolve (%s), and what ssh makes of it is not known",
		 run->host, names->text);
	run_event(run,
		  &(struct event){ .kind = EVENT_LIMIT, .time_ns = run->stopped_ns, .text = text });
}

static void note_resolution(struct run *run, const struct consulted *consulted,
			    const struct resolution *names)
{
	char text[512] = "", address[ADDRESS_TEXT];
	for (size_t i = 0; i < names->count; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
			 address_text(&names->address[i], address));
	}
	run->named = !names->literal || names->error != 0;
	run->stopped_ns = clock_ns(CLOCK_REALTIME);
	if (names->error != 0 && names->error != EAI_INTR && !is_looked_up(consulted)) {
		note_unknown_name(run, names);
		return;
	}
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

static bool open_sessions(struct diagnosis *d, const struct ports *all, struct error *error)
{
	for (size_t i = 0; i < d->sessions.count; i++) {
		struct session_wish wish = {
			.options = d->options,
			.consulted = &d->consulted,
			.person = &d->person,
			.address = &d->names.address[i],
			/* Once is enough: the verdict is about the first, or about health. */
			.reference = i == 0 ? &d->reference : NULL,
			.ports = ports_of(all, i),
			.netlink = &d->netlink,
			.run = &d->runs[i],
		};
		if (session_open(&d->sessions.session[i], &wish, error))
			continue;
		for (size_t n = 0; n <= i; n++)
			session_close(&d->sessions.session[n]);
		return false;
	}
	return true;
}

/* Each session's own peer answers to its own ports. */
static void list_shielded(const struct diagnosis *d, struct shielded shielded[SHIELDED_MAX])
{
	for (size_t i = 0; i < d->sessions.count; i++) {
		const struct session *session = &d->sessions.session[i];
		const struct ports *ports = &session->ports;
		shielded[i] = (struct shielded){
			.peer = session->run->address,
			.first = ports->crafted,
			.last = (uint16_t)(ports->crafted + ports->crafted_count - 1),
		};
	}
}

/* Whom the sessions' plans may ask what for. */
static bool send_courier_out(struct diagnosis *d, struct error *error)
{
	struct errands errands = { .person = d->person, .count = d->sessions.count };
	if (d->sessions.courier == NULL) {
		*error = d->no_courier;
		return false;
	}
	if (d->options->interface != NULL)
		snprintf(errands.interface, sizeof(errands.interface), "%s", d->options->interface);
	for (size_t i = 0; i < errands.count; i++) {
		struct session *session = &d->sessions.session[i];
		errands.errand[i] = session_errand(session);
		machine_license_listeners(&d->machine, i, &errands.errand[i].licence);
		session->courier = d->sessions.courier;
		session->index = i;
	}
	return courier_send_out(d->sessions.courier, &errands, error);
}

static bool open_wire(struct diagnosis *d, const struct ports *all, struct error *error)
{
	const struct route *routes[DRIVE_ADDRESSES + 1];
	struct shielded shielded[SHIELDED_MAX];
	size_t count = d->sessions.count;
	for (size_t i = 0; i < count; i++)
		routes[i] = &d->sessions.session[i].route;
	routes[count] = &d->sessions.session[0].reference_route;
	list_shielded(d, shielded);
	struct wire_wish wish = { .routes = routes,
				  .route_count = count + 1,
				  .ports = *all,
				  .shielded = shielded,
				  .shielded_count = count };
	return wire_open(&d->wire, &wish, error);
}

static void attach_sessions(struct diagnosis *d)
{
	for (size_t i = 0; i < d->sessions.count; i++)
		session_attach(&d->sessions.session[i], &d->wire);
}

static bool await_courier(struct diagnosis *d, struct error *error)
{
	if (!courier_ready(d->sessions.courier, error))
		return false;
	for (size_t i = 0; i < d->sessions.count; i++)
		session_craft(&d->sessions.session[i]);
	return true;
}

/* The person's files are read as that person: root's before root becomes nobody. */
static bool drop_and_read(struct machine *machine, struct error *error)
{
	bool after = machine->person.sudo;
	return (after || machine_read_files(machine, error)) &&
	       privilege_drop(&machine->person, error) &&
	       (!after || machine_read_files(machine, error));
}

/* Everything is open and read; what comes now is from the network. */
static bool raise_wall(const struct diagnosis *d, struct error *error)
{
	int captures[WIRE_CAPTURES];
	size_t count = d->wire.capture_count;
	for (size_t i = 0; i < count; i++)
		captures[i] = capture_fd(d->wire.capture[i]);
	return wall_listener(captures, count, false, error);
}

static void close_all(struct diagnosis *d)
{
	for (size_t i = 0; i < d->sessions.count; i++)
		session_close(&d->sessions.session[i]);
	wire_close(&d->wire);
	d->wire = (struct wire){ .links = -1 };
	reserve_release(&d->reservation); /* when the shield is down */
	netlink_close(&d->netlink);
	machine_close(&d->machine);
}

/* What takes an address and a way there, and nothing else of what ssh says. Needs privilege. */
static bool open_all(struct diagnosis *d, struct error *error)
{
	struct ports all;
	wire_watch(&d->wire);
	if (!reserve_ports(d->sessions.count, &d->reservation, error))
		return false;
	all = all_ports(&d->reservation, d->sessions.count);
	if (!netlink_open(&d->netlink, error) || !open_sessions(d, &all, error))
		return false;
	machine_start(&d->machine, d->options, &d->consulted, &d->person, d->sessions.session,
		      d->sessions.count);
	return open_wire(d, &all, error);
}

/* And what was found of routes may be because of that. */
static bool nothing_went(struct diagnosis *d, struct error *error)
{
	return !wire_gone(&d->wire) ||
	       error_set(error, EXIT_UNAVAILABLE, "%s went down while the probe began",
			 d->wire.gone);
}

/* Everything else that needs privilege. */
static bool begin(struct diagnosis *d, struct error *error)
{
	if (!send_courier_out(d, error))
		return false;
	attach_sessions(d); /* while the courier makes ready */
	if (!drop_and_read(&d->machine, error) || !await_courier(d, error) ||
	    !nothing_went(d, error))
		return false;
	for (size_t i = 0; i < d->sessions.count; i++) {
		d->sessions.session[i].opinion = d->machine.opinion[i];
		machine_tell_files(&d->machine, &d->runs[i]);
		machine_tell_listeners(&d->machine, i, &d->runs[i]);
	}
	/* From the wall on no file can be removed: what could end the probe before it begins is
	 * done before. */
	return sessions_plan(&d->sessions, error) && raise_wall(d, error);
}

/* -- while ssh is asked ------------------------------------------------------------------- */

/* An address, and no option that says another way: ssh will hardly say anything else. */
static bool leads_nowhere_else(const struct drive_options *options)
{
	const char *host = options->typed->host;
	return address_of_literal(host).family != 0 && strchr(host, '%') == NULL &&
	       options->reference == NULL;
}

/* ssh -G takes as long as everything else until the first packet: what is opened meanwhile is for
 * what was typed. Nothing is sent before ssh has answered. */
static void presume(struct diagnosis *d)
{
	struct error ignored; /* what is wrong shows again without haste */
	struct settings *settings = &d->consulted.settings;
	if (!leads_nowhere_else(d->options))
		return;
	settings_assume(settings, d->options->typed, &d->person);
	resolve_within(NULL, settings->hostname, settings->family, 0, -1, &d->names);
	d->presumed = *settings;
	d->sessions.count = d->names.count;
	d->runs[0].port = settings->port;
	d->open = d->names.count == 1 && open_all(d, &ignored);
	if (!d->open)
		close_all(d);
}

static bool leads_elsewhere(const struct settings *a, const struct settings *b)
{
	return strcmp(a->hostname, b->hostname) != 0 || a->port != b->port ||
	       a->family != b->family || strcmp(a->bind_address, b->bind_address) != 0 ||
	       strcmp(a->bind_interface, b->bind_interface) != 0;
}

/* What ssh has started may have changed the way (a tunnel's `Match exec`). */
static bool check_presumed(struct diagnosis *d, struct error *error)
{
	if (!d->open)
		return true;
	if (!nothing_went(d, error))
		return false;
	d->open = !leads_elsewhere(&d->presumed, &d->consulted.settings) &&
		  session_stands(&d->sessions.session[0], d->person.uid);
	if (!d->open)
		close_all(d);
	return true;
}

/* The first healthy address comes first: it is what the verdict is about. */
static void put_healthy_first(struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!run_healthy(&runs[i]))
			continue;
		struct run first = runs[i];
		runs[i] = runs[0];
		runs[0] = first;
		return;
	}
}

#define RESOLVE_PATIENCE_MS 5000 /* half of the whole time at most */

/* Resolves the name; besides the first, as many runs as there will be sessions are begun, with what
 * came of it. */
static void begin_runs(struct diagnosis *d, size_t *begun)
{
	const struct drive_options *options = d->options;
	size_t count;
	run_settle(&d->runs[0], d);
	int64_t half_ms = options->timeout_ns / 2000000;
	int patience_ms = half_ms < RESOLVE_PATIENCE_MS ? (int)half_ms : RESOLVE_PATIENCE_MS;
	const struct settings *settings = &d->consulted.settings;
	resolve_within(d->resolver, settings->hostname, settings->family, patience_ms,
		       d->sessions.signals, &d->names);
	count = d->names.count < DRIVE_ADDRESSES ? d->names.count : DRIVE_ADDRESSES;
	*begun = count > 0 ? count : 1;
	d->sessions.count = count;
	for (size_t i = 1; i < count; i++) {
		run_start(&d->runs[i], options);
		run_settle(&d->runs[i], d);
	}
	for (size_t i = 0; i < *begun; i++)
		note_resolution(&d->runs[i], &d->consulted, &d->names);
	d->runs[0].interrupted = count == 0 && d->names.error == EAI_INTR;
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

static void find_reference(struct diagnosis *d)
{
	const struct drive_options *options = d->options;
	struct resolution found;
	struct run *run = &d->runs[0];
	char text[512];
	d->reference =
		(struct reference){ .host = options->reference, .port = options->reference_port };
	if (options->reference == NULL)
		return;
	int64_t half_ms = (d->sessions.deadline_ns - clock_ns(CLOCK_MONOTONIC)) / 2000000;
	int patience_ms = half_ms < REFERENCE_PATIENCE_MS ? (int)half_ms : REFERENCE_PATIENCE_MS;
	resolve_within(d->resolver, options->reference, d->consulted.settings.family, patience_ms,
		       d->sessions.signals, &found);
	choose_address(&d->reference, &found, d->names.address[0].family);
	if (found.count > 0)
		return;
	snprintf(text, sizeof(text), "the reference: %s does not resolve: %s", options->reference,
		 found.text);
	run_event(run,
		  &(struct event){ .kind = EVENT_LIMIT, .time_ns = run->stopped_ns, .text = text });
}

/* Everything that takes the name's addresses. */
static bool diagnose(struct diagnosis *d, struct error *error)
{
	find_reference(d);
	d->sessions.wire = &d->wire;
	d->sessions.machine = &d->machine;
	d->sessions.resolver = d->resolver;
	return (d->open || open_all(d, error)) && begin(d, error) &&
	       sessions_run(&d->sessions, error);
}

/* ssh does not take what was typed: it says so of its command line, or of a name. What it says of
 * its files is a finding. */
static bool is_mistyped(const struct consulted *consulted)
{
	return consulted->outcome == CONSULT_REFUSED &&
	       (strncmp(consulted->words, "command-line", 12) == 0 ||
		strstr(consulted->words, "contains invalid characters") != NULL);
}

/* fe80::1%eth0 names the way out as -i eth0 does; ssh knows it by number too. */
static bool take_zone(struct diagnosis *d, struct drive_options *own, struct error *error)
{
	const char *host = d->consulted.settings.hostname, *zone = strchr(host, '%');
	if (zone == NULL || address_of_literal(host).family != 6)
		return true;
	const char *name = if_indextoname((unsigned)strtoul(zone + 1, NULL, 10), d->zone);
	if (name == NULL)
		name = zone + 1;
	if (own->interface != NULL && strcmp(own->interface, name) != 0)
		return error_set(error, EXIT_USAGE, "\"%s\" is not at %s", host, own->interface);
	own->interface = name;
	return true;
}

#define CONSULT_PATIENCE_MS 3000 /* `Match exec` may ask the network */

/* What ssh makes of what was typed; it works while the resolver starts. */
static bool hear_ssh(struct diagnosis *d, struct consultation *consultation,
		     struct drive_options *own, struct error *error)
{
	int64_t half_ms = own->timeout_ns / 2000000;
	int patience_ms = half_ms < CONSULT_PATIENCE_MS ? (int)half_ms : CONSULT_PATIENCE_MS;
	consult_end(consultation, own->typed, &d->person, patience_ms, d->sessions.signals,
		    &d->consulted);
	if (is_mistyped(&d->consulted))
		return error_set(error, EXIT_USAGE, "ssh: %s", d->consulted.words);
	return take_zone(d, own, error);
}

bool drive(const struct drive_options *options, int signals, struct run runs[DRIVE_ADDRESSES],
	   size_t *count, struct error *error)
{
	struct drive_options own = *options;
	struct diagnosis d = { .options = &own,
			       .runs = runs,
			       .sessions.signals = signals,
			       .netlink.fd = -1,
			       .wire.links = -1 };
	d.sessions.deadline_ns = clock_ns(CLOCK_MONOTONIC) + options->timeout_ns;
	for (size_t i = 0; i < DRIVE_ADDRESSES; i++)
		session_init(&d.sessions.session[i]);
	struct error ignored; /* the defaults do, and an address needs nobody who asks */
	run_start(&runs[0], options);
	*count = 1;
	options->grew(options->context, &runs[0], false);
	if (!privilege_check(error))
		return false;
	person_find(&d.person);
	struct consultation *consultation = consult_start(own.typed, &d.person, &ignored);
	d.resolver = resolver_start(&d.person, &ignored);
	d.sessions.courier = courier_start(&d.no_courier);
	presume(&d);
	bool done = hear_ssh(&d, consultation, &own, error) && check_presumed(&d, error);
	if (done)
		begin_runs(&d, count);
	done = done && (d.sessions.count == 0 || diagnose(&d, error));
	courier_dismiss(d.sessions.courier); /* both end while the captures are closed */
	resolver_dismiss(d.resolver);
	close_all(&d);
	courier_end(d.sessions.courier);
	resolver_end(d.resolver);
	put_healthy_first(runs, *count);
	return done;
}
