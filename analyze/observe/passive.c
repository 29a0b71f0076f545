/* What only somebody else's capture asks: where it was taken, and, on the VM or on the way
 * to it, what becomes of the client's side. */
#include <string.h>

#include "observe/asked.h"
#include "observe/proof.h"
#include "observe/tally.h"
#include "observe/word.h"

void observe_capture_place(struct observation *o)
{
	size_t index = 0;
	const struct event *event = find_event(o->run, EVENT_PLACE, &index);
	if (event != NULL && event->word != WORD_NONE)
		fact_set(o, word_answer(event->word), "%s", event->text);
}

/* Whoever means to reach this machine's loopback does so from there. */
void observe_diverted_here(struct observation *o)
{
	char here[ADDRESS_TEXT], client[ADDRESS_TEXT];
	if (o->run->planned || o->kernel == NULL || o->kernel->sent_count == 0 ||
	    !address_is_loopback(&o->run->address) || address_is_loopback(&o->run->local_address))
		return;
	fact_packet(
		fact_set(o, ANSWER_OUT_DIVERTED,
			 "a connection of %s, which is made for elsewhere, goes to %s port %u on "
			 "this machine's loopback",
			 address_text(&o->run->local_address, client),
			 address_text(&o->run->address, here), o->run->port),
		o->kernel->sent[0].frame);
}

/* -- arrived ----------------------------------------------------------------------- */

static void arrived_packets(const struct observation *o, struct fact *fact, enum reply reply)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++)
			if (exchange->sent[n].reply == reply) {
				fact_packet(fact, exchange->sent[n].frame);
				fact_packet(fact, exchange->sent[n].reply_frame);
			}
}

/* The SYN that was answered last: an older answer tells how it was before. */
static const struct sent *last_reply(const struct observation *o)
{
	const struct exchange *exchange;
	const struct sent *last = NULL;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_SSH, &i)) != NULL;)
		for (unsigned n = 0; n < exchange->sent_count; n++)
			if (!exchange->sent[n].data && exchange->sent[n].reply != REPLY_NONE)
				last = &exchange->sent[n];
	return last;
}

static void arrived_in_silence(struct observation *o, const struct syn_tally *tally)
{
	if (!tally_is_silent(o, tally))
		return;
	arrived_packets(
		o,
		fact_set(o, ANSWER_ARRIVED_SILENT,
			 "%u SYNs to port %u come to the VM in %.1f s, and no answer leaves it",
			 tally->sent, o->run->port, (double)(o->now_ns - tally->first_ns) / 1e9),
		REPLY_NONE);
}

static void arrived_and_refused(struct observation *o, const struct sent *sent)
{
	struct fact *fact;
	double after = (double)(sent->reply_ns - sent->time_ns) / 1e6;
	/* That the VM answers is not told: as a fact it would favour causes of what comes later,
	 * before anything of it is seen. */
	if (sent->reply == REPLY_RESET)
		fact = fact_set(o, ANSWER_ARRIVED_RESET,
				"SYNs to port %u come to the VM, which resets them after %.1f ms",
				o->run->port, after);
	else if (sent->reply == REPLY_UNREACHABLE && address_equal(&sent->from, &o->run->address))
		fact = fact_set(o, ANSWER_ARRIVED_REJECTED,
				"SYNs to port %u come to the VM, which rejects them (ICMP type %u "
				"code %u)",
				o->run->port, sent->icmp_type, sent->icmp_code);
	else
		return;
	arrived_packets(o, fact, sent->reply);
}

void observe_arrived(struct observation *o)
{
	/* SYNs that go round in circles, say, do not come to it. */
	if (!at_the_vm(o->run) || fact_answer(o->facts, QUESTION_SYN) != ANSWER_NONE)
		return;
	struct syn_tally tally = tally_syns(o);
	const struct sent *last = last_reply(o);
	if (tally.sent == 0)
		return;
	if (tally.example[REPLY_SYN_ACK] == NULL && tally.example[REPLY_RESET] == NULL &&
	    tally.example[REPLY_UNREACHABLE] == NULL)
		arrived_in_silence(o, &tally);
	else if (last != NULL)
		arrived_and_refused(o, last);
}

