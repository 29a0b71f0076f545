/* The guide as a table (fixes.def): what each cause is, how to check it, how to mend it. */
#include "sshwhy/guide.h"

#include "guide/template.h"

enum when { ANY = 3, ARM = 1, CLASSIC = 2 }; /* a set of deployments */

static const struct about {
	const char *means;
	const char *checks; /* one a line */
} abouts[CAUSES] = {
#define ABOUT(id, means, checks) [CAUSE_##id] = { means, checks },
#include "guide/fixes.def"
};

/* A cause that is not explained does not compile ("HAS_ABOUT_..." is missing). */
enum {
#define ABOUT(id, means, checks) HAS_ABOUT_##id,
#include "guide/fixes.def"
#define CAUSE(id, name, source, title) ABOUT_OF_##id = HAS_ABOUT_##id,
#include "sshwhy/causes.def"
};

#define AZ	   SHELL_AZURE_CLI
#define POWERSHELL SHELL_POWERSHELL
#define SH	   SHELL_SH
#define AZURE	   SHELL_AZURE_CLASSIC
#define PERSON	   SHELL_NONE

static const struct fix_row {
	enum cause cause;
	enum when when;
	enum shell shell;
	const char *text;
	const char *command;
} fix_rows[] = {
#define FIX(id, when, shell, text, command) { CAUSE_##id, when, shell, text, command },
#include "guide/fixes.def"
};

#define FIX_ROWS (sizeof fix_rows / sizeof fix_rows[0])

static const struct guide_source sources[SOURCES] = {
	{ "", "" },
	{ "From this computer, SSH to another Linux host on your own network (sshwhy probe "
	  "--reference HOST). If that fails too, this computer is the source; if it works, go on "
	  "to source 2.",
	  "" },
	{ "From a computer directly connected to the Internet, SSH to the VM (sshwhy probe "
	  "--vantage internet). If that works, the edge is the source. A VM that is reached over a "
	  "site-to-site VPN or ExpressRoute skips this: go on to source 4.",
	  "" },
	{ "From another VM in the same virtual network, SSH to the VM (sshwhy probe --vantage "
	  "vnet). If that works, the endpoint or its ACL is the source. Only VMs of the classic "
	  "deployment model have one; load balancer and firewall NAT rules hold its place today.",
	  "dropped from the guide's present edition" },
	{ "See that the rules of the network security groups allow SSH traffic from the Internet, "
	  "and that a subnet or NIC refers to them. SSH from the same virtual network does not "
	  "clear them: the default rules let it in.",
	  "source 3 in the guide's present edition" },
	{ "What is left when the other four are cleared. Reset the SSH configuration or the "
	  "password first, then try again from your computer.",
	  "source 4 in the guide's present edition" },
};

/* -- fixes ------------------------------------------------------------------------ */

static struct guide_fix filled(struct arena *arena, const struct fix_row *row,
			       const struct guide_values *values)
{
	struct guide_fix fix = { .cause = row->cause, .shell = row->shell };

	fix.text = template_fill(arena, row->text, SHELL_NONE, values);
	if (row->command != NULL)
		fix.command = template_fill(arena, row->command, row->shell, values);
	return fix;
}

static const struct guide_fix *fixes_of(struct arena *arena, enum cause cause, unsigned when,
					const struct guide_values *values, size_t *count)
{
	struct guide_fix *fixes = NULL;

	*count = 0;
	for (size_t i = 0; i < FIX_ROWS; i++) {
		if (fix_rows[i].cause != cause || (fix_rows[i].when & when) == 0)
			continue;
		fixes = arena_grow(arena, fixes, *count, sizeof *fixes);
		fixes[(*count)++] = filled(arena, &fix_rows[i], values);
	}
	return fixes;
}

const struct guide_fix *guide_fixes(struct arena *arena, enum cause cause,
				    const struct guide_values *values, size_t *count)
{
	bool classic = values != NULL && values->classic;

	return fixes_of(arena, cause, classic ? CLASSIC : ARM, values, count);
}

const struct guide_fix *guide_all_fixes(struct arena *arena, enum cause cause, size_t *count)
{
	return fixes_of(arena, cause, ANY, NULL, count);
}

/* -- texts ------------------------------------------------------------------------ */

const char *guide_means(struct arena *arena, enum cause cause)
{
	return template_fill(arena, abouts[cause].means, SHELL_NONE, NULL);
}

const char *guide_checks(struct arena *arena, enum cause cause)
{
	return template_fill(arena, abouts[cause].checks, SHELL_NONE, NULL);
}

struct guide_source guide_source(uint8_t source)
{
	return sources[source];
}
