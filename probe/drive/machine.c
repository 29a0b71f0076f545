#include "drive/machine.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive/carry.h"
#include "drive/tell.h"
#include "sshwhy/ssh.h"
#include "user/key_order.h"
#include "user/privilege.h"
#include "user/proxy_command.h"

/* -- rules ------------------------------------------------------------------------ */

static struct flow flow_of(const struct session *session, const struct person *person)
{
	const struct ports *ports = &session->ports;
	struct flow flow = { .source = session->route.source,
			     .target = session->run->address,
			     .port = session->run->port,
			     .local_first = ports->kernel,
			     .local_last = (uint16_t)(ports->kernel + ports->kernel_count - 1),
			     .uid = person->uid };
	snprintf(flow.interface, sizeof(flow.interface), "%s", session->route.interface);
	return flow;
}

/* A public address of the VM's is the cloud's, not this machine's: there another port leads
 * through the cloud. */
static void read_listeners(const struct session *session, struct machine_listeners *listeners)
{
	const struct run *run = session->run;
	if (run->vantage == VANTAGE_VM && session->route.local)
		listeners->read = listeners_find("/proc", &run->address, run->port, &listeners->on);
}

void machine_start(struct machine *machine, const struct drive_options *options,
		   const struct consulted *consulted, const struct person *person,
		   const struct session *sessions, size_t count)
{
	struct flow flows[INVENTORY_FLOWS];
	struct error ignored; /* a diagnosis without rules is one all the same */
	memset(machine, 0, sizeof(*machine));
	machine->options = options;
	machine->consulted = consulted;
	machine->person = *person;
	machine->sessions = count;
	for (size_t i = 0; i < count && i < INVENTORY_FLOWS; i++)
		flows[i] = flow_of(&sessions[i], person);
	if (privilege_net_admin())
		machine->inventory = inventory_start(flows, count, &person->nobody, &ignored);
	for (size_t i = 0; i < count && i < INVENTORY_FLOWS; i++)
		read_listeners(&sessions[i], &machine->listeners[i]);
}

void machine_read_rules(struct machine *machine)
{
	if (machine->inventory != NULL)
		inventory_go(machine->inventory);
}

/* What is so from the start, whenever it is found. */
static void tell_from_start(struct session *session, struct event event)
{
	tell_event_at(session, session->run->started_ns, event);
}

/* nftables' hooks at the interface: no tool of the host's firewall sets or shows them. */
static bool rule_below(const struct finding *rule)
{
	return strcmp(rule->family, "netdev") == 0;
}

/* Another address of this machine's is listened to as well, and as good; WORD_NONE: the rule does
 * nothing. */
static enum event_word effect_here(const struct session *session, const struct finding *rule)
{
	if (rule->effect != WORD_RULE_READDRESSES || !home_holds(&session->wire->home, &rule->to))
		return rule->effect;
	return rule->other_port ? WORD_RULE_TRANSLATES : WORD_NONE;
}

static void tell_part(struct session *session, const struct inventory_result *result,
		      const struct inventory_part *part)
{
	char text[768] = "";
	const char *legacy = session->run->address.family == 6 ? result->legacy6 : result->legacy4;
	if (legacy[0] != '\0')
		snprintf(text, sizeof(text), "legacy iptables has rules too (table %s)", legacy);
	size_t count = 0;
	for (size_t i = 0; i < part->rules.count; i++)
		count += effect_here(session, &part->rules.finding[i]) != WORD_NONE;
	tell_from_start(
		session,
		(struct event){ .kind = EVENT_RULES, .value = (int64_t)count, .text = text });
	for (size_t i = 0; i < part->rules.count; i++) {
		const struct finding *rule = &part->rules.finding[i];
		enum event_word effect = effect_here(session, rule);
		if (effect == WORD_NONE)
			continue;
		rule_describe(rule, text, sizeof(text));
		tell_from_start(session,
				(struct event){ .kind = EVENT_RULE,
						.value = (rule->incoming ? RULE_INCOMING : 0) |
							 (rule->certain ? RULE_CERTAIN : 0) |
							 (rule_below(rule) ? RULE_BELOW : 0),
						.word = effect,
						.text = text });
	}
	if (part->diverted) {
		owner_describe(&part->owner, part->owner_port, text, sizeof(text));
		tell_from_start(session, (struct event){ .kind = EVENT_OWNER, .text = text });
	}
}

