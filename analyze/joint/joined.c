/* Which connection of each capture it is, how it was changed on the way, and the clocks. */
#include <stdio.h>

#include "joint/joining.h"

/* -- which, and how changed ---------------------------------------------------------------- */

static void add_ends(struct line *line, const struct entry *entry, const struct marks *marks)
{
	const struct conversation *c = &entry->dossier.conversation;
	char client[ADDRESS_TEXT], server[ADDRESS_TEXT];
	bool v6 = c->client.family == 6;
	line_add(line, v6 ? "[%s]:%u to [%s]:%u" : "%s:%u to %s:%u",
		 address_text(&c->client, client), marks->client_port,
		 address_text(&c->server, server), c->port);
}

static bool same_ends(const struct entry *a, const struct marks *x, const struct entry *b,
		      const struct marks *y)
{
	const struct conversation *c = &a->dossier.conversation, *d = &b->dossier.conversation;
	return address_equal(&c->client, &d->client) && address_equal(&c->server, &d->server) &&
	       c->port == d->port && x->client_port == y->client_port;
}

static void add_changed(struct line *line, const struct marks *x, const struct marks *y)
{
	if (x->ttl > y->ttl && y->ttl != 0)
		line_add(line, "; %u router%s between", x->ttl - y->ttl,
			 x->ttl - y->ttl == 1 ? "" : "s");
	if (x->client_isn != y->client_isn)
		line_add(line, "; the client's sequence numbers are changed");
	if (x->answer && y->answer && x->server_isn != y->server_isn)
		line_add(line, "; the server's sequence numbers are changed");
	if (x->mss != 0 && y->mss != 0 && x->mss != y->mss)
		line_add(line, "; the SYN's MSS of %u is %u there", x->mss, y->mss);
	if (x->answer_mss != 0 && y->answer_mss != 0 && x->answer_mss != y->answer_mss)
		line_add(line, "; the SYN-ACK's MSS of %u comes as %u", y->answer_mss,
			 x->answer_mss);
	if (x->stamped && !y->stamped && y->wscale != 255)
		line_add(line, "; the SYN's timestamps are taken out");
	if (x->wscale != 255 && y->wscale == 255 && y->stamped)
		line_add(line, "; the SYN's window scale is taken out");
	if (x->selective && !y->selective && (y->stamped || y->wscale != 255))
		line_add(line, "; the SYN's SACK is taken out");
}

static void add_member(struct line *line, const struct joining *j, const struct entry *member,
		       const struct marks *marks, uint32_t thread)
{
	const char *name = j->joint->captures[member->capture].name;
	const struct marks *its = &member->marks[attempt_of(member, thread)];
	if (is_relayed(marks, its))
		line_add(line, "; %s has another connection with the same words, ", name);
	else if (same_ends(j->near, marks, member, its)) {
		line_add(line, "; %s has it too", name);
		add_changed(line, marks, its);
		return;
	} else
		line_add(line, "; in %s it is ", name);
	add_ends(line, member, its);
	add_changed(line, marks, its);
}

void tell_joined(struct joining *j, unsigned attempt, bool both_ends)
{
	struct line line = { .used = 0 };
	const struct marks *marks = &j->near->marks[attempt];
	line_add(&line, "%s has ", j->capture->name);
	add_ends(&line, j->near, marks);
	for (unsigned i = 1; i < j->member_count; i++)
		if (attempt_of(j->members[i], j->near->thread[attempt]) != ATTEMPTS_KEPT)
			add_member(&line, j, j->members[i], marks, j->near->thread[attempt]);
	joining_set(j, both_ends ? ANSWER_JOINED_BOTH_ENDS : ANSWER_JOINED_ON_THE_WAY, line.text);
}

void tell_port(struct joining *j)
{
	uint16_t asked = j->near->dossier.conversation.port;
	uint16_t reached = j->far->dossier.conversation.port;
	char text[96];
	snprintf(text, sizeof(text), "port %u leads to port %u of the VM", asked, reached);
	joining_set(j,
		    asked == reached	  ? ANSWER_MAPPED_SAME
		    : reached == SSH_PORT ? ANSWER_MAPPED_SSH
					  : ANSWER_MAPPED_OTHER,
		    text);
}

/* -- clocks ---------------------------------------------------------------------------------- */

static const char *span_text(int64_t ns, char text[32])
{
	double seconds = (double)(ns < 0 ? -ns : ns) / 1e9;
	if (seconds < 0.1)
		snprintf(text, 32, "%.3f ms", seconds * 1000);
	else
		snprintf(text, 32, "%.3f s", seconds);
	return text;
}

void tell_clock(struct joining *j, const struct shift *shift)
{
	int64_t ahead_ns, within_ns;
	char ahead[32], within[32];
	struct line line = { .used = 0 };
	const char *name = j->other->name;
	if (!shift->up && !shift->down)
		return;
	if (shift_offset(shift, &ahead_ns, &within_ns)) {
		line_add(&line,
			 "the clock of %s is %s %s that of %s, give or take %s, which is what a "
			 "packet "
			 "takes each way if both ways take the same",
			 name, span_text(ahead_ns, ahead), ahead_ns < 0 ? "behind" : "ahead of",
			 j->capture->name, span_text(within_ns, within));
		joining_set(j, ANSWER_CLOCK_COMPARED, line.text);
		j->clock = (struct report_clock){ .capture = name,
						  .ahead_seconds = (double)ahead_ns / 1e9,
						  .within_seconds = (double)within_ns / 1e9 };
		return;
	}
	if (shift->up && shift->down)
		line_add(&line, "the clocks of %s and %s do not run alike", j->capture->name, name);
	else
		line_add(&line,
			 "the clock of %s is at %s %s %s that of %s: only one way's packets are in "
			 "both",
			 name, shift->up == (ahead_ns >= 0) ? "most" : "least",
			 span_text(ahead_ns, ahead), ahead_ns < 0 ? "behind" : "ahead of",
			 j->capture->name);
	joining_set(j, ANSWER_CLOCK_BOUNDED, line.text);
}
