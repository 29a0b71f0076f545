/* Whether SSH to another host of the client's own network works: the guide's test of
 * source 1. What stops it on this machine stops more than the VM's SSH. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "observe/asked.h"
#include "sshwhy/shortage.h"

struct reference_host {
	const struct exchange *exchange;
	const struct event *event;
	char name[ADDRESS_TEXT + 24];
};

static bool find_reference(const struct observation *o, struct reference_host *reference)
{
	char address[ADDRESS_TEXT];
	size_t i = 0;
	reference->exchange = track_next(o->track, PURPOSE_REFERENCE, &i);
	i = 0;
	reference->event = find_event(o->run, EVENT_REFERENCE, &i);
	if (reference->exchange == NULL)
		return false;
	snprintf(reference->name, sizeof(reference->name), "the reference, %s port %u",
		 address_text(&reference->exchange->remote, address),
		 reference->exchange->remote_port);
	return true;
}

/* The kernel's SYN is on no wire that was listened on. */
static void judge_unsent(struct observation *o, const struct reference_host *reference)
{
	const struct exchange *exchange = reference->exchange;
	int64_t end = exchange->answered ? exchange->answered_ns : o->now_ns;
	if (exchange->answered && is_shortage(ASKED_CONNECT, exchange->connect_error))
		return;
	bool late = end - exchange->opened_ns >= LOCAL_PATIENCE;
	bool next_hop = reference->event != NULL && reference->event->error == 0;
	if (reference->event != NULL && reference->event->error != 0)
		fact_set(o, ANSWER_REFERENCE_SILENT,
			 "%s: the next hop on the way there answers no address request",
			 reference->name);
	else if (exchange->led_to != NULL)
		fact_set(o, ANSWER_REFERENCE_STOPPED,
			 "%s: connect() leads to %s instead, and no SYN is on the wire",
			 reference->name, exchange->led_to);
	else if (exchange->answered && exchange->connect_error == 0)
		return; /* source translation, perhaps, gives it a port that is not listened to */
	else if (exchange->answered && !late)
		fact_set(o, ANSWER_REFERENCE_STOPPED,
			 "%s: connect() fails at once, \"%s\", and no SYN is on the wire",
			 reference->name, strerror(exchange->connect_error));
	else if (!exchange->answered && late && next_hop)
		fact_set(o, ANSWER_REFERENCE_STOPPED,
			 "%s: the kernel's SYN does not reach the wire, though the next hop is "
			 "known",
			 reference->name);
}

static void judge_banner(struct observation *o, const struct reference_host *reference)
{
	const struct connection *connection = reference->exchange->connection;
	const struct ssh_side *server = &connection->dialog.side[SSH_SERVER];
	bool ended = connection->server_end_ns != 0;
	struct fact *fact = NULL;
	if (server->milestone >= SSH_IDENTIFIED)
		fact = fact_set(o, ANSWER_REFERENCE_ANSWERS, "%s, answers: %s", reference->name,
				server->ident);
	else if (!ended && (connection->client_reset_frame | connection->client_fin_frame) != 0)
		fact = fact_set(o, ANSWER_REFERENCE_STOPPED,
				"%s: this machine ends the connection before a word is said",
				reference->name);
	else if (ended || server->not_ssh ||
		 o->now_ns - reference->exchange->answered_ns >= BANNER_PATIENCE)
		fact = fact_set(o, ANSWER_REFERENCE_NO_SSH, "%s, accepts, but is no SSH service%s",
				reference->name, ended ? ": it closes" : "");
	if (fact == NULL)
		return;
	fact_packet(fact, connection->syn_ack_frame);
	fact_packet(fact, connection->server_data_frame);
	fact_packet(fact, connection->client_reset_frame);
}

/* The wire shows an answer to a SYN. */
static void judge_answer(struct observation *o, const struct reference_host *reference,
			 const struct sent *syn)
{
	const struct exchange *exchange = reference->exchange;
	struct fact *fact = NULL;
	if (exchange->answered && exchange->connect_error == 0 && exchange->connection != NULL)
		judge_banner(o, reference);
	else if (exchange->answered && syn->reply != REPLY_SYN_ACK)
		fact = fact_set(o, ANSWER_REFERENCE_REFUSED, "%s, refuses: %s", reference->name,
				syn->reply == REPLY_RESET ? "a reset" : "ICMP unreachable");
	else if (!exchange->answered && syn->reply != REPLY_UNREACHABLE &&
		 o->now_ns - syn->reply_ns >= LOCAL_PATIENCE)
		fact = fact_set(o, ANSWER_REFERENCE_STOPPED,
				"%s: its answer is on the wire, and the kernel does not take it",
				reference->name);
	if (fact == NULL)
		return;
	fact_packet(fact, syn->frame);
	fact_packet(fact, syn->reply_frame);
}

static void judge_no_answer(struct observation *o, const struct reference_host *reference)
{
	const struct exchange *exchange = reference->exchange;
	unsigned ripe = 0;
	for (unsigned i = 0; i < exchange->sent_count; i++)
		ripe += o->now_ns - exchange->sent[i].time_ns >= ANSWER_PATIENCE;
	if (ripe < SILENCE_SYNS || o->frames_lost)
		return;
	struct fact *fact = fact_set(o, ANSWER_REFERENCE_SILENT, "%s: %u SYNs leave, no answer",
				     reference->name, exchange->sent_count);
	for (unsigned i = 0; i < exchange->sent_count; i++)
		fact_packet(fact, exchange->sent[i].frame);
}

/* No packet makes connect() say so: another process has taken the socket away (tcp_abort() of
 * Linux). */
static bool is_destroyed(const struct exchange *exchange)
{
	return exchange->answered && exchange->connect_error == ECONNABORTED;
}

static void judge_destroyed(struct observation *o, const struct reference_host *reference)
{
	const struct sent *syn = &reference->exchange->sent[0];
	struct fact *fact =
		fact_set(o, ANSWER_REFERENCE_STOPPED,
			 "%s: connect() fails, \"%s\": this machine ends its own connection",
			 reference->name, strerror(ECONNABORTED));
	fact_packet(fact, syn->frame);
	fact_packet(fact, syn->reply_frame);
}

void observe_reference(struct observation *o)
{
	struct reference_host reference;
	char address[ADDRESS_TEXT];
	if (!find_reference(o, &reference))
		return;
	const struct exchange *exchange = reference.exchange;
	if (exchange->sent_count == 0) {
		if (!o->frames_lost)
			judge_unsent(o, &reference);
		return;
	}
	if (is_destroyed(exchange)) {
		judge_destroyed(o, &reference);
		return;
	}
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->diverted) {
			fact_packet(fact_set(o, ANSWER_REFERENCE_STOPPED,
					     "%s: the kernel's SYN goes to %s port %u instead",
					     reference.name,
					     address_text(&sent->destination, address),
					     sent->destination_port),
				    sent->frame);
			return;
		}
		if (sent->reply != REPLY_NONE && sent->reply != REPLY_EXCEEDED) {
			judge_answer(o, &reference, sent);
			return;
		}
	}
	judge_no_answer(o, &reference);
}