static void tell_unread_rules(struct session *session, const char *why)
{
	char text[256];
	snprintf(text, sizeof(text), "rules of the local firewall: %s", why);
	tell_from_start(session, (struct event){ .kind = EVENT_LIMIT, .text = text });
}

void machine_tell_rules(struct machine *machine, struct session *session, size_t index, int wait_ms)
{
	if (session->rules_told || index >= INVENTORY_FLOWS)
		return;
	if (machine->inventory == NULL) {
		session->rules_told = wait_ms > 0; /* nobody asks while all is well */
		if (session->rules_told)
			tell_unread_rules(session, "CAP_NET_ADMIN is missing");
		return;
	}
	const struct inventory_result *result = inventory_read(machine->inventory);
	if (result == NULL && !inventory_ended(machine->inventory) && wait_ms > 0) {
		struct pollfd fd = { .fd = inventory_fd(machine->inventory), .events = POLLIN };
		(void)poll(&fd, 1, wait_ms);
		result = inventory_read(machine->inventory);
	}
	if (result == NULL && wait_ms == 0)
		return;
	session->rules_told = true;
	if (result == NULL)
		tell_unread_rules(session, inventory_ended(machine->inventory)
						   ? "the process that reads them has ended"
						   : "too many to read in time");
	else if (result->read)
		tell_part(session, result, &result->part[index]);
	else
		tell_unread_rules(session, result->limit);
}

int machine_fd(const struct machine *machine)
{
	bool reads = machine->inventory != NULL && !inventory_ended(machine->inventory);
	return reads ? inventory_fd(machine->inventory) : -1;
}

void machine_close(struct machine *machine)
{
	inventory_free(machine->inventory);
	machine->inventory = NULL;
	proxy_end(machine->proxy);
	machine->proxy = NULL;
	for (size_t i = 0; i < machine->sessions; i++)
		opinion_end(machine->opinion[i]);
	machine->sessions = 0;
	keys_close(&machine->keys);
}

/* -- the person's files ------------------------------------------------------------- */

/* Whether there is such a file, and what it says, is then not known. */
static void note_unread(struct machine *machine, const char *path)
{
	int cause = errno;
	if (is_shortage(ASKED_FILE, cause))
		snprintf(machine->unread, sizeof(machine->unread), "%s: %s", path, strerror(cause));
}

static const struct settings *settings_of(const struct machine *machine)
{
	return &machine->consulted->settings;
}

static const char *quote_of(const struct machine *machine, enum config_keyword keyword)
{
	return machine->consulted->quote[keyword];
}

/* Every file of a list as ssh_config(5) has it, for one name. */
static void read_known_list(struct machine *machine, const char *list, const char *name)
{
	char word[512], path[512];
	while (list[0] != '\0') {
		list += strspn(list, " \t\"");
		size_t length = strcspn(list, " \t\"");
		snprintf(word, sizeof(word), "%.*s", (int)length, list);
		if (length > 0 &&
		    settings_expand(settings_of(machine), &machine->person, word, path,
				    sizeof(path)) &&
		    !known_read(&machine->known, path, name))
			note_unread(machine, path);
		list += length;
	}
}

static void read_known_as(struct machine *machine, const char *host, uint16_t port)
{
	char name[320];
	known_name(host, port, name, sizeof(name));
	read_known_list(machine, settings_of(machine)->user_known, name);
	read_known_list(machine, settings_of(machine)->global_known, name);
}

static bool read_known_file(struct machine *machine, const char *host, uint16_t port,
			    struct error *error)
{
	const char *file = machine->options->known_hosts;
	char name[320];
	known_name(host, port, name, sizeof(name));
	return known_read(&machine->known, file, name) ||
	       error_set(error, EXIT_NO_INPUT, "%s: %s", file, strerror(errno));
}

/* get_hostfile_hostname_ipaddr() and check_host_key() of OpenSSH's sshconnect.c: under
 * HostKeyAlias, else under the name and the port; where that is not known, under the name alone. */
