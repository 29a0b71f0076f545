/* What this machine does with the connection before a wire is reached. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "observe/asked.h"
#include "observe/loss.h"
#include "observe/proof.h"
#include "observe/words.h"
#include "sshwhy/shortage.h"

/* The name of a VM elsewhere, with an address of this machine's (a line in /etc/hosts, a name
 * server that blocks). */
static bool leads_here(const struct run *run)
{
	static const struct address unspecified4 = { .family = 4 }, unspecified6 = { .family = 6 };
	return run->vantage != VANTAGE_VM && strncmp(run_name(run), "localhost", 9) != 0 &&
	       (address_is_loopback(&run->address) || address_equal(&run->address, &unspecified4) ||
		address_equal(&run->address, &unspecified6) ||
		address_equal(&run->address, &run->local_address));
}

/* What is looked up, where that is not what was typed: "vm.example, which myvm is to ssh". */
static const char *name_of(const struct observation *o)
{
	const struct run *run = o->run;
	if (run->via != NULL)
		return arena_format(o->arena, "the jump host %s%s", run->via,
				    setting_quoted(o, "proxyjump"));
	if (strcasecmp(run_name(run), run->host) == 0)
		return run->host;
	return arena_format(o->arena, "%s, which %s is to ssh%s,", run_name(run), run->host,
			    setting_quoted(o, "hostname"));
}

/* ssh may ask for the addresses of one family alone. */
static const char *family_asked(const struct observation *o)
{
	const char *quote = setting_quoted(o, "addressfamily");
	return quote[0] != '\0' ? arena_format(o->arena, "; ssh asks for one family alone%s", quote)
				: "";
}

void observe_name(struct observation *o)
{
	size_t i = 0;
	const struct event *event = find_event(o->run, EVENT_RESOLVED, &i);
	if (event == NULL || !o->run->named || is_shortage(ASKED_NAME, event->error))
		return;
	if (event->error == 0 && leads_here(o->run))
		fact_set(o, ANSWER_NAME_HERE, "%s resolves to %s, which is this machine itself",
			 name_of(o), event->text);
	else if (event->error == 0)
		fact_set(o, ANSWER_NAME_OK, "%s resolves to %s", name_of(o), event->text);
	else
		fact_set(o, ANSWER_NAME_FAILED, "%s does not resolve: %s%s", name_of(o),
			 event->text, family_asked(o));
}

static const struct event *neighbour_event(const struct run *run)
{
	const struct event *event, *last = NULL;
	for (size_t i = 0; (event = find_event(run, EVENT_NEIGHBOUR, &i)) != NULL;)
		last = event;
	return last;
}

void observe_route(struct observation *o)
{
	size_t i = 0;
	const struct event *route = find_event(o->run, EVENT_ROUTE, &i);
	if (route == NULL || is_shortage(ASKED_ROUTE, route->error))
		return;
	/* The kernel calls a link down for a second after it came up: a connection over it proves
	 * that it is not. */
	bool up = o->kernel != NULL && o->kernel->connection != NULL;
	if (route->error == ENETDOWN && !up) {
		fact_set(o, ANSWER_ROUTE_DOWN, "the interface of the route is down: %s",
			 route->text);
		return;
	}
	if (route->error != 0 && route->error != ENETDOWN) {
		fact_set(o, ANSWER_ROUTE_REFUSED, "the kernel refuses a route to the address: %s%s",
			 route->text, family_asked(o));
		return;
	}
	const struct event *neighbour = neighbour_event(o->run);
	if (neighbour != NULL && neighbour->error != 0)
		fact_set(o,
			 neighbour->value ? ANSWER_ROUTE_TARGET_SILENT
					  : ANSWER_ROUTE_GATEWAY_SILENT,
			 "the next hop, %s, answers no address request (%s)", neighbour->text,
			 o->run->address.family == 6 ? "neighbour discovery" : "ARP");
	else
		fact_set(o, ANSWER_ROUTE_OK, "the kernel routes it: %s", route->text);
}

/* Whether an unanswered SYN may still be waiting for the next hop's address. */
static bool next_hop_known(const struct run *run)
{
	const struct event *neighbour = neighbour_event(run);
	return neighbour != NULL && neighbour->error == 0;
}

static void diverted_to(struct observation *o, const struct sent *sent)
{
	char address[ADDRESS_TEXT];
	fact_packet(fact_set(o, ANSWER_OUT_DIVERTED,
			     "the kernel's SYN for port %u goes to %s port %u%s instead",
			     o->run->port, address_text(&sent->destination, address),
			     sent->destination_port,
			     sent->loopback ? " on this machine's loopback" : ""),
		    sent->frame);
}

