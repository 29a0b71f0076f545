/* joining: one report of several captures in the making.
 *
 * Made by report.c for each conversation that several captures show, or that one shows and
 * another ought to; filled by joined.c (which connection, and how it was changed on the way),
 * ends.c (what crossed between both ends) and absence.c (what never came to the other).
 */
#ifndef JOINT_JOINING_H
#define JOINT_JOINING_H

#include "joint/state.h"
#include "sshwhy/patience.h"
#include "sshwhy/ssh.h"

/* When nothing tells how far the clocks are apart, they are taken to agree within this. */
#define CLOCKS_AGREE SECONDS(2)

struct joining {
	struct joint *joint;
	struct entry *near, *far; /* at the client's side, at the server's; far NULL: absent */
	struct entry *base;	  /* the one of them that is reported on */
	struct entry *const *members;
	unsigned member_count;
	const struct joint_capture *capture, *other; /* of near and far */
	size_t first, end; /* the attempts of `base` that are read as one */
	struct run *run;
	struct facts facts;
	struct report_clock clock; /* capture NULL: not known */
};

/* Whether the place is the client's end, or may be although its TTLs do not tell. */
bool may_be_client_end(const struct joint *joint, const struct entry *entry);

/* Whether somebody between has a connection of his own to the server, and carries words on. */
bool is_relayed(const struct marks *near, const struct marks *far);

/* Answers a question; `text` is copied. */
void joining_set(struct joining *j, enum answer answer, const char *text);
void joining_drop(struct joining *j, enum question question);

/* joined.c: which connection of which capture it is, how it was changed, to which port it
 * leads, and how the clocks compare. */
void tell_joined(struct joining *j, unsigned attempt, bool both_ends);
void tell_port(struct joining *j);
void tell_clock(struct joining *j, const struct shift *shift);

/* ends.c: takes into the facts what the far capture adds. */
void compare_ends(struct joining *j);

/* absence.c: whether the capture was made where the VM is, as far as that is known; and what
 * follows from its not showing the conversation. False: nothing. */
bool ought_to_show(const struct joint *joint, const struct entry *entry, unsigned index);
bool find_absence(struct joining *j);

/* A text in the making, cut where it is full. */
struct line {
	char text[480];
	size_t used;
};
void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
