#include "firewall/legacy.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#define TABLE_BYTES_MAX (64u * 1024 * 1024)

/* Both families' headers are alike; what differs is the entry. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "IPv6 asks alike");
_Static_assert(sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries),
	       "IPv6 asks alike");
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO, "IPv6 asks alike");
/* NOLINTNEXTLINE(misc-redundant-expression): one number that two headers give */
_Static_assert(IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES, "IPv6 asks alike");

struct table {
	int socket, level;
	size_t target_at; /* offset of target_offset in an entry */
	struct ipt_getinfo info;
};

/* The verdict of the entry at `offset`: a chain's policy is its last entry. */
static bool policy_accepts(const struct table *table, const uint8_t *entries, uint32_t offset)
{
	struct xt_standard_target target;
	uint16_t at;
	size_t size = table->info.size;
	if (offset > size || size - offset < table->target_at + sizeof(at))
		return false;
	memcpy(&at, entries + offset + table->target_at, sizeof(at));
	if (size - offset < at || size - offset - at < sizeof(target))
		return false;
	memcpy(&target, entries + offset + at, sizeof(target));
	return target.target.u.user.name[0] == '\0' && target.verdict == -NF_ACCEPT - 1;
}

static bool policies_accept(const struct table *table)
{
	socklen_t length = (socklen_t)(sizeof(struct ipt_get_entries) + table->info.size);
	struct ipt_get_entries *entries =
		table->info.size <= TABLE_BYTES_MAX ? calloc(1, length) : NULL;
	if (entries == NULL)
		return false;
	memcpy(entries->name, table->info.name, sizeof(entries->name));
	entries->size = table->info.size;
	bool accept =
		getsockopt(table->socket, table->level, IPT_SO_GET_ENTRIES, entries, &length) == 0;
	for (unsigned hook = 0; accept && hook < NF_INET_NUMHOOKS; hook++)
		if (table->info.valid_hooks & 1u << hook)
			accept = policy_accepts(table, (const uint8_t *)entries->entrytable,
						table->info.underflow[hook]);
	free(entries);
	return accept;
}

/* One policy a hook and the entry that ends the table: nobody has put a rule there. */
static bool is_pristine(struct table *table, const char *name)
{
	socklen_t length = sizeof(table->info);
	memset(&table->info, 0, sizeof(table->info));
	snprintf(table->info.name, sizeof(table->info.name), "%s", name);
	if (getsockopt(table->socket, table->level, IPT_SO_GET_INFO, &table->info, &length) != 0)
		return false;
	unsigned hooks = (unsigned)__builtin_popcount(table->info.valid_hooks);
	return table->info.num_entries == hooks + 1 && policies_accept(table);
}

struct legacy legacy_open(int family)
{
	bool six = family == 6;
	const char *list =
		six ? "/proc/self/net/ip6_tables_names" : "/proc/self/net/ip_tables_names";
	struct legacy legacy = { .family = family, .socket = -1 };
	legacy.list = open(list, O_RDONLY | O_CLOEXEC);
	if (legacy.list >= 0)
		legacy.socket =
			socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return legacy;
}

static void name_tables(FILE *list, struct table *table, char *text, size_t room)
{
	char name[XT_TABLE_MAXNAMELEN];
	while (fscanf(list, "%31s", name) == 1) {
		size_t used = strlen(text);
		if (!is_pristine(table, name))
			snprintf(text + used, room - used, "%s%s", used > 0 ? ", " : "", name);
	}
}

void legacy_tables(struct legacy *legacy, char *text, size_t room)
{
	bool six = legacy->family == 6;
	struct table table = {
		.socket = legacy->socket,
		.level = six ? IPPROTO_IPV6 : IPPROTO_IP,
		.target_at = six ? offsetof(struct ip6t_entry, target_offset)
				 : offsetof(struct ipt_entry, target_offset),
	};
	FILE *list = legacy->list >= 0 ? fdopen(legacy->list, "r") : NULL;
	text[0] = '\0';
	if (list != NULL) {
		name_tables(list, &table, text, room);
		(void)fclose(list);
	}
	if (legacy->socket >= 0)
		close(legacy->socket);
	legacy->list = legacy->socket = -1;
}
