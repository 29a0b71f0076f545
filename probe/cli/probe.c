/* sshwhy probe: the live diagnosis of one target. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/save.h"
#include "drive/drive.h"
#include "sshwhy/patience.h"
#include "sshwhy/verdict.h"
#include "user/privilege.h"

/* Asked besides the SSH port: web servers, and one port where nothing should listen. */
static const uint16_t default_controls[] = { 80, 443, CLOSED_PORT };

/* The second: IPv6 gives up a reassembly after 60 s (RFC 8200 4.5), and asks take some. */

struct probe_arguments {
	struct output output;
	struct drive_options drive;
	struct report_options report;
	struct typed typed;
	bool target_given;
	const char *save;
	char *reference;
	bool timeout_given;
};

enum {
	KEY_VANTAGE = 256,
	KEY_DEPLOYMENT,
	KEY_PATH,
	KEY_REFERENCE,
	KEY_CONTROL,
	KEY_USER,
	KEY_AUTH,
	KEY_HOST_KEY,
	KEY_KNOWN_HOSTS,
	KEY_TIMEOUT,
	KEY_DEEP,
	KEY_NO_NAMES,
};

static const struct argp_option options[] = {
	{ "vantage", KEY_VANTAGE, "WHERE", 0,
	  "client, internet, vnet or vm: where this runs (client)", 1 },
	{ "deployment", KEY_DEPLOYMENT, "MODEL", 0, "arm, classic or auto (auto: from the name)",
	  1 },
	{ "path", KEY_PATH, "KIND", 0,
	  "internet, vpn or expressroute; the latter two clear source 2", 1 },
	{ "reference", KEY_REFERENCE, "HOST[:PORT]", 0,
	  "another SSH host, on this computer's own network, to compare with", 2 },
	{ "control-port", KEY_CONTROL, "LIST", 0,
	  "ports of the VM to compare with (80,443 and a closed one)", 2 },
	{ "interface", 'i', "IFACE", 0, "leave by this interface", 2 },
	{ "timeout", KEY_TIMEOUT, "SECONDS", 0, "overall limit (10; with --deep, 90)", 2 },
	{ "no-names", KEY_NO_NAMES, NULL, 0, "do not ask name servers what routers are called", 2 },
	{ "deep", KEY_DEEP, NULL, 0,
	  "heavier tests where silence leaves a choice: fragments, other flags; half a minute", 2 },
	{ "user", KEY_USER, "NAME", 0, "as -l", 3 },
	{ "auth", KEY_AUTH, NULL, 0, "try authentication with the user's agent", 3 },
	{ "host-key", KEY_HOST_KEY, "SHA256:...", 0, "the key the server should have", 3 },
	{ "known-hosts", KEY_KNOWN_HOSTS, "FILE", 0, "known keys (those of ssh's configuration)",
	  3 },
	{ "write", 'w', "FILE.pcapng", 0, "save the run", 4 },
	{ 0 },
};

static bool set_target(struct probe_arguments *a, const char *text, struct error *error)
{
	if (a->target_given)
		return error_set(error, EXIT_USAGE, "one target only; a second is \"%s\"", text);
	a->target_given = true;
	return typed_destination(&a->typed, text, error);
}

static bool set_deployment(struct probe_arguments *a, const char *text, struct error *error)
{
	int value = 0;
	if (strcmp(text, "auto") == 0)
		return true;
	a->drive.deployment_given = true;
	bool known = strcmp(text, "unknown") != 0 &&
		     parse_name("deployment", text, deployment_names, DEPLOYMENTS, &value, error);
	a->drive.deployment = (enum deployment)value;
	return known || error_set(error, EXIT_USAGE, "--deployment does not know \"%s\"", text);
}

/* As ssh-keygen -l prints it: 32 bytes in base64 without padding. */
static bool set_host_key(struct probe_arguments *a, const char *text, struct error *error)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	bool sound = strncmp(text, "SHA256:", 7) == 0 && strlen(text) == 7 + 43 &&
		     strspn(text + 7, digits) == 43;
	a->drive.host_key = text;
	return sound || error_set(error, EXIT_USAGE, "\"%s\" is no fingerprint (SHA256:...)", text);
}

