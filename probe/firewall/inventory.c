#include "firewall/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/capability.h>
#include <nftables/libnftables.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/legacy.h"
#include "firewall/shield.h"
#include "process/child.h"
#include "sshwhy/memory.h"
#include "user/privilege.h"

struct inventory {
	int fd;
	struct child child;
	size_t got;
	bool ended;
	struct inventory_result result;
};

/* -- the process that reads rules ------------------------------------------------------- */

struct reader {
	struct nft_ctx *nft;
	const struct flow *flows;
	size_t count;
	struct inventory_result *result;
};

static bool run_command(struct reader *reader, const char *command)
{
	if (nft_run_cmd_from_buffer(reader->nft, command) == 0)
		return true;
	const char *text = nft_ctx_get_error_buffer(reader->nft);
	snprintf(reader->result->limit, sizeof(reader->result->limit), "%.*s",
		 text != NULL ? (int)strcspn(text, "\n") : 0, text != NULL ? text : "");
	return false;
}

/* A name that stands in a command as it is. */
static bool is_plain_name(const char *name)
{
	return name[0] != '\0' &&
	       name[strspn(name,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/")] ==
		       '\0';
}

/* The objects of a JSON answer, behind those of others. */
static void add_objects(FILE *json, const char *answer, bool first)
{
	const char *begin = strchr(answer, '['), *end = strrchr(answer, ']');
	if (begin != NULL && end != NULL && end > begin + 1)
		fprintf(json, "%s%.*s", first ? "" : ",", (int)(end - begin - 1), begin + 1);
}

/* Without shields, ours and other probes': of a table with an owner libnftables 1.0.6 writes JSON
 * that is none, and they have nothing to say of a connection. */
static bool list_table(struct reader *reader, const char *line, FILE *json, bool *first)
{
	char family[16], name[256], command[320];
	if (sscanf(line, "table %15s %255s", family, name) != 2 ||
	    strncmp(name, SHIELD_TABLE, strlen(SHIELD_TABLE)) == 0)
		return true;
	/* Named sets are not listed: they may hold a hundred thousand addresses. */
	nft_ctx_output_set_flags(reader->nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_ALL |
						      NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_HANDLE);
	snprintf(command, sizeof(command), "list table %s %s", family, name);
	if (!is_plain_name(family) || !is_plain_name(name) || !run_command(reader, command))
		return false;
	add_objects(json, nft_ctx_get_output_buffer(reader->nft), *first);
	*first = false;
	return true;
}

/* All rules, as "list ruleset" would have them; the caller frees. NULL: they cannot be listed. */
static char *list_rules(struct reader *reader)
{
	char *text = NULL, *rest = NULL;
	size_t size;
	bool first = true;
	nft_ctx_output_set_flags(reader->nft, 0);
	if (!run_command(reader, "list tables"))
		return NULL;
	char *tables = strdup(nft_ctx_get_output_buffer(reader->nft));
	FILE *json = memory_stream(&text, &size);
	bool listed = tables != NULL;
	fputs("{\"nftables\": [", json);
	for (char *line = listed ? strtok_r(tables, "\n", &rest) : NULL; listed && line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		listed = list_table(reader, line, json, &first);
	fputs("]}", json);
	memory_stream_end(json, &text);
	free(tables);
	if (listed)
		return text;
	free(text);
	return NULL;
}

static bool take_text(struct reader *reader, struct finding *finding, const struct flow *flow)
{
	char command[320];
	if ((finding->policy && !finding->device_unknown) || !is_plain_name(finding->table) ||
	    !is_plain_name(finding->chain))
		return true;
	nft_ctx_output_set_flags(reader->nft, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_TERSE);
	snprintf(command, sizeof(command), "list chain %s %s %s", finding->family, finding->table,
		 finding->chain);
	if (nft_run_cmd_from_buffer(reader->nft, command) != 0)
		return true;
	return rule_take_text(finding, nft_ctx_get_output_buffer(reader->nft), flow);
}

/* Each finding with its text; those whose text clears them are gone. */
static void take_texts(struct reader *reader, struct findings *rules, const struct flow *flow)
{
	size_t kept = 0;
	for (size_t i = 0; i < rules->count; i++)
		if (take_text(reader, &rules->finding[i], flow))
			rules->finding[kept++] = rules->finding[i];
	rules->count = kept;
}

static void read_rules(struct reader *reader)
{
	reader->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (reader->nft == NULL || nft_ctx_buffer_output(reader->nft) != 0 ||
	    nft_ctx_buffer_error(reader->nft) != 0) {
		snprintf(reader->result->limit, sizeof(reader->result->limit), "no context");
		return;
	}
	char *json = list_rules(reader);
	reader->result->read = json != NULL;
	for (size_t i = 0; json != NULL && i < reader->count; i++)
		reader->result->read &=
			rules_find(json, &reader->flows[i], &reader->result->part[i].rules);
	free(json);
	for (size_t i = 0; i < reader->count; i++)
		take_texts(reader, &reader->result->part[i].rules, &reader->flows[i]);
}

/* False at the end: the rest did not come. */
static bool read_all(int fd, void *bytes, size_t length)
{
	char *into = bytes;
	while (length > 0) {
		ssize_t got = read(fd, into, length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		into += got;
		length -= (size_t)got;
	}
	return true;
}

static void write_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;
	while (length > 0) {
		ssize_t written = write(fd, at, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		at += written;
		length -= (size_t)written;
	}
}

/* Fifteen thousand rules fit. More are told as too many, never as what fitted. */
static const struct child_bounds reading = {
	.memory = (size_t)192 * 1024 * 1024,
	.seconds = 10,
	.files = 64,
};

/* The library's own code for that. */
enum { OUT_OF_MEMORY = 2 };

/* The library builds JSON of rules that it finds no room for as if they were not there. */
static void *allocate_or_end(size_t size)
{
	void *memory = malloc(size);
	if (memory == NULL)
		_exit(OUT_OF_MEMORY);
	return memory;
}

/* Where netlink's attributes found no room, rules are missing too: all of these are small, and what
 * was refused to them came close to the bound. */
static bool was_near_bound(void)
{
	const size_t near = (size_t)2 * 1024 * 1024;
	unsigned long peak_kib = 0;
	char line[256];
	FILE *status = fopen("/proc/self/status", "re");
	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (sscanf(line, "VmPeak: %lu", &peak_kib) == 1)
			break;
	if (status != NULL)
		(void)fclose(status);
	return peak_kib == 0 || peak_kib * 1024 + near >= reading.memory;
}

/* What both processes are started with. */
struct order {
	const struct flow *flows;
	size_t count;
	const struct nobody *nobody;
};

/* False: whoever would say it has ended. */
static bool await_go(int fd)
{
	char byte;
	return read_all(fd, &byte, sizeof(byte));
}

static int read_kernel_tables(int out, void *context)
{
	static const unsigned kept[] = { CAP_NET_ADMIN };
	const struct order *order = context;
	struct legacy legacy4 = legacy_open(4), legacy6 = legacy_open(6);
	if (!privilege_keep(order->nobody, kept, 1) || !child_bound(&reading) || !await_go(out) ||
	    !child_forbid(CHILD_SOCKETS_NETFILTER))
		return EXIT_FAILURE;
	struct inventory_result *result = calloc(1, sizeof(*result));
	if (result == NULL)
		return OUT_OF_MEMORY;
	json_set_alloc_funcs(allocate_or_end, free);
	struct reader reader = { .flows = order->flows, .count = order->count, .result = result };
	read_rules(&reader);
	legacy_tables(&legacy4, result->legacy4, sizeof(result->legacy4));
	legacy_tables(&legacy6, result->legacy6, sizeof(result->legacy6));
	bool sound = !was_near_bound();
	if (sound)
		write_all(out, result, sizeof(*result));
	free(result);
	return sound ? EXIT_SUCCESS : OUT_OF_MEMORY;
}

/* -- the process that finds owners ----------------------------------------------------- */

/* The first diversion that leads to a port of this machine; NULL: none. */
static const struct finding *diversion_of(const struct inventory_part *part)
{
	for (size_t i = 0; i < part->rules.count; i++) {
		const struct finding *finding = &part->rules.finding[i];
		if (finding->effect == WORD_RULE_DIVERTS && finding->to_port != 0 &&
		    address_is_loopback(&finding->to))
			return finding;
	}
	return NULL;
}

/* Who listens where it leads. */
static void find_owner(struct inventory_part *part)
{
	const struct finding *finding = diversion_of(part);
	part->diverted = finding != NULL;
	if (finding == NULL)
		return;
	part->owner_port = finding->to_port;
	owner_find("/proc", &finding->to, finding->to_port, &part->owner);
}

static const char *why_unread(int code)
{
	bool large = code == OUT_OF_MEMORY || code == EXIT_UNAVAILABLE || code == -SIGXCPU;
	return large ? "too many to read" : "the library that reads them gave up";
}

/* Takes what the reader says, who reads much that others wrote. */
static void take_result(int fd, struct child *rules, struct inventory_result *result)
{
	bool whole = read_all(fd, result, sizeof(*result));
	int code = child_wait(rules);
	if (!whole || code != EXIT_SUCCESS || !inventory_is_sound(result)) {
		memset(result, 0, sizeof(*result));
		snprintf(result->limit, sizeof(result->limit), "%s", why_unread(code));
	}
}

static int find_owners(int out, void *context)
{
	static const unsigned kept[] = { CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH };
	static const struct child_bounds small = {
		.memory = (size_t)64 * 1024 * 1024,
		.seconds = 10,
		.files = 64,
	};
	const struct order *order = context;
	int ends[2];
	struct child rules;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
	    !child_start(&rules, "sshwhy: rules", ends[1], read_kernel_tables, context))
		return EXIT_FAILURE;
	close(ends[1]);
	if (!privilege_keep(order->nobody, kept, 2) || !child_bound(&small) || !await_go(out) ||
	    !child_forbid(CHILD_SOCKETS_NONE))
		return EXIT_FAILURE;
	write_all(ends[0], "", 1);
	struct inventory_result *result = calloc(1, sizeof(*result));
	if (result == NULL)
		return EXIT_FAILURE;
	take_result(ends[0], &rules, result);
	for (size_t i = 0; i < INVENTORY_FLOWS; i++)
		find_owner(&result->part[i]);
	write_all(out, result, sizeof(*result));
	free(result);
	return EXIT_SUCCESS;
}

/* -- the parent ------------------------------------------------------------------- */

struct inventory *inventory_start(const struct flow *flows, size_t count,
				  const struct nobody *nobody, struct error *error)
{
	int ends[2];
	struct inventory *inventory = calloc(1, sizeof(*inventory));
	struct order order = { flows, count < INVENTORY_FLOWS ? count : INVENTORY_FLOWS, nobody };
	if (inventory == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		free(inventory);
		error_set(error, EXIT_UNAVAILABLE, "no sockets: %s", strerror(errno));
		return NULL;
	}
	inventory->fd = ends[0];
	bool started =
		child_start(&inventory->child, "sshwhy: owners", ends[1], find_owners, &order);
	close(ends[1]);
	if (!started) {
		error_set(error, EXIT_UNAVAILABLE, "no child process: %s", strerror(errno));
		close(ends[0]);
		free(inventory);
		return NULL;
	}
	(void)fcntl(inventory->fd, F_SETFL, O_NONBLOCK);
	return inventory;
}

void inventory_go(struct inventory *inventory)
{
	(void)send(inventory->fd, "", 1, MSG_NOSIGNAL);
}

int inventory_fd(const struct inventory *inventory)
{
	return inventory->fd;
}

bool inventory_ended(const struct inventory *inventory)
{
	return inventory->ended;
}

const struct inventory_result *inventory_read(struct inventory *inventory)
{
	char *into = (char *)&inventory->result;
	while (!inventory->ended && inventory->got < sizeof(inventory->result)) {
		ssize_t got = read(inventory->fd, into + inventory->got,
				   sizeof(inventory->result) - inventory->got);
		if (got > 0)
			inventory->got += (size_t)got;
		else if (got == 0 || (errno != EAGAIN && errno != EINTR))
			inventory->ended = true;
		else if (errno == EAGAIN)
			break;
	}
	if (inventory->got < sizeof(inventory->result))
		return NULL;
	if (!inventory->ended && !inventory_is_sound(&inventory->result))
		inventory->got = 0;
	inventory->ended = true;
	return inventory->got != 0 ? &inventory->result : NULL;
}

void inventory_free(struct inventory *inventory)
{
	if (inventory == NULL)
		return;
	close(inventory->fd);
	(void)child_end(&inventory->child);
	free(inventory);
}
