/* machine: what is found on this machine beside the network: firewall rules, ssh's
 * configuration, modes, known keys; read by drive.c, told to each run as events.
 */
#ifndef DRIVE_MACHINE_H
#define DRIVE_MACHINE_H

#include "drive/session.h"
#include "firewall/inventory.h"
#include "handshake/handshake.h"
#include "process/owner.h"
#include "user/consult.h"
#include "user/keys.h"
#include "user/known.h"
#include "user/modes.h"
#include "user/opinion.h"
#include "user/person.h"
#include "user/proxy.h"

struct machine {
	struct inventory *inventory; /* NULL: no rules are read */
	const struct drive_options *options;
	struct person person;
	const struct consulted *consulted; /* what ssh makes of what was typed */
	struct modes modes;
	struct known known;
	struct proxy *proxy; /* that the configuration goes through; NULL: none that can be tried */
	struct opinion *opinion[INVENTORY_FLOWS]; /* the person's ssh, for each session; NULL: none
						     that can be run */
	size_t sessions;
	struct machine_listeners {
		bool read; /* the session's address is this machine's, and it is the VM */
		struct listeners on;
	} listeners[INVENTORY_FLOWS];	      /* for each session */
	char host_keys[256];		      /* algorithms to ask for first */
	struct keys keys;		      /* the person's, for --auth */
	struct handshake_key offer[KEYS_MAX]; /* the same, for the handshake */
	bool agent;			      /* an SSH agent may hold keys */
	char unread[640]; /* a file that could not be read for want of something, and why */
};

/* Starts a child that can read rules for these sessions; reads who listens on the VM, when this
 * is it. With privilege. */
void machine_start(struct machine *machine, const struct drive_options *options,
		   const struct consulted *consulted, const struct person *person,
		   const struct session *sessions, size_t count);

/* Reads the person's own files and starts the proxy they name, as that person: after privilege
 * is dropped when it went to the person, else before. False when --known-hosts cannot be read. */
bool machine_read_files(struct machine *machine, struct error *error);

/* What the files say, as events of `run`. */
void machine_tell_files(const struct machine *machine, struct run *run);

/* Who may be an SSH server on another port, as events of session `index`'s run: before its plan
 * is made, which chooses by them whom to ask. */
void machine_tell_listeners(const struct machine *machine, size_t index, struct run *run);

/* The same listeners, for whom session `index` may connect to. */
void machine_license_listeners(const struct machine *machine, size_t index,
			       struct licence *licence);

/* What became of the proxy that the configuration goes through, as an event of `run`. Waits
 * for it, no longer than until `deadline_ns`; false when one of `signals` comes first. */
bool machine_tell_proxy(const struct machine *machine, int64_t deadline_ns, int signals,
			struct run *run);

/* Has the rules read: when the network is waited for. */
void machine_read_rules(struct machine *machine);

/* What the rules say to session `index`, once; nothing while they are still being read.
 * `wait_ms`: how long to wait for that. */
void machine_tell_rules(struct machine *machine, struct session *session, size_t index,
			int wait_ms);
int machine_fd(const struct machine *machine); /* readable when rules were read; -1 none */

/* What known_hosts and --host-key make of a key: the word and the detail of EVENT_HOST_KEY. */
enum event_word machine_judge_key(const struct machine *machine, const char *type,
				  const char *fingerprint, char *why, size_t room);

/* The keys to ask the server for, whom to trust, and with --auth what to offer. */
void machine_offer(const struct machine *machine, struct handshake_options *options);

void machine_close(struct machine *machine);

#endif
