/* Segments vanish: large ones while smaller ones arrive; or all of the client's that follow its
 * identification. */
#include "observe/chance.h"
#include "observe/judge.h"
#include "observe/small.h"
#include "observe/words.h"

/* The server's first large words, its KEXINIT, are so many bytes at least. */
#define LARGE_OF_SERVER 700

/* What waits is larger than all of the client's that was acknowledged before: then it may be its
 * size, since a kernel acknowledges what arrives, whatever its service does. */
static bool is_largest(const struct connection *c)
{
	return c->awaited.length >= LARGE_SEGMENT && c->awaited.length > c->longest_acked;
}

/* RFC 5681 4.2: "A TCP receiver SHOULD send an immediate duplicate ACK when an out-of-order
 * segment arrives." */
static bool later_ones_come(const struct awaited *awaited)
{
	return awaited->selected_frame != 0 || awaited->repeated;
}

/* -- the client is not heard -------------------------------------------------------------- */

/* One small segment behind a large one may be lost by chance. */
#define LATER_ENOUGH 2

/* Nothing behind the segment that waits comes either, be it small. */
static bool small_ones_vanish_too(const struct observation *o)
{
	const struct awaited *awaited = &o->kernel->connection->awaited;
	bool behind = awaited->behind >= LATER_ENOUGH && !is_lossy(o);
	return !later_ones_come(awaited) && (behind || echoes_missed(o) >= COPIES_ENOUGH);
}

/* What follows the identification is not acknowledged, and size is not why: the segment has
 * come to the VM, is no larger than those that came before, or none behind it comes either. */
bool client_is_unheard(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct awaited *awaited = &c->awaited;
	return awaited->sent > 0 && awaited->sent + echoes_missed(o) >= COPIES_ENOUGH &&
	       c->client_acked_frame != 0 && unheard_for_good(o, awaited->sent) &&
	       waited(o, awaited->first_ns, HEARING_PATIENCE) &&
	       (!is_largest(c) || small_ones_vanish_too(o) || at_the_vm(o->run));
}

void tell_client_unheard(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct awaited *awaited = &c->awaited;
	struct fact *fact =
		fact_set(o, ANSWER_SSH_SWALLOWED,
			 "the server acknowledges the client's identification; what "
			 "follows, %u bytes, is sent %u time%s and never acknowledged%s",
			 awaited->length, awaited->sent, awaited->sent == 1 ? "" : "s",
			 small_ones_vanish_too(o) ? ", nor is anything that is sent besides" : "");
	unless_copies_lost(o, fact, awaited->sent);
	fact_packet(fact, c->client_acked_frame);
	fact_packet(fact, awaited->frame);
}

/* -- a large segment of the client's ------------------------------------------------------- */

bool client_segment_vanishes(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return c->awaited.sent > 0 && is_largest(c) && !loss_may_delay_client(o) &&
	       waited(o, c->awaited.first_ns, HEARING_PATIENCE);
}

/* In somebody else's capture segments went out behind it, and nothing tells whether they came:
 * it may be that all vanish, not the large ones alone. */
bool others_may_vanish(const struct observation *o)
{
	const struct awaited *awaited = &o->kernel->connection->awaited;
	return !o->run->planned && awaited->behind > 0 && !later_ones_come(awaited);
}

void tell_client_segment(struct observation *o)
{
	const struct awaited *awaited = &o->kernel->connection->awaited;
	struct fact *fact = fact_set(o, ANSWER_SSH_LARGE_LOST,
				     "the client's segment of %u bytes is sent %u times and never "
				     "acknowledged; smaller ones%s arrive",
				     awaited->length, awaited->sent,
				     awaited->selected_frame ? " before and after it" : "");
	unless_copies_lost(o, fact, awaited->sent);
	fact_packet(fact, awaited->frame);
	fact_packet(fact, awaited->selected_frame);
}

/* -- segments of the server's -------------------------------------------------------------- */

bool server_bytes_vanish(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return server_bytes_missing(c) != 0 && !o->frames_lost &&
	       waited(o, c->progress_ns, speech_patience(o));
}

