#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* -- values of the report ------------------------------------------------------------ */

enum values_key { KEY_GROUP = 256, KEY_VM };

static const struct argp_option values_options[] = {
	{ "resource-group", KEY_GROUP, "G", 0, "fills in the commands that are printed", 4 },
	{ "vm-name", KEY_VM, "V", 0, "fills in the commands that are printed", 4 },
	{ 0 },
};

static error_t parse_values(int key, char *text, struct argp_state *state)
{
	struct report_options *report = state->input;
	switch (key) {
	case KEY_GROUP:
		report->group = text;
		return 0;
	case KEY_VM:
		report->vm = text;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp values_argp = { .options = values_options, .parser = parse_values };

/* -- ssh's own options ---------------------------------------------------------------- */

static const struct argp_option ssh_options[] = {
	{ NULL, 'p', "PORT", 0, "the port", 1 },
	{ NULL, 'l', "USER", 0, "the user", 1 },
	{ NULL, 'o', "OPTION=VALUE", 0, "any setting of ssh_config(5)", 1 },
	{ NULL, 'F', "FILE", 0, "another configuration file, \"none\" for none", 1 },
	{ NULL, 'J', "JUMP", 0, "jump hosts", 1 },
	{ NULL, 'b', "ADDRESS", 0, "bind to this address of this computer", 1 },
	{ NULL, 'B', "IFACE", 0, "bind to the address of this interface", 1 },
	{ NULL, '4', NULL, 0, "IPv4 only", 1 },
	{ NULL, '6', NULL, 0, "IPv6 only", 1 },
	{ 0 },
};

static error_t parse_ssh(int key, char *text, struct argp_state *state)
{
	struct typed *typed = state->input;
	struct error error = { 0 };
	bool known = false;
	for (const struct argp_option *row = ssh_options; row->key != 0 && !known; row++)
		known = row->key == key;
	if (!known)
		return ARGP_ERR_UNKNOWN;
	if (!typed_option(typed, key, text, &error))
		exit(output_error(&error));
	return 0;
}

const struct argp ssh_argp = { .options = ssh_options, .parser = parse_ssh };

/* -- traffic ------------------------------------------------------------------------- */

enum traffic_key { KEY_VANTAGE = 256, KEY_PORT, KEY_ONLY };

static const struct argp_option traffic_options[] = {
	{ "vantage", KEY_VANTAGE, "WHERE", 0,
	  "client, internet, vnet or vm: where the capture is taken (else inferred); of several "
	  "captures a list, client,vm",
	  2 },
	{ "port", KEY_PORT, "LIST", 0,
	  "further SSH ports (22, and streams that start with SSH-, always are)", 2 },
	{ "only", KEY_ONLY, "PATTERN", 0,
	  "those whose client, server, port, cause or outcome matches", 2 },
	{ 0 },
};

static bool parse_vantages(struct traffic_arguments *a, char *text, struct error *error)
{
	const char *between = a->vantages_most > 1 ? "," : "";
	char *rest = NULL;
	int value = 0;
	a->vantage_count = 0;
	for (char *word = strtok_r(text, between, &rest); word != NULL;
	     word = strtok_r(NULL, between, &rest)) {
		if (a->vantage_count == a->vantages_most)
			return error_set(error, EXIT_USAGE, "more than %u vantage points",
					 a->vantages_most);
		if (!parse_name("vantage", word, vantage_names, VANTAGES, &value, error))
			return false;
		a->vantages[a->vantage_count++] = (enum vantage)value;
	}
	return a->vantage_count > 0 ||
	       parse_name("vantage", text, vantage_names, VANTAGES, &value, error);
}

static error_t parse_traffic(int key, char *text, struct argp_state *state)
{
	struct traffic_arguments *a = state->input;
	struct error error = { 0 };
	bool fine = true;
	switch (key) {
	case KEY_VANTAGE:
		fine = parse_vantages(a, text, &error);
		break;
	case KEY_PORT:
		fine = parse_ports(text, a->ports, PORTS_MAX, &a->port_count, &error);
		break;
	case KEY_ONLY:
		a->only = text;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!fine)
		exit(output_error(&error));
	return 0;
}

const struct argp traffic_argp = { .options = traffic_options, .parser = parse_traffic };
