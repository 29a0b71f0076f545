/* Names of causes and of the sources they belong to, from causes.def. */
#include "sshwhy/cause.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name, *title;
	uint8_t source;
} causes[CAUSES] = {
#define CAUSE(id, name, source, title) [CAUSE_##id] = { name, title, source },
#include "sshwhy/causes.def"
};

static const struct {
	const char *name, *title;
} sources[SOURCES] = {
	{ "none", "none of the documented sources" },
	{ "client", "SSH client computer" },
	{ "edge", "Organization edge device" },
	{ "endpoint", "Cloud service endpoint and access control list (ACL)" },
	{ "nsg", "Network security groups" },
	{ "vm", "Linux-based virtual machine" },
};

#define CAUSE(id, name, source, title)                                                             \
	_Static_assert((source) < SOURCES, name " has no such source");
#include "sshwhy/causes.def"

static bool known(enum cause cause)
{
	return (unsigned)cause < CAUSES;
}

const char *cause_name(enum cause cause)
{
	return causes[known(cause) ? cause : CAUSE_UNKNOWN].name;
}

const char *cause_title(enum cause cause)
{
	return causes[known(cause) ? cause : CAUSE_UNKNOWN].title;
}

uint8_t cause_source(enum cause cause)
{
	return causes[known(cause) ? cause : CAUSE_UNKNOWN].source;
}

bool cause_by_name(const char *name, enum cause *cause)
{
	for (unsigned i = 0; i < CAUSES; i++) {
		if (strcmp(causes[i].name, name) == 0) {
			*cause = (enum cause)i;
			return true;
		}
	}
	return false;
}

static size_t source_index(uint8_t source)
{
	return source < SOURCES ? source : 0;
}

const char *source_name(uint8_t source)
{
	return sources[source_index(source)].name;
}

const char *source_title(uint8_t source)
{
	return sources[source_index(source)].title;
}
