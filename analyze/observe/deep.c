/* What the heavier tests tell where SYNs to the SSH port meet silence (probe --deep). */
#include <math.h>
#include <stdio.h>

#include "observe/asked.h"
#include "observe/distance.h"

/* So improbable a loss of all fragments is no accident. (loss.h has ACCIDENT for other packets.) */
#define FRAGMENT_ACCIDENT 0.01

enum { CODE_REASSEMBLY = 1 }; /* of time exceeded: RFC 792, RFC 4443 3.3 */

/* -- fragment ------------------------------------------------------------------- */

struct pieces {
	uint16_t port;
	unsigned sent, given_up, elsewhere;
	int64_t last_ns;    /* when the last of them was sent */
	int64_t slowest_ns; /* the longest wait for an error */
	const struct exchange *exchange;
};

/* RFC 792: "If a host reassembling a fragmented datagram cannot complete the reassembly due
 * to missing fragments within its time limit it discards the datagram, and it may send a time
 * exceeded message." */
static bool reassembly_given_up(const struct sent *sent)
{
	return sent->reply == REPLY_EXCEEDED && sent->icmp_code == CODE_REASSEMBLY;
}

static void count_piece(const struct observation *o, const struct sent *sent, struct pieces *pieces)
{
	pieces->sent++;
	if (sent->time_ns > pieces->last_ns)
		pieces->last_ns = sent->time_ns;
	if (!reassembly_given_up(sent))
		return;
	/* A box between that reassembles speaks in its own name. */
	if (!address_equal(&sent->from, &o->run->address)) {
		pieces->elsewhere++;
		return;
	}
	pieces->given_up++;
	if (sent->reply_ns - sent->time_ns > pieces->slowest_ns)
		pieces->slowest_ns = sent->reply_ns - sent->time_ns;
}

static struct pieces count_pieces(const struct observation *o, bool control)
{
	struct pieces pieces = { 0 };
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_FRAGMENT, &i)) != NULL;) {
		if ((exchange->remote_port != o->run->port) != control)
			continue;
		pieces.port = exchange->remote_port;
		pieces.exchange = exchange;
		for (unsigned n = 0; n < exchange->sent_count; n++)
			count_piece(o, &exchange->sent[n], &pieces);
	}
	return pieces;
}

static void piece_packets(struct fact *fact, const struct pieces *pieces)
{
	for (unsigned i = 0; pieces->exchange != NULL && i < pieces->exchange->sent_count; i++) {
		fact_packet(fact, pieces->exchange->sent[i].frame);
		fact_packet(fact, pieces->exchange->sent[i].reply_frame);
	}
}

static void fragment_arrived(struct observation *o, const struct pieces *ssh)
{
	struct fact *fact = fact_set(
		o, ANSWER_FRAGMENT_REASSEMBLED,
		"first fragments of a SYN to port %u draw the target's own \"reassembly time "
		"exceeded\" after %.1f s (%u so far, of %u): they pass all filters before the VM, "
		"whose IP stack waits for the rest",
		ssh->port, (double)ssh->slowest_ns / 1e9, ssh->given_up, ssh->sent);
	piece_packets(fact, ssh);
}

/* How probable it is that all to the SSH port were lost, at the loss that the control shows. */
static bool by_accident(const struct pieces *ssh, const struct pieces *control)
{
	double lost = control->sent - control->given_up + 0.5;
	return pow(lost / (control->sent + 1.0), ssh->sent) > FRAGMENT_ACCIDENT;
}

/* Of IPv4 only: IPv6 hands a fragment to the VM's firewall before it reassembles (Linux,
 * without connection tracking), so that it may vanish there just as well. */
static bool fragment_stopped(struct observation *o, const struct pieces *ssh,
			     const struct pieces *control)
{
	if (o->run->address.family != 4 || control->given_up == 0 || by_accident(ssh, control))
		return false;
	struct fact *fact = fact_set(
		o, ANSWER_FRAGMENT_VANISHES,
		"%u first fragments of a SYN to port %u draw nothing; %u of %u to port %u draw "
		"the target's \"reassembly time exceeded\", after %.1f s: those to port %u do not "
		"come as far as the VM's IP stack",
		ssh->sent, ssh->port, control->given_up, control->sent, control->port,
		(double)control->slowest_ns / 1e9, ssh->port);
	piece_packets(fact, control);
	piece_packets(fact, ssh);
	return true;
}

static void fragments_untold(struct observation *o, const struct pieces *ssh,
			     const struct pieces *control)
{
	char why[160] = "no port answers to compare with";
	if (ssh->elsewhere + control->elsewhere > 0)
		snprintf(why, sizeof(why), "a device on the way reassembles");
	else if (control->given_up > 0)
		snprintf(why, sizeof(why), "those to port %u do, but %s", control->port,
			 o->run->address.family == 6
				 ? "a firewall in the VM may drop an IPv6 fragment, too"
				 : "too few to tell it from loss");
	else if (control->sent > 0)
		snprintf(why, sizeof(why),
			 "nor do those to port %u, which answers: fragments do not pass, or nobody "
			 "says what becomes of them",
			 control->port);
	fact_set(o, ANSWER_FRAGMENT_UNTOLD,
		 "%u first fragments of a SYN to port %u draw nothing, which tells nothing: %s",
		 ssh->sent, ssh->port, why);
}

