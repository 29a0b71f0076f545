/* Rules in words: as nft prints them. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/rules.h"

void rule_describe(const struct finding *finding, char *text, size_t room)
{
	char handle[40] = "";
	const char *word = strcmp(finding->tool, "nft") == 0 ? "handle" : "rule";
	if (!finding->policy)
		snprintf(handle, sizeof(handle), " %s %" PRId64, word, finding->handle);
	snprintf(text, room, "%s%stable %s %s chain %s%s%s%s",
		 strcmp(finding->tool, "nft") == 0 ? "" : finding->tool,
		 strcmp(finding->tool, "nft") == 0 ? "" : " ", finding->family, finding->table,
		 finding->chain, handle, finding->text[0] != '\0' ? ": " : "", finding->text);
}

/* -- the listing ------------------------------------------------------------------ */

/* The line that ends in "# handle N": comments are quoted and end in a quote. */
static const char *find_line(const char *listing, int64_t handle, size_t *length)
{
	char mark[48];
	int marked = snprintf(mark, sizeof(mark), " # handle %" PRId64, handle);
	for (const char *line = listing; *line != '\0';) {
		size_t all = strcspn(line, "\n");
		*length = all - (size_t)marked;
		/* a chain has a handle too; its line opens a brace */
		if (all > (size_t)marked && strncmp(line + *length, mark, (size_t)marked) == 0 &&
		    line[*length - 1] != '{')
			return line;
		line += all;
		line += *line == '\n';
	}
	return NULL;
}

/* Drops "counter packets 12 bytes 720 ": it differs from one moment to the next. */
static void without_counters(char *text)
{
	char *from = strstr(text, "counter packets ");
	unsigned long long packets, bytes;
	int used = 0;
	if (from == NULL ||
	    sscanf(from, "counter packets %llu bytes %llu %n", &packets, &bytes, &used) < 2 ||
	    used == 0)
		return;
	memmove(from, from + used, strlen(from + used) + 1);
}

/* -- what only the text tells ----------------------------------------------------- */

/* "22", "22-30": reads one, moves on. */
static bool read_ports(const char **at, unsigned long *low, unsigned long *high)
{
	char *end;
	if (!isdigit((unsigned char)**at))
		return false;
	*low = *high = strtoul(*at, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*high = strtoul(end + 1, &end, 10);
	*at = end;
	return true;
}

/* Whether the text asks for ports that ours is none of: "tcp dport 25", "tcp dport { 80, 443 }". */
static bool other_ports(const char *text, const char *field, uint16_t port)
{
	const char *at = strstr(text, field);
	unsigned long low, high;
	if (at == NULL)
		return false;
	at += strlen(field);
	at += strspn(at, "{ ");
	bool any = false;
	while (read_ports(&at, &low, &high)) {
		if (port >= low && port <= high)
			return false;
		any = true;
		at += strspn(at, ", ");
	}
	return any;
}

/* "redirect to :9999", "dnat to 127.0.0.1:99" */
static void read_diversion(struct finding *finding, const struct flow *flow)
{
	const char *redirect = strstr(finding->text, "redirect to :");
	const char *dnat = strstr(finding->text, "dnat to ");
	unsigned long low, high;
	char address[ADDRESS_TEXT];
	if (redirect != NULL) {
		redirect += strlen("redirect to :");
		if (read_ports(&redirect, &low, &high) && low <= UINT16_MAX)
			finding->to_port = (uint16_t)low;
	} else if (dnat != NULL && flow->target.family == 4) {
		dnat += strlen("dnat to ");
		size_t length = strcspn(dnat, ": ");
		snprintf(address, sizeof(address), "%.*s", (int)length, dnat);
		finding->to = address_parse(address);
		dnat += length;
		dnat += *dnat == ':';
		if (read_ports(&dnat, &low, &high) && low <= UINT16_MAX)
			finding->to_port = (uint16_t)low;
	}
}

/* "10.20.0.9:1024-2048", "[2001:db8::9]:1024-2048", "2001:db8::9": the address, and what stands
 * behind it. Family 0: it is none, a map perhaps. */
static struct address read_address(const char **at, uint8_t family)
{
	char text[ADDRESS_TEXT];
	*at += **at == '[';
	size_t length = strcspn(*at, family == 4 ? ":- " : "]- ");
	snprintf(text, sizeof(text), "%.*s", (int)length, *at);
	*at += length;
	*at += **at == ']';
	return address_parse(text);
}

static const char *behind(const char *text, const char *words)
{
	const char *at = strstr(text, words);
	return at != NULL ? at + strlen(words) : NULL;
}

static bool gives_port(const char *rest)
{
	return strchr(rest, ':') != NULL || strstr(rest, "random") != NULL;
}

/* "masquerade to :1024-2048", "snat to 10.20.0.9 random", "snat ip to 10.20.0.9". False: source
 * address and port stay as they are. */
static bool read_translation(struct finding *finding, const struct flow *flow)
{
	const char *masquerade = behind(finding->text, "masquerade");
	const char *snat = behind(finding->text, "snat ");
	const char *to = snat != NULL ? behind(snat, "to ") : NULL;
	if (masquerade != NULL)
		return gives_port(masquerade);
	if (to == NULL)
		return true;
	struct address source = read_address(&to, flow->source.family);
	finding->other_port = gives_port(to);
	if (source.family != flow->source.family || address_equal(&source, &flow->source))
		return source.family == 0 || finding->other_port;
	finding->effect = WORD_RULE_READDRESSES;
	finding->to = source;
	return true;
}

/* Whether the chain listed is one of `interface`: `device "eth0"`, `devices = { eth0, lo }`.
 * A chain without a hook is some other's, which is not listed: *known is false. */
static bool of_device(const char *listing, const char *interface, bool *known)
{
	const char *at = strstr(listing, " device");
	size_t wanted = strlen(interface);
	*known =
		at != NULL && strstr(listing, "\ttype ") != NULL && strstr(listing, "\ttype ") < at;
	if (!*known)
		return false;
	const char *end = strstr(at, " priority ");
	for (at = strpbrk(at, "\"{"); at != NULL && (end == NULL || at < end);
	     at = strpbrk(at, "\", ")) {
		at += strspn(at, "\"{, ");
		if (strncmp(at, interface, wanted) == 0 && strchr("\", }", at[wanted]) != NULL)
			return true;
	}
	return false;
}

static bool of_our_device(struct finding *finding, const char *listing, const struct flow *flow)
{
	bool known;
	bool ours = of_device(listing, flow->interface, &known);
	finding->device_unknown = !known;
	finding->certain &= known;
	return ours || !known;
}

bool rule_take_text(struct finding *finding, const char *listing, const struct flow *flow)
{
	size_t length;
	if (finding->device_unknown && !of_our_device(finding, listing, flow))
		return false;
	if (finding->policy)
		return true;
	const char *line = find_line(listing, finding->handle, &length);
	if (line == NULL)
		return true;
	size_t indent = strspn(line, "\t ");
	if (indent > length)
		return true;
	snprintf(finding->text, sizeof(finding->text), "%.*s", (int)(length - indent),
		 line + indent);
	without_counters(finding->text);
	if (finding->effect == WORD_RULE_DIVERTS)
		read_diversion(finding, flow);
	if (finding->effect == WORD_RULE_TRANSLATES && !read_translation(finding, flow))
		return false;
	return finding->certain ||
	       !other_ports(finding->text, finding->incoming ? "tcp sport " : "tcp dport ",
			    flow->port);
}
