/* The server has not identified itself: it says nothing, or something else. */
#include <string.h>

#include "observe/chance.h"
#include "observe/judge.h"
#include "observe/words.h"

/* -- not a word ----------------------------------------------------------------------- */

/* An end that follows the client's words so soon, beside two round trips, is their effect. */
#define EFFECT_WITHIN MILLISECONDS(150)

/* The end follows the client's first words so closely that they are why. */
bool ended_by_words(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct sent *syn = opening(o->kernel);
	int64_t round_trip = syn->reply_ns - syn->time_ns;
	return c->client_data_ns != 0 &&
	       c->server_end_ns - c->client_data_ns <= 2 * round_trip + EFFECT_WITHIN;
}

bool reset_is_bare(const struct observation *o)
{
	return o->kernel->connection->server_reset_bare;
}

static void first_packets(const struct observation *o, struct fact *fact)
{
	fact_packet(fact, o->kernel->connection->syn_ack_frame);
	fact_packet(fact, o->kernel->connection->client_data_frame);
}

static void end_packets(const struct observation *o, struct fact *fact)
{
	fact_packet(fact, o->kernel->connection->server_fin_frame);
	fact_packet(fact, o->kernel->connection->server_reset_frame);
	first_packets(o, fact);
}

void tell_gone(struct observation *o)
{
	struct fact *fact = fact_set(o, ANSWER_SSH_GONE,
				     "the server says nothing, and the client's first words draw "
				     "a reset without ACK, as of a kernel that has no such "
				     "connection (any more)");
	fact_packet(fact, o->kernel->connection->server_reset_frame);
	first_packets(o, fact);
}

void tell_hung_up(struct observation *o)
{
	end_packets(o, fact_set(o, ANSWER_SSH_HUNG_UP,
				"the server says nothing; the connection is %s as soon as the "
				"client identifies itself",
				end_text(o->kernel->connection)));
}

void tell_closed(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	int64_t after_ns = c->server_end_ns - opening(o->kernel)->time_ns;
	end_packets(o, fact_set(o, ANSWER_SSH_CLOSED,
				"the connection is accepted, then %s after %.0f ms without a byte",
				end_text(c), (double)after_ns / 1e6));
}

void tell_deaf(struct observation *o)
{
	unsigned copies = o->kernel->connection->client_data_sent;
	struct fact *fact = fact_set(o, ANSWER_SSH_DEAF,
				     "the connection is accepted; what the client says is sent %u "
				     "times, never acknowledged",
				     copies);
	unless_copies_lost(o, fact, copies);
	first_packets(o, fact);
}

bool window_stays_closed(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return c->syn_ack_window == 0 && c->client_data_frame == 0 && c->server_data_frame == 0 &&
	       waited(o, opening(o->kernel)->reply_ns, mute_patience(o));
}

void tell_held(struct observation *o)
{
	first_packets(o,
		      fact_set(o, ANSWER_SSH_HELD,
			       "the connection is accepted with a window of 0, and it never opens: "
			       "so answers a SYN proxy that waits for whom it stands for, or a "
			       "tarpit"));
}

bool service_is_mute(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return c->client_acked_frame != 0 && c->server_data_frame == 0 &&
	       server_bytes_missing(c) == 0 &&
	       waited(o, opening(o->kernel)->reply_ns, mute_patience(o));
}

void tell_mute(struct observation *o)
{
	struct fact *fact = fact_set(o, ANSWER_SSH_MUTE,
				     "the connection is accepted and the client's bytes "
				     "acknowledged; the service says nothing");
	fact_packet(fact, o->kernel->connection->client_acked_frame);
	first_packets(o, fact);
}

/* -- other words ------------------------------------------------------------------------ */

static const struct ssh_side *server_of(const struct observation *o)
{
	return &o->kernel->connection->dialog.side[SSH_SERVER];
}

static void server_packets(const struct observation *o, struct fact *fact)
{
	fact_packet(fact, o->kernel->connection->server_data_frame);
	fact_packet(fact, o->kernel->connection->server_fin_frame);
	fact_packet(fact, o->kernel->connection->server_reset_frame);
}

bool is_not_ssh(const struct observation *o)
{
	return server_of(o)->not_ssh;
}

/* The handshake heard more than the capture holds. */
bool hears_another_protocol(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_NOT_SSH;
}

void tell_other(struct observation *o)
{
	server_packets(o, fact_set(o, ANSWER_SSH_OTHER, "what answers does not speak SSH: \"%s\"",
				   server_of(o)->first_line));
}

/* What OpenSSH's sshd says instead of its identification (sshd.c, srclimit.c). */
bool sshd_refuses(const struct observation *o)
{
	static const char *const words[] = { "Exceeded MaxStartups", "Not allowed at this time" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(server_of(o)->first_line, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

void tell_limited(struct observation *o)
{
	server_packets(o, fact_set(o, ANSWER_SSH_LIMITED,
				   "sshd itself refuses: \"%s\"; then the connection is %s",
				   server_of(o)->first_line, end_text(o->kernel->connection)));
}

void tell_refused_in_words(struct observation *o)
{
	server_packets(o, fact_set(o, ANSWER_SSH_REFUSED_TEXT,
				   "the server says \"%s\" and closes, without identifying itself",
				   server_of(o)->first_line));
}

bool hears_only_lines(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_DRIP;
}

bool lines_go_on(const struct observation *o)
{
	return hears_only_lines(o) ||
	       waited(o, o->kernel->connection->server_data_ns, speech_patience(o));
}

void tell_drip(struct observation *o)
{
	server_packets(o, fact_set(o, ANSWER_SSH_DRIP,
				   "the server sends lines (%u so far, %u bytes) and never its "
				   "identification",
				   server_of(o)->lines,
				   o->kernel->connection->server_next -
					   o->kernel->connection->server_first));
}
