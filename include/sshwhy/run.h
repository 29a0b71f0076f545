/* run: everything one diagnosis rests on: the question, what no packet shows, the frames; made by a
 * live probe, from a saved run, or from a conversation of a capture; read by the whole analysis.
 *
 * A live probe fills it as it goes; a saved run is it, written to one pcapng: the
 * frames as packets, the rest as notes (one JSON object a line, opt_comment of the
 * section header). The analysis reads nothing else, so a replay cannot differ from
 * the live run. Strings and arrays belong to the arena.
 */
#ifndef SSHWHY_RUN_H
#define SSHWHY_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshwhy/address.h"
#include "sshwhy/arena.h"
#include "sshwhy/budget.h"
#include "sshwhy/error.h"
#include "sshwhy/frame.h"
#include "sshwhy/packet.h"
#include "sshwhy/savefile.h"

enum vantage {
	VANTAGE_CLIENT,
	VANTAGE_INTERNET,
	VANTAGE_VNET,
	VANTAGE_VM,
	VANTAGES,
	VANTAGE_UNKNOWN = VANTAGES, /* somebody else's capture that does not tell; no name */
};
enum deployment { DEPLOYMENT_UNKNOWN, DEPLOYMENT_ARM, DEPLOYMENT_CLASSIC, DEPLOYMENTS };
enum path_kind { PATH_INTERNET, PATH_VPN, PATH_EXPRESSROUTE, PATH_KINDS };

extern const char *const vantage_names[VANTAGES];
extern const char *const deployment_names[DEPLOYMENTS];
extern const char *const path_kind_names[PATH_KINDS];

/* By which way a packet leaves this machine. The same SYN by all three shows which local rule
 * stops it. */
enum way {
	WAY_UNKNOWN, /* somebody else's capture */
	WAY_KERNEL,  /* connect(): passes every local rule */
	WAY_RAW,     /* IP_HDRINCL: passes the output rules */
	WAY_LINK,    /* AF_PACKET: passes none of them */
	WAYS
};
extern const char *const way_names[WAYS];

/* A control port that no cloud VM serves, as a rule (BACnet's): a host resets it. */
#define CLOSED_PORT 47808

/* What the packets of one local port ask. */
enum purpose {
	PURPOSE_NONE,
	PURPOSE_SSH,	   /* is there an SSH service on the port? full TTL */
	PURPOSE_SWEEP,	   /* how far do SYNs to the SSH port come? TTL 1, 2, ... */
	PURPOSE_CONTROL,   /* the same sweep to another port of the VM */
	PURPOSE_ELSEWHERE, /* does SSH answer on another port? */
	PURPOSE_INSESSION, /* how far does the client's identification string come? */
	PURPOSE_SMALL,	   /* does the conversation come further with small segments? */
	PURPOSE_OPINION,   /* does the conversation of the person's own ssh come through? */
	PURPOSE_REFERENCE, /* another SSH host, on the client's own network */
	PURPOSE_UNMARKED,  /* are SYNs to the SSH port answered without ssh's own marks? */
	/* heavier ones (probe --deep), to the SSH port and to a control port each */
	PURPOSE_FRAGMENT, /* what becomes of the first fragment of a SYN, and no more? */
	PURPOSE_ACK,	  /* of a bare ACK? */
	PURPOSE_PLAIN,	  /* of a SYN without options? */
	PURPOSES
};
extern const char *const purpose_names[PURPOSES];

#define RUN_INTERFACES 6 /* loopback, those of the routes to the addresses and to a reference */

/* What no packet shows: events.def says what each kind's fields mean. */
enum event_kind {
#define EVENT(id, name, place) EVENT_##id,
#include "sshwhy/events.def"
	EVENTS
};

/* Words are numbered over all kinds. */
enum event_word {
	WORD_NONE, /* the kind has none, or a saved run's is of a newer version */
#define WORD(event, id, word) WORD_##event##_##id,
#include "sshwhy/events.def"
	EVENT_WORDS
};

const char *event_name(enum event_kind kind);
bool event_by_name(const char *name, enum event_kind *kind);
const char *event_word_name(enum event_word word); /* "" of WORD_NONE */
enum event_word event_word_by_name(enum event_kind kind, const char *name, size_t length);

/* EVENT_RULE's value */
enum rule_bit {
	RULE_INCOMING = 1, /* it is about the answers, not the SYN */
	RULE_CERTAIN = 2,  /* it applies; else it may */
	RULE_BELOW = 4,	   /* it stands at the interface, below the host's own firewall */
};

