#include "guide/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "guide/shell.h"
#include "sshwhy/address.h"
#include "sshwhy/memory.h"
#include "sshwhy/ssh.h"

#define VALUE_MAX  256 /* longer is no host, no name of a resource, no user */
#define QUOTED_MAX (4 * VALUE_MAX + 3)

/* -- values ----------------------------------------------------------------------- */

typedef bool value_getter(const struct guide_values *values, char out[VALUE_MAX]);

static bool take_value(const char *value, char out[VALUE_MAX])
{
	if (value == NULL || *value == '\0' || *value == '-' || strlen(value) >= VALUE_MAX ||
	    !escape_is_clean(value))
		return false;
	memcpy(out, value, strlen(value) + 1);
	return true;
}

static bool nothing(const struct guide_values *values, char out[VALUE_MAX])
{
	(void)values;
	(void)out;
	return false;
}

static bool group(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(values->group, out);
}

static bool vm(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(values->vm, out);
}

static bool user(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(values->user, out);
}

static bool interface(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(values->interface, out);
}

static bool address(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(values->address, out);
}

static bool host(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(values->host, out) || take_value(values->address, out);
}

/* An alias has more to say to ssh than the name that it stands for. */
static bool typed(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(values->typed, out) || host(values, out);
}

static bool port(const struct guide_values *values, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%u", values->port != 0 ? values->port : 22U);
	return true;
}

static bool sshd_port(const struct guide_values *values, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%u", values->sshd_port);
	return values->sshd_port != 0;
}

/* The name under which known_hosts keeps the host: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
static bool known(const struct guide_values *values, char out[VALUE_MAX])
{
	char name[VALUE_MAX];

	if (!host(values, name) || strlen(name) > VALUE_MAX - 10)
		return false;
	if (values->port == 0 || values->port == SSH_PORT)
		return take_value(name, out);
	snprintf(out, VALUE_MAX, "[%.*s]:%u", VALUE_MAX - 10, name, values->port);
	return true;
}

static struct address parse(const char *text)
{
	return text != NULL ? address_parse(text) : (struct address){ 0 };
}

/* Which iptables the VM's address belongs to. */
static bool iptables(const struct guide_values *values, char out[VALUE_MAX])
{
	return take_value(parse(values->address).family == 6 ? "ip6tables" : "iptables", out);
}

/* HOST:PORT as sshwhy's own command line wants it. */
static bool target(const struct guide_values *values, char out[VALUE_MAX])
{
	char name[VALUE_MAX];

	if (!host(values, name) || strlen(name) > VALUE_MAX - 10)
		return false;
	snprintf(out, VALUE_MAX, strchr(name, ':') != NULL ? "[%.*s]:%u" : "%.*s:%u",
		 VALUE_MAX - 10, name, values->port != 0 ? values->port : 22U);
	return true;
}

/* The VM's address where it is one of its virtual network, as NSG tools want it. */
static bool private_address(const struct guide_values *values, char out[VALUE_MAX])
{
	struct address is = parse(values->address);

	return is.family != 0 && address_is_private(&is) && take_value(values->address, out);
}

static bool local(const struct guide_values *values, char out[VALUE_MAX])
{
	return parse(values->client).family != 0 && take_value(values->client, out);
}

/* The client's address as the cloud sees it: a private one is replaced at the edge. */
static bool client(const struct guide_values *values, char out[VALUE_MAX])
{
	struct address is = parse(values->client);

	return is.family != 0 && !address_is_private(&is) && !address_is_loopback(&is) &&
	       take_value(values->client, out);
}

static bool client4(const struct guide_values *values, char out[VALUE_MAX])
{
	return parse(values->client).family == 4 && client(values, out);
}

static bool source(const struct guide_values *values, char out[VALUE_MAX])
{
	char text[VALUE_MAX];

	if (!client(values, text) || strlen(text) >= ADDRESS_TEXT)
		return false;
	snprintf(out, VALUE_MAX, "%.*s/%d", ADDRESS_TEXT, text,
		 parse(values->client).family == 6 ? 128 : 32);
	return true;
}

static bool source4(const struct guide_values *values, char out[VALUE_MAX])
{
	return parse(values->client).family == 4 && source(values, out);
}

static const struct placeholder {
	const char *name;
	const char *unknown;
	value_getter *get;
} placeholders[] = {
	{ "{group}", "<resource-group>", group },
	{ "{vm}", "<vm-name>", vm },
	{ "{nsg}", "<nsg-name>", nothing },
	{ "{nic}", "<nic-name>", nothing },
	{ "{user}", "<user>", user },
	{ "{interface}", "<interface>", interface },
	{ "{host}", "<host>", typed },
	{ "{name}", "<host>", host },
	{ "{known}", "<host>", known },
	{ "{target}", "<host>", target },
	{ "{address}", "<address>", address },
	{ "{private}", "<vm-private-ip>", private_address },
	{ "{port}", "22", port },
	{ "{sshd-port}", "<sshd-port>", sshd_port },
	{ "{iptables}", "iptables", iptables },
	{ "{local}", "this computer", local },
	{ "{client}", "<your-public-ip>", client },
	{ "{client4}", "<your-public-ip>", client4 },
	{ "{source}", "<your-public-ip>/32", source },
	{ "{source4}", "<your-public-ip>/32", source4 },
};

/* The placeholder that `text` begins with, NULL none: other braces are JSON's. */
static const struct placeholder *placeholder_at(const char *text)
{
	for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++)
		if (strncmp(text, placeholders[i].name, strlen(placeholders[i].name)) == 0)
			return &placeholders[i];
	return NULL;
}

/* -- filling ---------------------------------------------------------------------- */

/* Inside quotes of the template a value cannot bring its own: only a plain one may
 * stand there. */
static void put_value(FILE *out, const struct placeholder *placeholder, enum shell shell,
		      bool inside_quotes, const struct guide_values *values)
{
	char value[VALUE_MAX];
	char quoted[QUOTED_MAX];
	const char *text = value;

	if (!placeholder->get(values, value))
		text = placeholder->unknown;
	else if (shell != SHELL_NONE && inside_quotes && !shell_is_plain(value))
		text = placeholder->unknown;
	else if (shell != SHELL_NONE && shell_quote(shell, value, quoted, sizeof quoted))
		text = quoted;
	else if (shell != SHELL_NONE)
		text = placeholder->unknown;
	fputs(text, out);
}

static void fill(FILE *out, const char *template, enum shell shell,
		 const struct guide_values *values)
{
	struct quoting quoting = { .escapes = shell_escape(shell) };

	while (*template != '\0') {
		const struct placeholder *placeholder = placeholder_at(template);
		if (placeholder != NULL) {
			put_value(out, placeholder, shell, quoting.open != 0, values);
			template += strlen(placeholder->name);
		} else {
			fputc(*template, out);
			quoting_step(&quoting, *template ++);
		}
	}
}

const char *template_fill(struct arena *arena, const char *template, enum shell shell,
			  const struct guide_values *values)
{
	static const struct guide_values none = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = memory_stream(&text, &size);

	fill(out, template, shell, values != NULL ? values : &none);
	memory_stream_end(out, &text);
	const char *filled = arena_string(arena, text);
	free(text);
	return filled;
}
