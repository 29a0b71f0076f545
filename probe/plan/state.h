/* state: what the plan keeps in mind, and what it sees when it looks.
 *
 * Made by plan.c. Each file (sweep.c, elsewhere.c, words.c, unmarked.c, heavy.c) writes the part
 * that bears its name, and all read everything. What the tracker knows is not kept here again.
 */
#ifndef PLAN_STATE_H
#define PLAN_STATE_H

#include "plan/agenda.h"
#include "plan/pace.h"

/* The heavier tests, in the order of their ports. */
enum heavy_test { HEAVY_FRAGMENT, HEAVY_ACK, HEAVY_PLAIN, HEAVY_TESTS };

/* The crafted exchanges: each has a local port of its own, which lies so far behind the first. */
enum slot {
	SLOT_RAW,
	SLOT_LINK,
	SLOT_SWEEP, /* a port for each pass: where flows are spread over ways, another way */
	SLOT_AGAIN = SLOT_SWEEP + SWEEP_PASSES,	   /* and one for what a pass compares once more */
	SLOT_COMPARED = SLOT_AGAIN + SWEEP_PASSES, /* the first control's, likewise */
	SLOT_COMPARED_AGAIN = SLOT_COMPARED + SWEEP_PASSES,
	SLOT_CONTROL = SLOT_COMPARED_AGAIN + SWEEP_PASSES, /* the further controls */
	SLOT_ELSEWHERE = SLOT_CONTROL + PATHS_MAX,
	SLOT_HEAVY = SLOT_ELSEWHERE + CANDIDATES, /* a pair for each: SSH port, control port */
	SLOT_UNMARKED = SLOT_HEAVY + 2 * HEAVY_TESTS,
	SLOTS
};
_Static_assert(SLOTS <= PLAN_CRAFTED_PORTS, "a local port for every exchange");
_Static_assert(CONNECTIONS < PLAN_KERNEL_PORTS, "the last of the kernel's is for the reference");

/* What is known at a time. */
struct moment {
	int64_t now_ns;
	struct facts facts;
};

struct plan {
	const struct run *run;
	struct plan_config config;
	struct track track;
	struct arena arena;   /* exchanges */
	struct arena looking; /* texts of the last look; freed with the next */

	enum plan_phase {
		PLAN_CONNECTION, /* the kernel's own, and the conversation on it */
		PLAN_SWEEP,	 /* crafted segments beside it, in passes */
		PLAN_CLEAN,	 /* resets; the plan is done when they have left */
	} phase;
	int64_t started_ns;
	int64_t next_hop_ns; /* when its link-layer address is told, or at the latest given up */
	int64_t pass_ns;     /* when the last pass began */
	int64_t heard_ns;    /* plan_heard() */
	int64_t looked_ns;   /* when the facts were last looked at; 0: look now */
	uint64_t looked_packets; /* what the tracker had seen by then */

	struct agenda agenda;
	unsigned kernel_used; /* kernel ports handed out */
	uint16_t ip_id;
	int64_t last_send_ns;
	unsigned withheld; /* what flows.c has left out */

	struct sweep {
		unsigned passes;	  /* begun so far */
		int64_t sent_ns[SLOTS];	  /* when the last SYN of a slot's sweep left */
		bool measured[PATHS_MAX]; /* how far away this control is was asked */
	} sweep;

	struct elsewhere {
		uint16_t port[CANDIDATES]; /* where SSH may be instead */
		unsigned count;
		bool told; /* by the VM itself: they listen, no SYN need ask */
	} elsewhere;

	struct words {
		unsigned repeated; /* how often the client's were */
		int64_t repeated_ns;
		unsigned passes; /* with small TTLs, begun so far */
	} words;

	enum opinion_stage { OPINION_UNASKED, OPINION_ASKED, OPINION_HEARD } opinion;

	unsigned unmarked; /* SYNs without ssh's marks, asked for so far */

	enum heavy_stage { HEAVY_NOT_BEGUN, HEAVY_BEGUN, HEAVY_ACK_SWEPT } heavy;
};

static inline uint16_t kernel_port(const struct plan *plan, unsigned index)
{
	return (uint16_t)(plan->config.kernel_ports + index);
}

static inline uint16_t slot_port(const struct plan *plan, unsigned slot)
{
	return (uint16_t)(plan->config.crafted_ports + slot);
}

/* What the tracker knows of a slot's exchange; NULL: it has not begun. */
static inline const struct exchange *slot_exchange(const struct plan *plan, unsigned slot)
{
	return track_find(&plan->track, slot_port(plan, slot));
}

/* The kernel's exchange with the SSH port whose conversation is judged, and the connection in it.
 */
static inline const struct exchange *kernel_exchange(const struct plan *plan)
{
	return track_judged(&plan->track);
}

static inline const struct connection *kernel_connection(const struct plan *plan)
{
	const struct exchange *kernel = kernel_exchange(plan);
	return kernel != NULL ? kernel->connection : NULL;
}

/* Packets were lost whose like is answered as a rule: all takes longer. */
static inline bool packets_lost(const struct moment *moment)
{
	return moment->facts.paths.far_end.lost > 0;
}

static inline enum answer answer_to(const struct moment *moment, enum question question)
{
	return fact_answer(&moment->facts, question);
}

/* The port has answered, and does no more: of the conversation that began before nothing more is
 * asked. */
static inline bool port_has_shut(const struct moment *moment)
{
	return answer_to(moment, QUESTION_LATER) != ANSWER_NONE;
}

#endif