static void judge_fragment(struct observation *o)
{
	struct pieces ssh = count_pieces(o, false), control = count_pieces(o, true);
	int64_t most = o->run->address.family == 6 ? REASSEMBLY6 : REASSEMBLY4;
	if (ssh.sent == 0)
		return;
	if (ssh.given_up > 0)
		fragment_arrived(o, &ssh);
	else if (!o->frames_lost && o->now_ns - ssh.last_ns >= most &&
		 !fragment_stopped(o, &ssh, &control))
		fragments_untold(o, &ssh, &control);
}

/* -- ack ------------------------------------------------------------------------ */

struct resets {
	uint16_t port;
	unsigned full; /* sent with the full TTL and time for an answer */
	unsigned answered;
	uint8_t nearest; /* least TTL that draws one; 0 none */
	const struct sent *example;
};

static void count_resets(const struct observation *o, const struct exchange *exchange,
			 struct resets *resets)
{
	resets->port = exchange->remote_port;
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		bool full = sent->ttl > PATH_TTL_MAX;
		resets->full += full && o->now_ns - sent->time_ns >= ANSWER_PATIENCE;
		if (sent->reply != REPLY_RESET)
			continue;
		resets->answered += full;
		if (!full && (resets->nearest == 0 || sent->ttl < resets->nearest))
			resets->nearest = sent->ttl;
		if (resets->example == NULL || sent->ttl <= resets->nearest)
			resets->example = sent;
	}
}

static void judge_reset(struct observation *o, const struct resets *ssh)
{
	enum answer place = ANSWER_WHO_UNCLEAR;
	if (ssh->nearest != 0)
		place = who_at(o, ssh->nearest, ssh->example->reply_ttl);
	bool nearer = place == ANSWER_WHO_INSIDE || place == ANSWER_WHO_BETWEEN;
	struct fact *fact = NULL;
	if (nearer)
		fact = fact_set(o, ANSWER_ACK_NEARER,
				"a bare ACK to port %u is reset from hop %u, before the VM",
				ssh->port, ssh->nearest);
	else if (place == ANSWER_WHO_VM || place == ANSWER_WHO_LAST || place == ANSWER_WHO_CLOUD)
		fact = fact_set(o, ANSWER_ACK_VM,
				"a bare ACK to port %u is reset from hop %u, where the VM is: what "
				"drops SYNs does not track connections, or is the VM itself",
				ssh->port, ssh->nearest);
	if (fact == NULL)
		return;
	fact_packet(fact, ssh->example->frame);
	fact_packet(fact, ssh->example->reply_frame);
}

static void judge_ack(struct observation *o)
{
	struct resets ssh = { 0 }, control = { 0 };
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_ACK, &i)) != NULL;)
		count_resets(o, exchange, exchange->remote_port == o->run->port ? &ssh : &control);
	if (ssh.answered > 0)
		judge_reset(o, &ssh);
	/* Two lost by chance, while both to the control port are answered, are no accident. */
	else if (ssh.full >= 2 && control.answered >= 2 && !o->frames_lost)
		fact_packet(fact_set(o, ANSWER_ACK_SILENT,
				     "bare ACKs to port %u draw nothing, as SYNs do; those to port "
				     "%u are reset",
				     ssh.port, control.port),
			    control.example->reply_frame);
}

/* -- plain ---------------------------------------------------------------------- */

static void judge_plain(struct observation *o)
{
	const struct exchange *exchange;
	unsigned ripe = 0;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_PLAIN, &i)) != NULL;) {
		if (exchange->remote_port != o->run->port)
			continue;
		for (unsigned n = 0; n < exchange->sent_count; n++) {
			const struct sent *sent = &exchange->sent[n];
			ripe += o->now_ns - sent->time_ns >= ANSWER_PATIENCE;
			if (sent->reply != REPLY_SYN_ACK && sent->reply != REPLY_RESET)
				continue;
			struct fact *fact =
				fact_set(o, ANSWER_PLAIN_ANSWERED,
					 "a SYN without options to port %u is answered with %s; "
					 "others are not",
					 exchange->remote_port,
					 sent->reply == REPLY_RESET ? "a reset" : "SYN-ACK");
			fact_packet(fact, sent->frame);
			fact_packet(fact, sent->reply_frame);
			return;
		}
	}
	if (ripe >= 2 && !o->frames_lost)
		fact_set(o, ANSWER_PLAIN_SILENT,
			 "SYNs without options to port %u draw nothing either", o->run->port);
}

void observe_deep(struct observation *o)
{
	if (fact_answer(o->facts, QUESTION_SYN) != ANSWER_SYN_SILENT)
		return;
	judge_fragment(o);
	judge_ack(o);
	judge_plain(o);
}
