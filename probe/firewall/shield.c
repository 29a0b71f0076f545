#include <fcntl.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/shield.h"

#define RULE_TEXT  128
#define TABLE_TEXT (SHIELDED_MAX * RULE_TEXT + 160)

/* The table lives as long as the netlink socket inside the library's context. */
struct shield {
	struct nft_ctx *context;
};

/* "ip saddr 20.99.0.4 tcp dport 62000-62039 drop; " */
static void write_rule(char *text, size_t room, const struct shielded *shielded)
{
	char peer[ADDRESS_TEXT];

	snprintf(text, room, "%s saddr %s tcp dport %u-%u drop; ",
		 shielded->peer.family == 6 ? "ip6" : "ip", address_text(&shielded->peer, peer),
		 shielded->first, shielded->last);
}

/* The input hook, not prerouting or ingress: taps come before both, and this one
 * costs nothing for traffic that is only forwarded. The table is named after a port of
 * ours: a network namespace has that once, but process numbers perhaps twice. */
static void write_table(char *text, size_t room, const struct shielded *shielded, size_t count)
{
	char rules[SHIELDED_MAX * RULE_TEXT] = "";

	for (size_t i = 0; i < count && i < SHIELDED_MAX; i++)
		write_rule(rules + strlen(rules), RULE_TEXT, &shielded[i]);
	snprintf(text, room,
		 "add table inet " SHIELD_TABLE "%u { flags owner; chain input { "
		 "type filter hook input priority -300; policy accept; %s}; }\n",
		 shielded->first, rules);
}

/* The lowest free descriptor: the one that the library's socket gets. */
static int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* The library leaves its socket open across exec: a child that has a copy would keep the
 * table alive after us. */
static void close_on_exec(int fd)
{
	int protocol = -1;
	socklen_t length = sizeof(protocol);

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
	    protocol == NETLINK_NETFILTER)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static struct nft_ctx *open_context(void)
{
	int fd = next_descriptor();
	struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);

	close_on_exec(fd);
	return context;
}

/* The library's first line of complaint, without its newline. */
static bool tell_refusal(struct nft_ctx *context, struct error *error)
{
	const char *text = nft_ctx_get_error_buffer(context);
	int length = text != NULL ? (int)strcspn(text, "\n") : 0;

	return error_set(error, EXIT_UNAVAILABLE, "nftables: %.*s", length, text ? text : "");
}

struct shield *shield_open(struct error *error)
{
	struct shield *shield = calloc(1, sizeof(*shield));

	if (shield != NULL && (shield->context = open_context()) != NULL)
		return shield;
	free(shield);
	error_set(error, EXIT_UNAVAILABLE, "nftables: no context");
	return NULL;
}

bool shield_raise(struct shield *shield, const struct shielded *shielded, size_t count,
		  struct error *error)
{
	char table[TABLE_TEXT];

	write_table(table, sizeof(table), shielded, count);
	return (nft_ctx_buffer_output(shield->context) == 0 &&
		nft_ctx_buffer_error(shield->context) == 0 &&
		nft_run_cmd_from_buffer(shield->context, table) == 0) ||
	       tell_refusal(shield->context, error);
}

/* Closing the socket is what takes the table away; no privilege is needed for it. */
void shield_lower(struct shield *shield)
{
	if (shield == NULL)
		return;
	nft_ctx_free(shield->context);
	free(shield);
}
