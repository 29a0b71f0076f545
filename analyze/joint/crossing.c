#include "joint/crossing.h"

#include <stdarg.h>
#include <stdio.h>

#include "sshwhy/patience.h"

/* Round trips and queues: so much later than expected a packet may still come. */
#define SLACK MILLISECONDS(500)
/* Clocks run apart by so much in a conversation. */
#define DRIFT MILLISECONDS(20)
/* What was sent so often and never came was not lost by accident... */
#define COPIES 2
/* ...when the copies are so far apart. */
#define COPIES_SPAN MILLISECONDS(150)

struct comparing {
	const struct end *a, *z; /* at the client, at the server */
	int64_t shift_ns;	 /* a packet is seen so much later in z, or at the most a little
				    more: by z's clock */
	struct crossing *out;
	struct proof *told; /* the proof in `out` that was set last */
};

/* What a comparison of both ends finds. Once one has found something odd, be it proved or not,
 * nobody may say that all arrives. */
enum found {
	FOUND_NOTHING,
	FOUND_UNPROVED, /* the captures do not show enough to tell why */
	FOUND_PROOF,
};

static void set_proof(struct comparing *c, enum answer answer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void set_proof(struct comparing *c, enum answer answer, const char *format, ...)
{
	bool who = answer_question(answer) == QUESTION_ANSWERER;
	va_list arguments;
	c->told = who ? &c->out->answerer : &c->out->crossing;
	va_start(arguments, format);
	vsnprintf(c->told->text, sizeof(c->told->text), format, arguments);
	va_end(arguments);
	c->told->answer = answer;
}

/* Adds a packet of the client's capture to the proof that was set last. */
static void point_at(struct comparing *c, const struct step *step)
{
	if (step != NULL && step->number != 0 && c->told->packet_count < FACT_PACKETS_MAX)
		c->told->packets[c->told->packet_count++] = step->number;
}

/* -- what an end shows ------------------------------------------------------------------ */

typedef bool is_kind(const struct step *step);

static bool is_reset(const struct step *step)
{
	return !step->rejects && !step->from_client && step->flags & TCP_RST;
}

static bool is_server_answer(const struct step *step)
{
	return !step->from_client && is_answer(step);
}

static bool is_client_syn(const struct step *step)
{
	return step->from_client && is_syn(step);
}

static bool is_targets_rejection(const struct step *step)
{
	return step->rejects && step->by_target;
}

static const struct step *first_of(const struct end *end, is_kind *kind)
{
	for (unsigned i = 0; i < end->trace->count; i++)
		if (kind(&end->trace->steps[i]))
			return &end->trace->steps[i];
	return NULL;
}

static unsigned count_of(const struct end *end, is_kind *kind)
{
	unsigned count = 0;
	for (unsigned i = 0; i < end->trace->count; i++)
		count += kind(&end->trace->steps[i]);
	return count;
}

static const struct step *first_end_of(const struct end *end, bool from_client)
{
	for (unsigned i = 0; i < end->trace->count; i++)
		if (ends_it(&end->trace->steps[i]) &&
		    end->trace->steps[i].from_client == from_client)
			return &end->trace->steps[i];
	return NULL;
}

/* What the client has got left the server before: by the time of a client's packet that
 * comes to it while the client got it. */
static bool server_has_shown(const struct comparing *c, int64_t client_ns)
{
	return c->z->sees_all && client_ns + c->shift_ns <= c->z->last_ns;
}

/* The capture at the server goes on after the client's packet must have come there. */
static bool server_covers(const struct comparing *c, int64_t client_ns)
{
	return c->z->sees_all && client_ns + c->shift_ns + SLACK <= c->z->last_ns;
}

static bool client_covers(const struct comparing *c, int64_t server_ns)
{
	return c->a->sees_all && server_ns - c->shift_ns + SLACK <= c->a->last_ns;
}

/* How much later a SYN is seen at the server: copies of one SYN are told apart by the sender's
 * clock or the packet's number. */
static int64_t shift_by_syn(const struct end *a, const struct end *z)
{
	const struct step *first = first_of(a, is_client_syn);
	for (unsigned i = 0; i < a->trace->count; i++)
		for (unsigned n = 0; n < z->trace->count; n++) {
			const struct step *x = &a->trace->steps[i], *y = &z->trace->steps[n];
			bool same = x->stamped && y->stamped
					    ? x->timestamp == y->timestamp
					    : x->ip_id != 0 && x->ip_id == y->ip_id;
			if (is_client_syn(x) && is_client_syn(y) && same)
				return y->time_ns - x->time_ns;
		}
	return first_of(z, is_client_syn)->time_ns - first->time_ns;
}

/* -- answers to the SYN ------------------------------------------------------------------ */

static void answered_by_another(struct comparing *c, const struct step *answer)
{
	set_proof(c, ANSWER_ANSWERER_ANOTHER,
		  "the client gets a %s; %s shows that the SYN comes to the VM, and that the VM "
		  "sends "
		  "no "
		  "such answer",
		  answer->rejects	    ? "rejection"
		  : answer->flags & TCP_RST ? "reset"
					    : "SYN-ACK",
		  c->z->name);
	point_at(c, first_of(c->a, is_client_syn));
	point_at(c, answer);
}

static const struct step *answer_at(const struct end *end)
{
	const struct step *answer = first_of(end, is_server_answer);
	if (answer == NULL)
		answer = first_of(end, is_reset);
	return answer != NULL ? answer : first_of(end, is_targets_rejection);
}

/* The VM answers nothing: does the client get an answer? */
static void nothing_sent(struct comparing *c, const struct step *got)
{
	if (got == NULL && c->z->sees_all) {
		set_proof(
			c, ANSWER_CROSSING_ALL_ARRIVE,
			"%u SYN%s of the client's %u come%s to %s, and nothing is sent back there",
			count_of(c->z, is_client_syn),
			count_of(c->z, is_client_syn) == 1 ? "" : "s",
			count_of(c->a, is_client_syn),
			count_of(c->z, is_client_syn) == 1 ? "s" : "", c->z->name);
		point_at(c, first_of(c->a, is_client_syn));
	} else if (got != NULL && c->z->both_ways && server_has_shown(c, got->time_ns)) {
		answered_by_another(c, got);
	}
}

/* The VM's answer, and the client gets none at all. */
static void nothing_got(struct comparing *c, const struct step *sent, is_kind *kind)
{
	unsigned sent_count = count_of(c->z, kind), asked = count_of(c->a, is_client_syn);
	if (sent_count < COPIES || asked < COPIES || !c->a->both_ways ||
	    !client_covers(c, sent->time_ns))
		return;
	set_proof(
		c, ANSWER_CROSSING_ANSWERS_NEVER_ARRIVE,
		"the VM's %s leaves it %u times (first as frame %llu of %s) and never comes to the "
		"client, which repeats its SYN",
		kind == is_server_answer ? "SYN-ACK" : "reset", sent_count,
		(unsigned long long)sent->number, c->z->name);
	point_at(c, first_of(c->a, is_client_syn));
}

/* Two SYN-ACKs with different sequence numbers: changed on the way, or another's? */
static bool is_another_answer(const struct comparing *c)
{
	const struct marks *a = &c->a->trace->marks, *z = &c->z->trace->marks;
	if (!c->z->sees_all || a->server_isn == z->server_isn || !a->answer_stamped ||
	    !z->answer_stamped)
		return false;
	for (unsigned i = 0; i < c->a->trace->count; i++)
		for (unsigned n = 0; n < c->z->trace->count; n++)
			if (is_server_answer(&c->a->trace->steps[i]) &&
			    is_server_answer(&c->z->trace->steps[n]) &&
			    c->a->trace->steps[i].timestamp == c->z->trace->steps[n].timestamp)
				return false;
	return true;
}

static void answered_by_vm(struct comparing *c, const struct step *sent, const struct step *got)
{
	set_proof(c, ANSWER_ANSWERER_VM, "the VM's %s (frame %llu of %s) is what the client gets",
		  sent->rejects	   ? "rejection"
		  : is_reset(sent) ? "reset"
				   : "SYN-ACK",
		  (unsigned long long)sent->number, c->z->name);
	point_at(c, first_of(c->a, is_client_syn));
	point_at(c, got);
}

/* The VM has sent one answer, the client has got another. */
static void compare_different(struct comparing *c, const struct step *sent, const struct step *got)
{
	bool also_reset = is_server_answer(sent) && first_of(c->z, is_reset) != NULL;
	if (!also_reset && !got->rejects && server_has_shown(c, got->time_ns))
		answered_by_another(c, got);
}

/* Whether both ends show a connection that follows, to be compared further. */
static bool compare_answers(struct comparing *c)
{
	const struct step *got = answer_at(c->a), *sent = answer_at(c->z);
	if (sent == NULL) {
		nothing_sent(c, got);
		return false;
	}
	if (got == NULL) {
		if (!sent->rejects)
			nothing_got(c, sent, is_reset(sent) ? is_reset : is_server_answer);
		return false;
	}
	bool alike =
		is_server_answer(sent) == is_server_answer(got) && sent->rejects == got->rejects;
	if (!alike) {
		compare_different(c, sent, got);
		return false;
	}
	if (is_server_answer(sent) && is_another_answer(c)) {
		answered_by_another(c, got);
		return false;
	}
	answered_by_vm(c, sent, got);
	return is_server_answer(sent);
}

/* -- ends --------------------------------------------------------------------------------- */

static const char *end_name(const struct step *end)
{
	return end->flags & TCP_RST ? "reset" : "end (FIN)";
}

/* The client sees the server end it: did the server? */
static enum found compare_servers_end(struct comparing *c)
{
	const struct step *got = first_end_of(c->a, false), *own = first_end_of(c->a, true);
	const struct step *sent = first_end_of(c->z, false);
	if (got == NULL || (own != NULL && own->time_ns <= got->time_ns) ||
	    (sent != NULL && sent->time_ns <= got->time_ns + c->shift_ns + DRIFT))
		return FOUND_NOTHING;
	if (!server_has_shown(c, got->time_ns))
		return FOUND_UNPROVED;
	set_proof(
		c, ANSWER_CROSSING_END_NEVER_SENT,
		"the %s that the client gets in the VM's name was never sent by the VM: %s, which "
		"shows "
		"the connection%s, does not have it",
		end_name(got), c->z->name, sent != NULL ? ", and the VM's own end later" : "");
	point_at(c, got);
	return FOUND_PROOF;
}

/* The same the other way round. */
static enum found compare_clients_end(struct comparing *c)
{
	const struct step *got = first_end_of(c->z, true), *own = first_end_of(c->z, false);
	const struct step *sent = first_end_of(c->a, true);
	if (got == NULL || (own != NULL && own->time_ns <= got->time_ns) ||
	    (sent != NULL && sent->time_ns <= got->time_ns - c->shift_ns + SLACK))
		return FOUND_NOTHING;
	if (!client_covers(c, got->time_ns))
		return FOUND_UNPROVED;
	set_proof(
		c, ANSWER_CROSSING_END_NEVER_SENT,
		"the %s that the VM gets in the client's name (frame %llu of %s) was never sent by "
		"the "
		"client",
		end_name(got), (unsigned long long)got->number, c->z->name);
	point_at(c, first_end_of(c->a, false));
	return FOUND_PROOF;
}

/* -- words -------------------------------------------------------------------------------- */

/* Whether `trace` shows byte `at` of that side. */
static bool shows_byte(const struct trace *trace, bool client, uint32_t at)
{
	for (unsigned i = 0; i < trace->count; i++) {
		const struct step *step = &trace->steps[i];
		if (!step->rejects && step->from_client == client && !(step->flags & TCP_RST) &&
		    at - step->at < step->length)
			return true;
	}
	return false;
}

struct missing {
	uint32_t from; /* the first byte that never came */
	unsigned copies;
	uint32_t length; /* of the smallest copy */
	const struct step *first, *last;
};

/* The first byte that one end shows and the other does not. Ranges end where packets end:
 * if not the first byte of one, then the one behind a packet that came. */
static bool find_first_missing(const struct trace *sent, const struct trace *got, bool client,
			       uint32_t *missing)
{
	bool found = false;
	for (unsigned i = 0; i < sent->count; i++) {
		const struct step *step = &sent->steps[i];
		if (step->rejects || step->from_client != client || step->length == 0 ||
		    step->flags & TCP_RST)
			continue;
		uint32_t at = step->at, end = step->at + step->length;
		while (at != end && shows_byte(got, client, at)) {
			uint32_t next = end;
			for (unsigned n = 0; n < got->count; n++) {
				const struct step *other = &got->steps[n];
				uint32_t other_end = other->at + other->length;
				if (!other->rejects && other->from_client == client &&
				    at - other->at < other->length && end - other_end < end - at)
					next = other_end;
			}
			at = next;
		}
		if (at != end && (!found || at < *missing)) {
			*missing = at;
			found = true;
		}
	}
	return found;
}

static bool find_missing(const struct trace *sent, const struct trace *got, bool client,
			 struct missing *missing)
{
	*missing = (struct missing){ 0 };
	if (!find_first_missing(sent, got, client, &missing->from))
		return false;
	for (unsigned i = 0; i < sent->count; i++) {
		const struct step *step = &sent->steps[i];
		if (step->rejects || step->from_client != client || step->flags & TCP_RST ||
		    missing->from - step->at >= step->length)
			continue;
		if (missing->copies++ == 0)
			missing->first = step;
		if (missing->length == 0 || step->length < missing->length)
			missing->length = step->length;
		missing->last = step;
	}
	return missing->copies > 0;
}

/* Smaller segments of that side's came: then its size may be why this one did not. */
static bool is_large(const struct missing *missing, const struct trace *got, bool client)
{
	for (unsigned i = 0; i < got->count; i++) {
		const struct step *step = &got->steps[i];
		if (!step->rejects && step->from_client == client && step->length > 0 &&
		    step->length < missing->length)
			return missing->length >= LARGE_SEGMENT;
	}
	return false;
}

static bool no_accident(const struct missing *missing)
{
	return missing->copies >= COPIES &&
	       missing->last->time_ns - missing->first->time_ns >= COPIES_SPAN;
}

/* Whether bytes of that side's never came to the other end. */
static enum found compare_words(struct comparing *c, bool client)
{
	const struct end *from = client ? c->a : c->z, *to = client ? c->z : c->a;
	struct missing missing;
	if (!find_missing(from->trace, to->trace, client, &missing))
		return FOUND_NOTHING;
	bool covered = client ? server_covers(c, missing.last->time_ns)
			      : client_covers(c, missing.last->time_ns);
	if (!from->trace->whole || !covered || !no_accident(&missing))
		return FOUND_UNPROVED;
	bool large = is_large(&missing, to->trace, client);
	enum answer answer = large    ? ANSWER_CROSSING_LARGE_NEVER_ARRIVE
			     : client ? ANSWER_CROSSING_CLIENT_WORDS_NEVER_ARRIVE
				      : ANSWER_CROSSING_SERVER_WORDS_NEVER_ARRIVE;
	if (client)
		set_proof(c, answer,
			  "the client's segment of %u bytes from byte %u on is sent %u times and "
			  "never "
			  "comes to %s%s",
			  missing.length, missing.from, missing.copies, c->z->name,
			  large ? "; smaller ones do" : "; others do");
	else
		set_proof(c, answer,
			  "the VM's segment of %u bytes from byte %u on leaves it %u times (frames "
			  "%llu "
			  "to "
			  "%llu of %s) and never comes to the client%s",
			  missing.length, missing.from, missing.copies,
			  (unsigned long long)missing.first->number,
			  (unsigned long long)missing.last->number, c->z->name,
			  large ? "; smaller ones do" : "");
	for (unsigned i = 0; client && i < from->trace->count; i++)
		if (from->trace->steps[i].from_client && !from->trace->steps[i].rejects &&
		    missing.from - from->trace->steps[i].at < from->trace->steps[i].length)
			point_at(c, &from->trace->steps[i]);
	return FOUND_PROOF;
}

static unsigned packets_of(const struct trace *trace, bool client)
{
	unsigned count = 0;
	for (unsigned i = 0; i < trace->count; i++)
		count += !trace->steps[i].rejects && trace->steps[i].from_client == client;
	return count;
}

static bool same_segment(const struct step *a, const struct step *b)
{
	return !a->rejects && !b->rejects && a->from_client == b->from_client && a->at == b->at &&
	       a->length == b->length && a->flags == b->flags;
}

unsigned crossing_lost(const struct trace *from, const struct trace *to)
{
	unsigned lost = 0;
	for (unsigned i = 0; i < from->count; i++) {
		const struct step *step = &from->steps[i];
		unsigned here = 0, there = 0, before = 0;
		if (step->length == 0 && !(step->flags & TCP_SYN))
			continue;
		for (unsigned n = 0; n < from->count; n++) {
			here += same_segment(&from->steps[n], step);
			before += n < i && same_segment(&from->steps[n], step);
		}
		for (unsigned n = 0; n < to->count; n++)
			there += same_segment(&to->steps[n], step);
		if (before == 0 && there > 0 && here > there)
			lost += here - there;
	}
	return lost;
}

static void all_arrives(struct comparing *c)
{
	set_proof(c, ANSWER_CROSSING_ALL_ARRIVE,
		  "what either side sends comes to the other: %u packets of the client's are in %s "
		  "as "
		  "%u, "
		  "%u of the VM's come to the client as %u",
		  packets_of(c->a->trace, true), c->z->name, packets_of(c->z->trace, true),
		  packets_of(c->z->trace, false), packets_of(c->a->trace, false));
	point_at(c, first_of(c->a, is_client_syn));
	point_at(c, first_of(c->a, is_server_answer));
}

/* -- together ------------------------------------------------------------------------------ */

void cross(const struct end *a, const struct end *z, struct crossing *out)
{
	struct comparing c = { .a = a, .z = z, .out = out };
	*out = (struct crossing){ .crossing.answer = ANSWER_NONE };
	if (first_of(a, is_client_syn) == NULL || first_of(z, is_client_syn) == NULL)
		return;
	c.shift_ns = shift_by_syn(a, z);
	if (!compare_answers(&c))
		return;
	enum found found = compare_servers_end(&c);
	if (found == FOUND_NOTHING)
		found = compare_clients_end(&c);
	if (found == FOUND_NOTHING)
		found = compare_words(&c, true);
	if (found == FOUND_NOTHING)
		found = compare_words(&c, false);
	if (found == FOUND_NOTHING)
		all_arrives(&c);
}
