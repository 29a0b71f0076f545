/* plan_world: a small network in virtual time, and the driver of a plan in it.
 *
 * Made for test_plan.c: a client, three routers that answer, one that does not, the VM; on
 * request a reference, other servers on the VM, a server whose words get lost.
 */
#ifndef TESTS_PLAN_WORLD_H
#define TESTS_PLAN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan/plan.h"

#define MS(n)	     MILLISECONDS(n)
#define DISTANCE     5	       /* hops to the VM */
#define SERVER_FIRST 77	       /* the sequence number of its SYN-ACKs; the client's is 5 */
#define WORLD_FLOWS  64	       /* are counted at most */
#define REASSEMBLY   MS(30500) /* so long a VM waits for the rest of a fragment */

/* What a SYN to the SSH port meets at the VM; control ports are closed (reset). */
enum ssh_port { SILENT, OPEN, CLOSED };

struct world {
	/* what it is like: set before world_run() */
	enum ssh_port ssh_port;
	bool healthy; /* SSH on it comes as far as authentication */
	enum { NO_SSH, PASSES, STALLS, IS_REFUSED } opinion; /* how the person's ssh fares */
	bool gap;		    /* the server's first words are lost, its next come */
	bool drops_marked;	    /* hop 1 drops what is marked */
	uint8_t tos;		    /* how ssh marks its packets */
	bool ecn;		    /* the kernel's SYN offers ECN */
	bool edge_drops;	    /* hop 1 drops SYNs to the SSH port */
	bool deep;		    /* --deep */
	bool full;		    /* the run has no room for what comes */
	bool vm_reassembles;	    /* fragments to the SSH port arrive, too */
	uint16_t reference;	    /* its port; 0: there is none */
	int64_t reference_after_ns; /* how long its answer takes; 0: it is silent */
	bool reference_accepts;
	bool at_vm;	     /* the target is this machine: crafted frames come to nobody */
	int64_t listener[3]; /* ports of who listens there, as is told: they accept */
	unsigned listeners;
	bool listener_speaks; /* and are SSH */

	/* what the plan did */
	unsigned opinions; /* connections for the person's ssh */
	unsigned connects, crafted, resets_sent, references;
	uint16_t flow_port[WORLD_FLOWS];
	uint16_t tried[PLAN_KERNEL_PORTS]; /* ports connected to for SSH elsewhere */
	unsigned tries, asked_elsewhere;   /* asked: with crafted SYNs */
	unsigned unmarked;		   /* SYNs to the SSH port without ssh's marks */
	int64_t first_crafted_ns;
	unsigned fragments[2], acks[2], plains[2]; /* to the SSH port, and to others */
	uint8_t farthest;			   /* greatest TTL of a sweep */
	unsigned copies;			   /* of the client's first words */
	uint32_t copies_acknowledge;
	unsigned flows;	   /* new ones that the VM's SSH port saw */
	unsigned withheld; /* actions: plan_withheld() */
	int64_t done_ns;

	/* how it goes on */
	struct run run;
	struct plan *plan;
	int64_t now;
	uint64_t frames;
	int64_t reference_due_ns;   /* then its answer comes */
	struct packet given_up[16]; /* what the VM will say of fragments, by time */
	unsigned given_up_count, given_up_said;
	uint32_t heavy_sequence[PURPOSES][2]; /* of the last */
};

/* Runs a plan in the world until it is done; the world's first fields say what it is like. */
void world_run(struct world *w, int64_t timeout_ns);

/* The same in a new world, with a reference that answers after so long; 0: it is silent. */
void world_run_beside(struct world *w, enum ssh_port ssh_port, bool healthy, int64_t timeout_ns,
		      uint16_t reference, int64_t reference_after_ns);

/* The same without one. */
void world_run_simple(struct world *w, enum ssh_port ssh_port, bool healthy, int64_t timeout_ns);

#endif