static bool read_known(struct machine *machine, struct error *error)
{
	const struct settings *settings = settings_of(machine);
	bool alias = settings->host_key_alias[0] != '\0';
	const char *host = alias ? settings->host_key_alias : settings->hostname;
	uint16_t ports[] = { alias ? SSH_PORT : settings->port, SSH_PORT };
	for (size_t i = 0; i < 2 && machine->known.count == 0; i++) {
		if (i > 0 && ports[i] == ports[i - 1])
			break;
		machine->known.of_other_port = i > 0;
		if (machine->options->known_hosts == NULL)
			read_known_as(machine, host, ports[i]);
		else if (!read_known_file(machine, host, ports[i], error))
			return false;
	}
	return true;
}

static void choose_host_keys(struct machine *machine)
{
	key_order(&machine->known, settings_of(machine)->host_keys,
		  quote_of(machine, CONFIG_HOST_KEYS), machine->host_keys,
		  sizeof(machine->host_keys));
}

static void read_keys(struct machine *machine)
{
	keys_read(settings_of(machine), &machine->person, &machine->keys);
	for (size_t i = 0; i < machine->keys.count; i++) {
		const struct keys_offer *key = &machine->keys.key[i];
		machine->offer[i] = (struct handshake_key){ .path = key->path,
							    .text = key->text,
							    .certificate = key->certificate,
							    .half = key->half,
							    .trouble = key->trouble };
	}
}

bool machine_read_files(struct machine *machine, struct error *error)
{
	const struct settings *settings = settings_of(machine);
	machine->agent = getenv("SSH_AUTH_SOCK") != NULL;
	modes_find(settings, &machine->person, &machine->modes);
	if (!read_known(machine, error))
		return false;
	choose_host_keys(machine);
	machine->proxy = proxy_start(&machine->consulted->target, &machine->person);
	carry_prepare(machine->consulted, machine->host_keys, &machine->person, machine->sessions,
		      machine->opinion);
	if (machine->options->authenticate)
		read_keys(machine);
	return true;
}

/* -- what the files say --------------------------------------------------------------- */

static void note_event(struct run *run, enum event_kind kind, const char *text,
		       enum event_word word)
{
	run_event(run,
		  &(struct event){
			  .kind = kind, .time_ns = run->started_ns, .word = word, .text = text });
}

static enum event_word mode_word(const struct machine *machine, const struct mode_finding *finding)
{
	if (finding->severity == MODE_DIFFERS)
		return WORD_MODE_DIFFERS;
	if (finding->severity == MODE_UNUSED)
		return WORD_MODE_UNUSED;
	if (!finding->key)
		return WORD_MODE_FATAL;
	/* an agent may hold keys that need no file */
	return machine->modes.usable_keys > 0 || machine->agent ? WORD_MODE_PARTLY
								: WORD_MODE_REFUSED;
}

static void tell_modes(const struct machine *machine, struct run *run)
{
	const struct modes *modes = &machine->modes;
	char text[768];
	for (size_t i = 0; i < modes->count; i++) {
		mode_describe(&modes->finding[i], text, sizeof(text));
		note_event(run, EVENT_MODE, text, mode_word(machine, &modes->finding[i]));
	}
	snprintf(text, sizeof(text), "%s/.ssh", machine->person.home);
	if (modes->count == 0)
		note_event(run, EVENT_MODE, text, WORD_MODE_FINE);
}

/* Libraries that turn connect() into something else: only a hint, ssh may be started
 * without. */
static void tell_direct(struct run *run)
{
	static const char *const names[] = { "proxychains", "tsocks", "torsocks", "socksify" };
	const char *preload = getenv("LD_PRELOAD");
	char text[320];
	for (size_t i = 0; preload != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strstr(preload, names[i]) == NULL)
			continue;
		snprintf(text, sizeof(text), "LD_PRELOAD=%s", preload);
		note_event(run, EVENT_CONFIG, text, WORD_CONFIG_MAY_BE_PROXIED);
		return;
	}
	note_event(run, EVENT_CONFIG, "", WORD_CONFIG_DIRECT);
}

/* Which line or option leads through a proxy; what ssh says of it, where none is found. */
static void describe_proxy(const struct machine *machine, char *text, size_t room)
{
	const struct settings *target = &machine->consulted->target;
	bool jump = target->proxy_jump[0] != '\0';
	const char *quote = quote_of(machine, jump ? CONFIG_PROXY_JUMP : CONFIG_PROXY_COMMAND);
	if (quote[0] != '\0')
		snprintf(text, room, "%s", quote);
	else
		snprintf(text, room, "%s %.*s", jump ? "ProxyJump" : "ProxyCommand",
			 (int)(room - sizeof("ProxyCommand ")),
			 jump ? target->proxy_jump : target->proxy_command);
}