/* Where the library's conversation, which has smaller ones, comes through and ssh's does not, what
 * is missing need only be larger than all that came. */
bool only_large_ones_vanish(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	if (o->kernel->purpose == PURPOSE_OPINION)
		return c->longest_received > 0 && server_bytes_missing(c) > c->longest_received;
	return server_bytes_missing(c) >= LARGE_OF_SERVER && c->longest_received > 0 &&
	       c->longest_received < LARGE_OF_SERVER;
}

static void tell_server_lost(struct observation *o, struct fact *fact)
{
	unless_speech_lost(o, fact);
	fact_packet(fact, o->kernel->connection->server_data_frame);
	fact_packet(fact, o->kernel->connection->server_claimed_frame);
}

void tell_server_segment(struct observation *o)
{
	tell_server_lost(o, fact_set(o, ANSWER_SSH_LARGE_LOST,
				     "%u bytes of the server never come; its smaller segments do",
				     server_bytes_missing(o->kernel->connection)));
}

void tell_server_unheard(struct observation *o)
{
	tell_server_lost(o, fact_set(o, ANSWER_SSH_UNHEARD,
				     "the server has said %u bytes that never come, by the "
				     "sequence numbers of what does",
				     server_bytes_missing(o->kernel->connection)));
}

/* -- the same conversation with small segments ------------------------------------------------ */

/* It has not been seen to fail with small segments just as well. */
bool size_may_be_why(const struct observation *o)
{
	return small_outcome(o) != SMALL_NO_FURTHER;
}

bool small_went_further(const struct observation *o)
{
	return small_outcome(o) == SMALL_FURTHER;
}

/* What the first conversation waits for is no larger than what came that way before. */
bool size_is_refuted(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	if (c->awaited.sent > 0)
		return !is_largest(c);
	return c->longest_received >= LARGE_OF_SERVER &&
	       server_bytes_missing(c) <= c->longest_received;
}

static enum answer small_answer(const struct observation *o)
{
	uint16_t port = small_conversation(o)->local_port;
	const struct event *end = find_event_of(o->run, EVENT_SSH, port);
	if (end != NULL && end->word == WORD_SSH_AUTH_REFUSED)
		return ANSWER_SSH_AUTH_REFUSED;
	if (end != NULL && end->word == WORD_SSH_NO_KEY)
		return ANSWER_SSH_NO_KEY;
	return find_event_of(o->run, EVENT_AUTH, port) != NULL ? ANSWER_SSH_AUTH : ANSWER_NONE;
}

bool small_reaches_auth(const struct observation *o)
{
	return small_answer(o) != ANSWER_NONE;
}

void tell_small_auth(struct observation *o)
{
	enum answer answer = small_answer(o);
	const char *outcome = answer == ANSWER_SSH_AUTH	    ? ""
			      : answer == ANSWER_SSH_NO_KEY ? ", with nothing to offer"
							    : ", which is refused";
	fact_packet(fact_set(o, answer, "a second handshake reaches authentication%s", outcome),
		    small_conversation(o)->connection->server_data_frame);
}

/* Much is lost; or the client's words may be; or the server's, which it may yet say again. */
bool chance_may_be_why(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return is_lossy(o) || loss_may_delay_client(o) ||
	       (c->awaited.sent == 0 && !waited(o, c->progress_ns, speech_patience(o)));
}

void tell_small_went_further(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct exchange *small = small_conversation(o);
	struct fact *fact = fact_set(o, ANSWER_SSH_LARGE_LOST,
				     "the handshake stalls after %s; with small segments it comes "
				     "through",
				     c->dialog.side[SSH_SERVER].milestone >= SSH_KEXINIT
					     ? "both sides have named their algorithms"
					     : "the identifications");
	unless_words_lost(o, fact);
	fact_packet(fact, c->awaited.frame);
	fact_packet(fact, c->server_data_frame);
	fact_packet(fact, small->sent[0].frame);
	fact_packet(fact, small->connection->server_data_frame);
}