/* Who answers is a question only once something is wrong with the conversation: until then the
 * answer is taken back. */
void observe_answerer_passively(struct observation *o)
{
	if (o->run->planned)
		return;
	const struct sent *sent = last_reply(o);
	if (fact_answer(o->facts, QUESTION_SSH) == ANSWER_NONE) {
		if (fact_answer(o->facts, QUESTION_SYN) == ANSWER_SYN_SYN_ACK)
			fact_forget(o, QUESTION_WHO);
		return;
	}
	if (at_the_vm(o->run) && sent != NULL && address_equal(&sent->from, &o->run->address) &&
	    ttl_is_undiminished(sent->reply_ttl))
		fact_packet(fact_set(o, ANSWER_WHO_VM,
				     "the answer leaves the VM: its TTL, %u, is undiminished",
				     sent->reply_ttl),
			    sent->reply_frame);
}

/* -- back --------------------------------------------------------------------------- */

#define ANSWERS_ENOUGH 3
#define ANSWERS_SPAN   MILLISECONDS(2500)

void observe_back(struct observation *o)
{
	if (!on_the_way(o->run) || o->kernel == NULL || o->kernel->connection == NULL)
		return;
	const struct connection *c = o->kernel->connection;
	const struct sent *syn = &o->kernel->sent[0];
	for (unsigned i = o->kernel->sent_count; i-- > 0;)
		if (o->kernel->sent[i].reply == REPLY_SYN_ACK)
			syn = &o->kernel->sent[i];
	/* That the client takes it is not told: as a fact it would favour all causes that have to
	 * do with losing it. */
	if (c->established || o->frames_lost || c->client_reset_frame != 0 ||
	    c->syn_acks < ANSWERS_ENOUGH || o->now_ns - syn->reply_ns < ANSWERS_SPAN)
		return;
	struct fact *fact =
		fact_set(o, ANSWER_BACK_LOST,
			 "the SYN-ACK is sent %u times and the client never takes it", c->syn_acks);
	fact_packet(fact, syn->frame);
	fact_packet(fact, syn->reply_frame);
}

/* -- far ---------------------------------------------------------------------------- */

static bool far_is_silent(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *client = &c->dialog.side[SSH_CLIENT];
	int64_t since = c->client_data_ns != 0 ? c->client_data_ns : c->server_data_ns;
	/* who waited for the client so long has seen it, too */
	bool proven = server_is_missed(o) || watched_until(o) - since >= FAR_PATIENCE;
	return proven && !o->frames_lost && c->client_end_ns == 0 && c->server_data_ns != 0 &&
	       client->milestone < SSH_KEXINIT && !client->not_ssh && !client->malformed &&
	       !client->cut && o->now_ns - since >= FAR_PATIENCE;
}

/* Asked once the conversation has begun, and when nothing else is known to have ended it. */
void observe_far(struct observation *o)
{
	if (!on_the_way(o->run) || !converses(o))
		return;
	const struct connection *c = o->kernel->connection;
	struct fact *fact;
	if (fact_answer(o->facts, QUESTION_SSH) != ANSWER_NONE)
		return;
	if (c->client_reset_frame != 0 && o->kernel->sent_count > 0 &&
	    c->client_end_ttl != o->kernel->sent[0].ttl) {
		fact = fact_set(
			o, ANSWER_FAR_CUT,
			"a reset with the client's address ends it; its TTL is %u, those of "
			"the client's SYN are %u",
			c->client_end_ttl, o->kernel->sent[0].ttl);
		fact_packet(fact, c->client_reset_frame);
	} else if (far_is_silent(o)) {
		fact = fact_set(
			o, ANSWER_FAR_SILENT,
			c->client_data_ns == 0
				? "the server says its identification; nothing more comes "
				  "from the client's side"
				: "after the client's identification nothing more comes from "
				  "its side");
		fact_packet(fact, c->client_data_frame);
		fact_packet(fact, c->server_data_frame);
	}
}
