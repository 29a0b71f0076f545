#include "firewall/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/legacy.h"

struct inventory {
	int fd;
	pid_t child;
	size_t got;
	bool ended;
	struct inventory_result result;
};

/* -- the child -------------------------------------------------------------------- */

struct reader {
	struct nft_ctx *nft;
	const struct flow *flows;
	size_t count;
	struct inventory_result *result;
};

static bool list_rules(struct reader *reader)
{
	/* Named sets are not listed: they may hold a hundred thousand addresses. */
	nft_ctx_output_set_flags(reader->nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_ALL |
						      NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_HANDLE);
	if (nft_run_cmd_from_buffer(reader->nft, "list ruleset") == 0)
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

/* Who listens where the first diversion leads, if that is this machine. */
static void find_owner(struct inventory_part *part)
{
	for (size_t i = 0; i < part->rules.count && !part->diverted; i++) {
		const struct finding *finding = &part->rules.finding[i];
		if (finding->effect != WORD_RULE_DIVERTS || finding->to_port == 0 ||
		    !address_is_loopback(&finding->to))
			continue;
		part->diverted = true;
		part->owner_port = finding->to_port;
		owner_find("/proc", &finding->to, finding->to_port, &part->owner);
	}
}

static void read_rules(struct reader *reader)
{
	reader->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (reader->nft == NULL || nft_ctx_buffer_output(reader->nft) != 0 ||
	    nft_ctx_buffer_error(reader->nft) != 0) {
		snprintf(reader->result->limit, sizeof(reader->result->limit), "no context");
		return;
	}
	if (!list_rules(reader))
		return;
	/* the next command overwrites the buffer */
	char *json = strdup(nft_ctx_get_output_buffer(reader->nft));
	reader->result->read = json != NULL;
	for (size_t i = 0; json != NULL && i < reader->count; i++)
		reader->result->read &=
			rules_find(json, &reader->flows[i], &reader->result->part[i].rules);
	free(json);
	for (size_t i = 0; i < reader->count; i++) {
		take_texts(reader, &reader->result->part[i].rules, &reader->flows[i]);
		find_owner(&reader->result->part[i]);
	}
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

/* Libraries complain on stderr, and what the parent has not written yet is not ours. */
static void discard_output(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0)
		return;
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(null, STDERR_FILENO);
}

static void read_everything(int out, pid_t parent, const struct flow *flows, size_t count)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it was quicker */
		_exit(0);
	struct inventory_result *result = calloc(1, sizeof(*result));
	if (result == NULL)
		_exit(1);
	discard_output();
	struct reader reader = { .flows = flows, .count = count, .result = result };
	read_rules(&reader);
	legacy_tables(4, result->legacy4, sizeof(result->legacy4));
	legacy_tables(6, result->legacy6, sizeof(result->legacy6));
	write_all(out, result, sizeof(*result));
	_exit(0);
}

/* -- the parent ------------------------------------------------------------------- */

struct inventory *inventory_start(const struct flow *flows, size_t count, struct error *error)
{
	int ends[2];
	pid_t self = getpid();
	struct inventory *inventory = calloc(1, sizeof(*inventory));
	if (inventory == NULL || pipe2(ends, O_CLOEXEC) != 0) {
		free(inventory);
		error_set(error, EXIT_UNAVAILABLE, "no pipe: %s", strerror(errno));
		return NULL;
	}
	inventory->child = fork();
	if (inventory->child == 0) {
		close(ends[0]);
		read_everything(ends[1], self, flows,
				count < INVENTORY_FLOWS ? count : INVENTORY_FLOWS);
	}
	close(ends[1]);
	inventory->fd = ends[0];
	if (inventory->child < 0) {
		error_set(error, EXIT_UNAVAILABLE, "no child process: %s", strerror(errno));
		close(ends[0]);
		free(inventory);
		return NULL;
	}
	(void)fcntl(inventory->fd, F_SETFL, O_NONBLOCK);
	return inventory;
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
	inventory->ended = true;
	return &inventory->result;
}

void inventory_free(struct inventory *inventory)
{
	if (inventory == NULL)
		return;
	close(inventory->fd); /* its next write ends the child, if it is still at work */
	(void)waitpid(inventory->child, NULL, WNOHANG);
	free(inventory);
}