static bool set_option(struct probe_arguments *a, int key, const char *text, struct error *error)
{
	int value = 0;
	switch (key) {
	case KEY_VANTAGE:
		if (!parse_name("vantage", text, vantage_names, VANTAGES, &value, error))
			return false;
		a->drive.vantage = (enum vantage)value;
		return true;
	case KEY_PATH:
		if (!parse_name("path", text, path_kind_names, PATH_KINDS, &value, error))
			return false;
		a->drive.path = (enum path_kind)value;
		return true;
	case KEY_DEPLOYMENT:
		return set_deployment(a, text, error);
	case KEY_REFERENCE:
		free(a->reference);
		return parse_target(text, &a->reference, &a->drive.reference_port, error);
	case KEY_CONTROL:
		return parse_ports(text, a->drive.control_ports,
				   sizeof(a->drive.control_ports) / sizeof(uint16_t),
				   &a->drive.control_count, error);
	case KEY_HOST_KEY:
		return set_host_key(a, text, error);
	case KEY_TIMEOUT:
		a->timeout_given = true;
		return parse_seconds(text, &a->drive.timeout_ns, error);
	default:
		return true;
	}
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct probe_arguments *a = state->input;
	struct error error = { 0 };
	bool fine = true;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->typed;
		state->child_inputs[1] = &a->report;
		state->child_inputs[2] = &a->output;
		break;
	case ARGP_KEY_ARG:
		fine = set_target(a, text, &error);
		break;
	case ARGP_KEY_NO_ARGS:
		fine = error_set(&error, EXIT_USAGE, "a target is missing");
		break;
	case 'i':
		a->drive.interface = text;
		break;
	case 'w':
		a->save = text;
		break;
	case KEY_USER:
		fine = typed_option(&a->typed, 'l', text, &error);
		break;
	case KEY_KNOWN_HOSTS:
		a->drive.known_hosts = text;
		break;
	case KEY_AUTH:
		a->drive.authenticate = true;
		break;
	case KEY_DEEP:
		a->drive.deep = true;
		break;
	case KEY_NO_NAMES:
		a->drive.no_names = true;
		break;
	case KEY_VANTAGE ... KEY_CONTROL:
	case KEY_HOST_KEY:
	case KEY_TIMEOUT:
		fine = set_option(a, key, text, &error);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!fine)
		exit(output_error(&error));
	return 0;
}

/* -- the verdict -------------------------------------------------------------------- */

/* The other addresses of the name, each with what became of it. */
static void add_other_addresses(struct report *report, const struct run *runs, size_t count,
				const struct report_options *values, struct arena *arena)
{
	struct report_also *also = arena_alloc(arena, (report->also_count + count) * sizeof(*also));
	size_t n = 0;
	for (; n < report->also_count; n++)
		also[n] = report->also[n];
	for (size_t i = 1; i < count; i++) {
		struct report other;
		if (runs[i].unfinished)
			continue;
		report_build(&other, &runs[i], values, arena);
		if (other.outcome != OUTCOME_FAULT && other.outcome != OUTCOME_AMBIGUOUS)
			continue;
		also[n].cause = other.cause;
		also[n++].text = arena_format(arena, "address %s of the same name: %s",
					      other.address, other.summary);
	}
	report->also = also;
	report->also_count = n;
}

static int conclude(const struct probe_arguments *a, const struct run *runs, size_t count,
		    struct save *save, struct error *error)
{
	struct arena arena = { 0 };
	struct report report;
	report_build(&report, &runs[0], &a->report, &arena);
	bool saved = save_run(save, &runs[0], &report, &arena, error);
	add_other_addresses(&report, runs, count, &a->report, &arena);
	int code = runs[0].interrupted ? EXIT_INTERRUPTED : report_exit_code(&report);
	struct error writing = { 0 };
	if (!output_report(&a->output, &report, &writing))
		code = output_error(&writing);
	if (!saved)
		code = output_error(error);
	arena_free(&arena);
	return code;
}

int command_probe(int argc, char **argv)
{
	static const struct argp_child children[] = { { &ssh_argp, 0, "As behind ssh:", 1 },
						      { &values_argp, 0, NULL, 0 },
						      { &output_argp, 0, "Output:", 9 },
						      { 0 } };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[USER@]HOST[:PORT]\nssh://[USER@]HOST[:PORT]",
		.doc = "Says why SSH to HOST does not work, by asking the network. HOST is what "
		       "one "
		       "types after ssh, an alias of its configuration too: ssh itself says what "
		       "that means (ssh -G).",
		.children = children,
	};
	struct probe_arguments a = { .drive.timeout_ns = RUN_DEADLINE };
	struct error error = { 0 };
	struct run runs[DRIVE_ADDRESSES] = { 0 };
	size_t count = 0;
	memcpy(a.drive.control_ports, default_controls, sizeof(default_controls));
	a.drive.control_count = sizeof(default_controls) / sizeof(*default_controls);
	parse_command_line(&argp, argc, argv, &a);
	output_gap(&a.output);
	a.drive.typed = &a.typed;
	a.drive.reference = a.reference;
	if (a.drive.deep && !a.timeout_given)
		a.drive.timeout_ns = RUN_DEADLINE_DEEP;
	int code = EXIT_HEALTHY;
	struct save save = { .file.fd = -1 };
	a.drive.grew = save_grow;
	a.drive.context = &save;
	if (!privilege_check(&error) || !save_open(&save, a.save, &error) ||
	    !drive(&a.drive, open_signals(), runs, &count, &error))
		code = output_error(&error);
	else
		code = conclude(&a, runs, count, &save, &error);
	for (size_t i = 0; i < count; i++)
		run_free(&runs[i]);
	save_close(&save);
	free(a.reference);
	return code;
}