/* A frame handed to the interface passes no rules but those at the interface itself. */
static bool frames_stopped_too(const struct observation *o)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		if (exchange->way == WAY_LINK && exchange->refused != 0 &&
		    exchange->sent_count == 0)
			return true;
	return false;
}

/* The same SYN by a raw socket passes the same output rules: what refuses connect() and lets it
 * go is no rule of the firewall's. */
static bool raw_leaves(const struct observation *o)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		if (exchange->way == WAY_RAW && exchange->sent_count > 0 &&
		    !exchange->sent[0].diverted && !exchange->sent[0].loopback)
			return true;
	return false;
}

/* A rule certainly does so to what leaves. */
static bool a_rule(enum event_word word, const struct run *run)
{
	const struct event *event;
	for (size_t i = 0; (event = find_event(run, EVENT_RULE, &i)) != NULL;)
		if (event->word == word && (event->value & RULE_CERTAIN) != 0 &&
		    (event->value & RULE_INCOMING) == 0)
			return true;
	return false;
}

/* What leaves has another source then, and is not looked for under that. */
static bool is_translated(const struct run *run)
{
	size_t i = 0;
	const struct event *event;
	while ((event = find_event(run, EVENT_RULE, &i)) != NULL)
		if (event->word == WORD_RULE_TRANSLATES || event->word == WORD_RULE_READDRESSES)
			return !a_rule(WORD_RULE_DROPS, run) && !a_rule(WORD_RULE_REJECTS, run) &&
			       !a_rule(WORD_RULE_QUEUES, run);
	return false;
}

/* It need not be diverted because it is unseen: source translation gives it a port that is not
 * listened to, or it takes an interface that is not. */
static void judge_connected_unseen(struct observation *o)
{
	if (o->kernel->led_to != NULL)
		fact_set(o, ANSWER_OUT_DIVERTED,
			 "connect() to port %u leads to %s instead, and no SYN is on the wire",
			 o->run->port, o->kernel->led_to);
	else if (a_rule(WORD_RULE_DIVERTS, o->run) && !works_unseen(o))
		fact_set(o, ANSWER_OUT_DIVERTED,
			 "connect() succeeds and no SYN to port %u is on the wire", o->run->port);
}

/* A frame handed to the interface keeps this machine's own address. */
static const struct sent *answered_frame(const struct observation *o)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		if (exchange->way == WAY_LINK && exchange->sent_count > 0 &&
		    reply_is_terminal(exchange->sent[0].reply))
			return &exchange->sent[0];
	return NULL;
}

/* Of networks whose hosts send in another's name, so few lead the answers back to them. */
#define LED_BACK 0.1

/* What leaves in another's name draws answers that go there, unless the network leads them here. So
 * nothing is said before a SYN in this machine's own name is answered and the kernel's, which had
 * longer for it, is not. */
static void judge_translated(struct observation *o)
{
	const struct exchange *kernel = o->kernel;
	const struct sent *frame = answered_frame(o);
	bool unanswered = !kernel->answered || kernel->connect_error == ETIMEDOUT;
	if (!a_rule(WORD_RULE_READDRESSES, o->run) || frame == NULL || !unanswered ||
	    frame->reply_ns - frame->time_ns >= ANSWER_PATIENCE ||
	    o->now_ns - kernel->opened_ns < ANSWER_PATIENCE)
		return;
	struct fact *fact =
		fact_set(o, ANSWER_OUT_VANISHES,
			 "no SYN of the kernel's leaves in this machine's own name, and "
			 "none is answered");
	fact_accident(fact, ANSWER_OUT_LEAVES, LED_BACK * paths_loss_feared(&o->facts->paths));
}

/* Nothing of the kernel's connection was seen on any interface. */
static void judge_unseen(struct observation *o)
{
	const struct exchange *kernel = o->kernel;
	if (kernel->answered && is_shortage(ASKED_CONNECT, kernel->connect_error))
		return;
	int64_t waited = (kernel->answered ? kernel->answered_ns : o->now_ns) - kernel->opened_ns;
	if (kernel->answered && kernel->connect_error == 0) {
		judge_connected_unseen(o);
	} else if (is_translated(o->run)) {
		judge_translated(o);
	} else if (kernel->answered &&
		   (kernel->connect_error == EPERM || kernel->connect_error == EACCES ||
		    (waited < LOCAL_PATIENCE && raw_leaves(o)))) {
		fact_set(o, ANSWER_OUT_FORBIDDEN,
			 "connect() fails at once, \"%s\", and no SYN is on the wire",
			 strerror(kernel->connect_error));
	} else if (kernel->answered && kernel->connect_error != ETIMEDOUT &&
		   waited < LOCAL_PATIENCE) {
		fact_set(o, ANSWER_OUT_REJECTED,
			 "connect() fails after %.1f ms, \"%s\", and no SYN is on the wire",
			 (double)waited / 1e6, strerror(kernel->connect_error));
	} else if (o->now_ns - kernel->opened_ns >= LOCAL_PATIENCE && next_hop_known(o->run)) {
		fact_set(o, frames_stopped_too(o) ? ANSWER_OUT_VANISHES_BELOW : ANSWER_OUT_VANISHES,
			 "the kernel's SYN does not reach the wire, though the next hop is known");
	}
}