static void tell_proxied(const struct machine *machine, struct run *run)
{
	char text[QUOTE_MAX];
	describe_proxy(machine, text, sizeof(text));
	note_event(run, EVENT_CONFIG, text, WORD_CONFIG_PROXIED);
}

static void tell_left_out(const struct machine *machine, struct run *run)
{
	char text[128];
	if (machine->keys.left_out == 0)
		return;
	snprintf(text, sizeof(text),
		 "authentication: %zu of the keys that ssh would offer are not: sshd bears %d",
		 machine->keys.left_out, KEYS_MAX);
	note_event(run, EVENT_LIMIT, text, WORD_NONE);
}

/* Where the jump host is what is probed, nothing keeps ssh from going directly to it. */
void machine_tell_files(const struct machine *machine, struct run *run)
{
	const struct consulted *consulted = machine->consulted;
	if (proxy_used(&consulted->target) && !consulted->by_jump)
		tell_proxied(machine, run);
	else
		tell_direct(run);
	tell_modes(machine, run);
	if (machine->unread[0] != '\0')
		note_event(run, EVENT_LIMIT, machine->unread, WORD_NONE);
	tell_left_out(machine, run);
}

void machine_tell_listeners(const struct machine *machine, size_t index, struct run *run)
{
	char text[256] = "";
	if (index >= INVENTORY_FLOWS || !machine->listeners[index].read)
		return;
	const struct listeners *listeners = &machine->listeners[index].on;
	if (listeners->count == 0)
		note_event(run, EVENT_LISTENER, text, WORD_NONE);
	for (size_t i = 0; i < listeners->count; i++) {
		listener_describe(&listeners->listener[i], text, sizeof(text));
		run_event(run, &(struct event){ .kind = EVENT_LISTENER,
						.time_ns = run->started_ns,
						.value = listeners->listener[i].port,
						.text = text });
	}
}

void machine_license_listeners(const struct machine *machine, size_t index, struct licence *licence)
{
	if (index >= INVENTORY_FLOWS || !machine->listeners[index].read)
		return;
	const struct listeners *listeners = &machine->listeners[index].on;
	for (size_t i = 0; i < listeners->count; i++)
		licence_add_listener(licence, listeners->listener[i].port);
}

static void tell_untold_proxy(const struct machine *machine, const char *why, struct run *run)
{
	char setting[QUOTE_MAX], text[QUOTE_MAX + NI_MAXHOST + 512];
	describe_proxy(machine, setting, sizeof(setting));
	if (machine->consulted->by_jump)
		snprintf(text, sizeof(text), "the way behind %s, the jump host: %s: %s",
			 settings_of(machine)->hostname, why, setting);
	else
		snprintf(text, sizeof(text), "the way through the proxy: %s: %s", why, setting);
	note_event(run, EVENT_LIMIT, text,
		   machine->consulted->by_jump ? WORD_LIMIT_BEHIND : WORD_NONE);
}

/* Whether somebody answered a connection to the port, for the jump host at least. */
static bool is_answered(const struct run *run)
{
	uint16_t own = 0;
	for (size_t i = 0; i < run->event_count; i++) {
		const struct event *event = &run->events[i];
		if (event->kind == EVENT_OPEN && event->purpose == PURPOSE_SSH &&
		    event->way == WAY_KERNEL)
			own = event->local_port;
		if (event->kind == EVENT_CONNECT && event->local_port == own &&
		    (event->error == 0 || event->error == ECONNREFUSED))
			return true;
	}
	return false;
}

static void tell_proxy_outcome(const struct machine *machine, enum proxy_outcome outcome,
			       const char *said, struct run *run)
{
	static const enum event_word words[] = { [PROXY_SILENT] = WORD_CONFIG_PROXY_SILENT,
						 [PROXY_ANSWERS] = WORD_CONFIG_PROXY_ANSWERS,
						 [PROXY_FAILS] = WORD_CONFIG_PROXY_FAILS };
	char setting[QUOTE_MAX], text[QUOTE_MAX + 384];
	describe_proxy(machine, setting, sizeof(setting));
	snprintf(text, sizeof(text), "%s%s%s%s", setting, said[0] != '\0' ? " (says \"" : "", said,
		 said[0] != '\0' ? "\")" : "");
	note_event(run, EVENT_CONFIG, text, words[outcome]);
}

