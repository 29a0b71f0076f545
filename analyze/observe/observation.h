/* observation: the floor that all question files stand on; begun by observe.c, handed to each of
 * them in turn. They call this, and the helpers path, loss, name, distance, missing, tally and
 * word, and never one another: what one needs of another it reads from the facts already set.
 */
#ifndef OBSERVE_OBSERVATION_H
#define OBSERVE_OBSERVATION_H

#include "sshwhy/fact.h"
#include "sshwhy/patience.h"

struct observation {
	const struct track *track;
	const struct run *run;
	struct arena *arena;
	struct facts *facts;
	int64_t now_ns;
	const struct exchange *kernel; /* the connection ssh itself would make; may be NULL */
	bool has_edge;		       /* an organisation's edge lies on the way */
	bool target_inside;	       /* by its address the target might be this side of it */
	bool wire_is_loopback;	       /* the target is this machine */
	bool frames_lost;	       /* the capture dropped frames: silence proves nothing */
};

/* -- what is told ------------------------------------------------------------------- */

/* Answers a question; the text is formatted into the arena. */
struct fact *fact_set(struct observation *o, enum answer answer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes the answer back: the question counts as not asked. */
void fact_forget(struct observation *o, enum question question);
void fact_packet(struct fact *fact, uint64_t frame); /* 0 is ignored */
void path_packets(struct fact *fact, const struct path *path);
/* Notes that the true answer may be `instead`, and that loss by chance showed this one in its
 * place: so likely is that. */
void fact_accident(struct fact *fact, enum answer instead, double chance);

/* -- what was seen ------------------------------------------------------------------ */

/* The first event of the kind at or after *index, which is moved behind it; the first that is about
 * the connection from `local_port`. NULL: there is none. */
const struct event *find_event(const struct run *run, enum event_kind kind, size_t *index);
const struct event *find_event_of(const struct run *run, enum event_kind kind, uint16_t local_port);

/* " (FILE:3: Port 2222)": which line or option sets that keyword of ssh_config(5), to be put behind
 * what it leads to; "": none does. */
const char *setting_quoted(const struct observation *o, const char *keyword);

/* Or the run has no room for more, as far as it is known by now. */
bool capture_lost_frames(const struct run *run);

/* The SYN that opened the connection, which need not be the first: that may have been lost. */
const struct sent *opening(const struct exchange *kernel);

/* Whether the kernel connects to the target, and takes the answers, as far as is told by now; and
 * whether it has a connection whose conversation can be judged. */
bool connects(const struct observation *o);
bool converses(const struct observation *o);

/* Somebody else's capture: made on the VM, or somewhere before it. */
bool on_the_way(const struct run *run);
bool at_the_vm(const struct run *run);

#endif