/* What the other two ways out of this machine met belongs to the same answer. */
static void add_other_ways(struct observation *o)
{
	struct fact *fact = &o->facts->fact[QUESTION_OUT];
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;) {
		if (exchange->way != WAY_RAW && exchange->way != WAY_LINK)
			continue;
		const char *fate = "leaves";
		const char *unseen =
			is_translated(o->run) ? "is not seen to leave" : "does not leave";
		if (exchange->sent_count == 0)
			fate = exchange->refused ? strerror(exchange->refused) : unseen;
		else if (exchange->sent[0].reply != REPLY_NONE)
			fate = "leaves and is answered";
		fact->text = arena_format(o->arena, "%s; the %s SYN: %s", fact->text,
					  way_names[exchange->way], fate);
		if (exchange->sent_count > 0) {
			fact_packet(fact, exchange->sent[0].frame);
			fact_packet(fact, exchange->sent[0].reply_frame);
		}
	}
}

void observe_out(struct observation *o)
{
	enum answer route = fact_answer(o->facts, QUESTION_ROUTE);
	if (o->kernel == NULL || !o->run->planned || o->frames_lost ||
	    (route != ANSWER_ROUTE_OK && route != ANSWER_NONE))
		return;
	for (unsigned i = 0; i < o->kernel->sent_count; i++) {
		const struct sent *sent = &o->kernel->sent[i];
		if (sent->data)
			continue;
		if (sent->diverted || (sent->loopback && !o->wire_is_loopback)) {
			diverted_to(o, sent);
			return;
		}
		fact_packet(fact_set(o, ANSWER_OUT_LEAVES, "the kernel's SYN is on the wire"),
			    sent->frame);
		return;
	}
	judge_unseen(o);
	if (fact_answer(o->facts, QUESTION_OUT) != ANSWER_NONE)
		add_other_ways(o);
}

/* The first answer of the wire to the kernel's SYN. */
static const struct sent *answered_syn(const struct exchange *kernel)
{
	for (unsigned i = 0; i < kernel->sent_count; i++)
		if (!kernel->sent[i].data && reply_is_terminal(kernel->sent[i].reply))
			return &kernel->sent[i];
	return NULL;
}

void observe_in(struct observation *o)
{
	if (on_the_way(o->run) || o->kernel == NULL)
		return;
	const struct sent *syn = answered_syn(o->kernel);
	if (syn == NULL || syn->diverted || syn->unacceptable)
		return;
	const struct connection *connection = o->kernel->connection;
	const char *what = syn->reply == REPLY_SYN_ACK ? "SYN-ACK"
			   : syn->reply == REPLY_RESET ? "reset"
						       : "refusal";
	bool taken = o->kernel->answered && o->kernel->connect_error != ETIMEDOUT;
	if (!o->run->planned) /* what the kernel said is not known, what it sent is */
		taken = connection == NULL || connection->established;
	struct fact *fact = NULL;
	if (taken)
		fact = fact_set(o, ANSWER_IN_TAKEN, "the kernel takes the %s that the wire shows",
				what);
	else if (connection != NULL && connection->client_reset_frame != 0 && !o->run->planned)
		return; /* it answers the SYN-ACK, and so has had it */
	else if (syn->reply != REPLY_UNREACHABLE && syn_is_missed(o, o->kernel, syn->reply_ns) &&
		 o->now_ns - syn->reply_ns >= LOCAL_PATIENCE)
		/* (Not so an ICMP error. One that comes from very near comes while connect() still
		 * holds the socket: then the kernel notes it, and only the next one ends
		 * connect().) */
		fact = fact_set(o, ANSWER_IN_IGNORED,
				"a %s for the kernel's SYN is on the wire%s, and the kernel does "
				"not take it",
				what,
				connection && connection->syn_acks > 1 ? ", more than once" : "");
	if (fact == NULL)
		return;
	fact_packet(fact, syn->frame);
	fact_packet(fact, syn->reply_frame);
}
