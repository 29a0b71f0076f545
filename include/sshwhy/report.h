/* report: one diagnosis as scripts and people get it, built by analyze/report/build.c from a
 * verdict and its facts; text and JSON are writers over it.
 *
 * Every string and array is owned by the arena the report was built in. Strings
 * that came from the network hold raw bytes: the writers escape them, nobody else.
 * NULL pointers and zero counts mean "unknown" and are written as null or absent.
 */
#ifndef SSHWHY_REPORT_H
#define SSHWHY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sshwhy/guide.h"
#include "sshwhy/verdict.h"

struct report_cause {
	enum cause cause;
	double probability; /* 0..1; written with at least three significant digits */
};

struct report_evidence {
	const char *fact;	 /* "question.answer" */
	const char *question;	 /* in words */
	const char *text;	 /* one sentence a person can check */
	const uint64_t *packets; /* frame numbers in the saved capture */
	size_t packet_count;
	const enum cause *for_causes; /* most helped first */
	size_t for_count;
	const enum cause *against_causes; /* most hurt first */
	size_t against_count;
};

enum hop_reply { HOP_SILENT, HOP_PASSES_ON, HOP_ACCEPTS, HOP_RESETS, HOP_REJECTS };

struct report_hop {
	uint8_t ttl;
	const char *address; /* NULL: no reply at this TTL */
	double rtt_ms;	     /* < 0: unknown */
	enum hop_reply kind;
	const char *reply; /* "time-exceeded", "syn-ack", "reset", "unreachable 3/13", ..., NULL:
			      none */
	bool inside;	   /* inside the client's organisation, as far as addresses tell */
	const char *name;  /* what name servers call it; NULL unknown */
};

struct report_path {
	uint16_t port;
	const struct report_hop *hops;
	size_t hop_count;
};

struct report_next {
	const char *text;
	const char *command; /* NULL: there is none */
	const enum cause *separates;
	size_t separates_count;
};

struct report_also {
	enum cause cause;
	const char *text;
};

/* How far the clock of one capture is ahead of that of the first. */
struct report_clock {
	const char *capture;
	double ahead_seconds;  /* < 0: behind */
	double within_seconds; /* it may be wrong by so much */
};

struct report {
	const char *host;     /* as asked for */
	const char *hostname; /* as ssh resolves that; NULL: not told */
	const char *via;      /* the jump host that address and port are of; NULL: none */
	const char *address;  /* literal, NULL when it did not resolve */
	uint16_t port;
	const char *vantage;	/* "client", ... */
	const char *deployment; /* "arm", "classic", "unknown" */
	const char *interface;
	const char *local_address;
	int64_t started_ns; /* since the epoch, UTC */
	double duration_seconds;

	enum outcome outcome;
	enum cause cause; /* the most probable */
	uint8_t sources[SOURCES];
	size_t source_count;
	double confidence;
	const char *summary;

	const struct report_cause *causes;
	size_t cause_count;
	const struct report_evidence *evidence;
	size_t evidence_count;
	const struct report_path *paths;
	size_t path_count;

	const char *banner;   /* the server's identification string */
	const char *host_key; /* "ssh-ed25519 SHA256:..." */
	const char *kex;      /* the key exchange agreed on */
	const char *const *auth_methods;
	size_t auth_method_count;

	const struct report_next *next;
	size_t next_count;
	const struct guide_fix *fixes;
	size_t fix_count;
	const struct report_also *also;
	size_t also_count;
	const char *const *not_observed;
	size_t not_observed_count;

	/* analyze only */
	unsigned attempts;	     /* 0: not written */
	const char *capture;	     /* file name */
	const char *const *captures; /* those that were joined, from the client's on */
	size_t capture_count;
	const struct report_clock *clock; /* NULL: not known */
};

/* Builds the whole report from a run: track, observe, reason, explain. In `arena`. */
struct report_options {
	const char *group, *vm;
};
void report_build(struct report *report, const struct run *run,
		  const struct report_options *options, struct arena *arena);

/* The same from a tracker that has seen the packets, as of `now_ns`. */
void report_build_tracked(struct report *report, const struct track *track, int64_t now_ns,
			  const struct report_options *options, struct arena *arena);
/* And from facts that were gathered already, `track` being among what they come from. */
void report_build_facts(struct report *report, const struct track *track, const struct facts *facts,
			const struct report_options *options, struct arena *arena);

/* One line of JSON ("schema":"sshwhy.report/1") and a newline, written with one fwrite. Keys never
 * change meaning. */
bool report_json(const struct report *report, FILE *out);

struct text_style {
	bool color;
	int verbosity; /* -1 quiet: the verdict line only; 0; 1 with every fact's packets */
};
/* For people: the path drawn hop by hop with the place where it breaks, the
 * verdict, why, what would settle the rest, the fix. */
bool report_text(const struct report *report, const struct text_style *style, FILE *out);

/* The exit code (error.h) for the outcome. */
int report_exit_code(const struct report *report);

#endif