/* What keeps the way through the proxy from being judged; NULL: nothing does. Behind a jump host
 * that is well all may be wrong that may be wrong with a VM, and nothing of this machine's. */
static const char *reason_untold(const struct machine *machine, enum proxy_outcome outcome,
				 const char *said, const struct run *run, char *why, size_t room)
{
	bool by_jump = machine->consulted->by_jump;
	if (outcome == PROXY_UNHEARD)
		return "the time was over before its silence would mean something";
	if (outcome == PROXY_UNTOLD) {
		snprintf(why, room, "it wants what only its user has (ssh says \"%s\")", said);
		return why;
	}
	if (by_jump && outcome != PROXY_ANSWERS && run_healthy(run))
		snprintf(why, room, said[0] != '\0' ? "ssh says \"%s\"" : "nothing comes%s", said);
	else
		return NULL;
	return why;
}

/* A jump host that cannot be reached is what the packets tell of, and they tell where it ends. */
static bool is_cut_before(const struct machine *machine, const struct run *run)
{
	return machine->consulted->by_jump && !is_answered(run);
}

bool machine_tell_proxy(const struct machine *machine, int64_t deadline_ns, int signals,
			struct run *run)
{
	char said[256], room_for_why[320];
	if (!proxy_used(&machine->consulted->target))
		return true;
	if (machine->proxy == NULL || is_cut_before(machine, run)) {
		tell_untold_proxy(machine,
				  machine->proxy == NULL ? "it cannot be tried"
							 : "it was not come so far",
				  run);
		return true;
	}
	enum proxy_outcome outcome =
		proxy_wait(machine->proxy, (int)(PROXY_PATIENCE / MILLISECONDS(1)),
			   deadline_ns / MILLISECONDS(1), signals, said, sizeof(said));
	if (outcome == PROXY_STOPPED)
		return false;
	const char *why =
		reason_untold(machine, outcome, said, run, room_for_why, sizeof(room_for_why));
	if (why == NULL)
		tell_proxy_outcome(machine, outcome, said, run);
	else
		tell_untold_proxy(machine, why, run);
	return true;
}

/* -- the host key ------------------------------------------------------------------- */

enum event_word machine_judge_key(const struct machine *machine, const char *type,
				  const char *fingerprint, char *why, size_t room)
{
	const char *expected = machine->options->host_key;
	const struct known_key *entry = NULL;
	enum known_state state = known_check(&machine->known, type, fingerprint, &entry);
	if (state == KNOWN_REVOKED || expected == NULL)
		return known_judge(&machine->known, type, fingerprint, why, room);
	if (strcmp(expected, fingerprint) != 0) {
		snprintf(why, room, "--host-key asks for %s", expected);
		return WORD_HOST_KEY_WRONG;
	}
	if (state == KNOWN_CHANGED) {
		known_quote(entry, false, why, room);
		return WORD_HOST_KEY_STALE;
	}
	snprintf(why, room, "as --host-key asks for");
	return WORD_HOST_KEY_SAME;
}

/* ssh ends where the key is another than it should be, before it offers anything. */
static bool key_is_no_other(void *context, const char *type, const char *fingerprint)
{
	char why[640];
	enum event_word word = machine_judge_key(context, type, fingerprint, why, sizeof(why));
	return word == WORD_HOST_KEY_SAME || word == WORD_HOST_KEY_NEW;
}

void machine_offer(const struct machine *machine, struct handshake_options *options)
{
	const struct settings *settings = settings_of(machine);
	options->user = settings->user;
	options->host_keys_first = machine->host_keys;
	options->kex = settings->kex;
	options->host_keys = settings->host_keys;
	options->ciphers = settings->ciphers;
	options->macs = settings->macs;
	options->compression = settings->compression;
	options->rsa_bits = settings->required_rsa_bits;
	options->trusts = key_is_no_other;
	options->context = (void *)(uintptr_t)machine;
	if (!machine->options->authenticate)
		return;
	options->authenticate = true;
	options->agent = machine->keys.agent_keys > 0 ? &machine->keys.agent : NULL;
	options->key_count = machine->keys.count;
	options->keys = machine->offer;
	options->lacks = machine->keys.lacks;
	options->key_algorithms = settings->pubkey_algorithms;
}