/* Unused fields are 0; unused texts are "" once run_event() has taken them. */
struct event {
	enum event_kind kind;
	enum event_word word;
	int64_t time_ns;
	enum way way;
	enum purpose purpose;
	uint16_t local_port, remote_port;
	uint8_t ttl;
	int32_t error;
	int64_t value;
	const char *text, *detail; /* in a run never NULL, nor longer than EVENT_TEXT_MAX */
};
#define EVENT_TEXT_MAX 4096 /* bytes: both, however they are escaped, fit into one note */

/* What is kept of one run, in bytes: some hundred times what a long one needs. A run that is saved
 * has room in a savefile (SAVEFILE_NOTES_MOST), whatever bytes its texts hold. */
#define RUN_FRAMES_MOST ((size_t)4 << 20)
#define RUN_EVENTS_MOST ((size_t)512 << 10)

struct run {
	/* the question */
	const char *host;     /* as asked for; never NULL in a planned run */
	const char *hostname; /* as ssh resolves that: what is looked up; NULL: not told */
	/* the first jump host, which is what this machine connects to and what address and port are
	 * of; NULL: ssh goes to the host itself */
	const char *via;
	const char *user;	/* to log in as; NULL: not told */
	struct address address; /* family 0: the name did not resolve */
	uint16_t port;
	bool named; /* host is a name, not a literal */
	enum vantage vantage;
	enum deployment deployment;
	enum path_kind path;
	const char *interface; /* NULL: not known */
	struct address local_address;
	uint32_t mtu;
	int64_t started_ns, stopped_ns;
	bool planned; /* false: somebody else's capture, no plan is known */
	bool interrupted;
	bool unfinished; /* ended before its plan did: another address is healthy */
	bool cut_short;	 /* the file ends before the run did; stopped_ns: nothing later is known */

	const struct event *events;
	size_t event_count;
	const struct frame *frames; /* bytes owned by the arena; number = index + 1 */
	size_t frame_count;
	struct run_interface {
		const char *name;
		uint32_t link;
	} interfaces[RUN_INTERFACES];
	size_t interface_count;
	struct budget frames_kept, events_kept;

	struct arena arena;
};

/* What the name of a cloud's host tells. */
enum deployment deployment_of(const char *host);

/* The name that is looked up: of the jump host, of the VM as ssh resolves it, else as asked for. */
const char *run_name(const struct run *run);

/* Copies, strings too, if there is room; cuts these. */
void run_event(struct run *run, const struct event *event);
/* False: there is no room, and nobody may look at the frame: what a live run saw, its replay would
 * not. */
bool run_has_room(struct run *run, const struct frame *frame);
/* Copies, and numbers it, if there is room. */
bool run_frame(struct run *run, const struct frame *frame);
/* At the end: an event says what there was no room for, as if the capture had lost it. */
void run_tell_refused(struct run *run);
void run_free(struct run *run);

/* Writes the run as one pcapng. comments[i] belongs to frame i and may be NULL. */
bool run_save(const struct run *run, const char *const *comments, FILE *out, struct error *error);

/* Writes a run as it comes: whatever happens to the process, what is in `out` is a saved run that
 * was cut short. Every call writes what the run has more than at the last one; the question when
 * it was told anew. */
struct run_writer *run_writer_new(const struct run *run, FILE *out);
void run_writer_add(struct run_writer *writer, const struct run *run);
/* Writes all of it once more, as run_save() does, over what is there. */
void run_writer_finish(struct run_writer *writer, const struct run *run,
		       const char *const *comments);
/* Frees; `out` stays the caller's. False (EXIT_CANNOT_WRITE) when any write failed: there was no
 * further one. */
bool run_writer_close(struct run_writer *writer, struct error *error);

/* Reads a saved run or a plain capture. What precedes damage is kept: then false
 * with EXIT_MALFORMED, and `run` holds what was readable. */
bool run_load(struct run *run, const char *path, struct error *error);

/* The same in two steps, from a savefile that was just opened: what precedes the frames (false:
 * it is no saved run of ours), then the frames (false as above; `path` is for the error). */
bool run_begin(struct run *run, const struct savefile *savefile);
bool run_frames(struct run *run, struct savefile *savefile, const char *path, struct error *error);

#endif
