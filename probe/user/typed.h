/* typed: what was typed, as it would be behind `ssh`: a destination and options; filled by the
 * commands' option parsers, read by consult.c.
 *
 * Nothing is decided here that ssh decides: which of two options stands, what an alias means.
 */
#ifndef PROBE_USER_TYPED_H
#define PROBE_USER_TYPED_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/error.h"

#define TYPED_WORDS_MAX 64

/* The options of ssh that are taken, as getopt(3) writes them. */
#define TYPED_OPTIONS "46p:l:o:F:J:b:B:"

struct typed {
	/* the destination */
	char host[NI_MAXHOST]; /* a name, an address or an alias; no brackets */
	char user[128];	       /* "": none stands before the host */
	uint16_t port;	       /* 0: none stands behind it */

	const char *word[TYPED_WORDS_MAX]; /* the options and their values, in order; borrowed */
	size_t word_count;
};

/* HOST[:PORT] with [IPv6] in brackets where a port follows; `port` is left alone where there is
 * none. False (EXIT_USAGE): it is none, or no host that ssh takes. */
bool typed_host(const char *text, char host[NI_MAXHOST], uint16_t *port, struct error *error);

/* [USER@]HOST[:PORT] or ssh://[USER@]HOST[:PORT]. */
bool typed_destination(struct typed *typed, const char *text, struct error *error);

/* One of TYPED_OPTIONS; `value` (NULL where it takes none) must live as long. */
bool typed_option(struct typed *typed, int letter, const char *value, struct error *error);

/* The value of the first option `letter`, of the last one; NULL: there is none. */
const char *typed_first(const struct typed *typed, char letter);
const char *typed_last(const struct typed *typed, char letter);

/* 4 or 6 as the last of -4 and -6 says; 0: neither was typed. */
int typed_family(const struct typed *typed);

/* The option that sets `keyword` of ssh_config(5), "-o Port=2222"; false: none does. */
bool typed_setting(const struct typed *typed, const char *keyword, char *text, size_t room);

/* The words for ssh that end with the destination; those of `before` come first. */
#define TYPED_COMMAND_MAX (TYPED_WORDS_MAX + 16)
struct typed_command {
	const char *word[TYPED_COMMAND_MAX]; /* ends with NULL */
	char port[8];
};
void typed_command(const struct typed *typed, const char *const *before,
		   struct typed_command *command);

#endif
