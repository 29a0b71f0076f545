/* How far SSH itself comes once TCP is connected, and who ends it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "observe/asked.h"
#include "observe/loss.h"
#include "observe/word.h"
#include "ssh/ident.h"

#define STAGES 10 /* of a conversation, in each of which words may be lost */
/* What follows the client's words within this, round trips aside, is their effect. */
#define PROMPT MILLISECONDS(150)

static const struct event *event_of(const struct observation *o, enum event_kind kind)
{
	return find_event_of(o->run, kind, o->kernel->local_port);
}

static bool waited(const struct observation *o, int64_t since_ns, int64_t patience)
{
	const struct connection *c = o->kernel->connection;
	int64_t until = o->now_ns;
	if (o->frames_lost)
		return false;
	if (c->client_end_ns != 0 && c->client_end_ns < until)
		until = c->client_end_ns;
	return since_ns != 0 && until - since_ns >= patience;
}

/* Copies of older words that draw nothing either: nothing comes through any more. */
static unsigned echoes_missed(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return c->acked_again == 0 ? again_ripe(c, o->now_ns) : 0;
}

/* The chance that so many copies are lost, or the answers to them, and all that was sent
 * besides. */
static double lost_by_chance(const struct observation *o, unsigned copies)
{
	return far_end_accident(&o->facts->paths, copies + echoes_missed(o));
}

/* So many copies of something, none of them answered, are no accident on this way. */
static bool no_accident(const struct observation *o, unsigned copies)
{
	return lost_by_chance(o, copies) <= ACCIDENT;
}

/* What has come to the VM was not lost on the way. */
static bool unheard_for_good(const struct observation *o, unsigned copies)
{
	return at_the_vm(o->run) ? copies > 1 : no_accident(o, copies);
}

/* A server that says something says it again until it is acknowledged, each time after
 * twice as long (RFC 6298). */
struct saying {
	double one_way; /* the chance that one copy is lost */
	double chance;	/* that all so far are */
	double pause, waited;
};

static struct saying say(const struct observation *o)
{
	const struct sent *syn = opening(o->kernel);
	double one_way = 1 - sqrt(1 - paths_loss_feared(&o->facts->paths));
	double pause = (double)(syn->reply_ns - syn->time_ns) * 3;
	if (pause < (double)LEAST_TIMEOUT)
		pause = (double)LEAST_TIMEOUT;
	return (struct saying){ .one_way = one_way, .chance = one_way, .pause = pause };
}

static void say_again(struct saying *saying)
{
	saying->waited += saying->pause;
	saying->chance *= saying->one_way;
	saying->pause *= 2;
}

/* So long that by chance no copy is lost. */
static int64_t speech_patience(const struct observation *o)
{
	const double most = (double)SPEECH_PATIENCE * 3;
	struct saying saying = say(o);
	while (saying.chance > ACCIDENT / STAGES && saying.waited < most)
		say_again(&saying);
	if (saying.waited > most)
		saying.waited = most;
	return saying.waited > (double)SPEECH_PATIENCE ? (int64_t)saying.waited : SPEECH_PATIENCE;
}

/* -- accidents ---------------------------------------------------------------------- */

/* But for the accident, the conversation would have gone on. */
static void unless_lost(const struct observation *o, struct fact *fact, double chance)
{
	if (!at_the_vm(o->run))
		fact_accident(fact, ANSWER_SSH_AUTH, STAGES * chance);
}

static void unless_copies_lost(const struct observation *o, struct fact *fact, unsigned copies)
{
	unless_lost(o, fact, lost_by_chance(o, copies));
}

/* The server has spoken since, in vain. */
static void unless_speech_lost(const struct observation *o, struct fact *fact)
{
	struct saying saying = say(o);
	int64_t silent_ns = o->now_ns - o->kernel->connection->progress_ns;
	while (saying.waited + saying.pause <= (double)silent_ns)
		say_again(&saying);
	double silenced = echoes_missed(o) > 0 ? lost_by_chance(o, 0) : 1;
	unless_lost(o, fact, saying.chance < silenced ? saying.chance : silenced);
}

/* Whichever of them it is whose turn it is to speak. */
static void unless_words_lost(const struct observation *o, struct fact *fact)
{
	unsigned copies = o->kernel->connection->awaited.sent;
	if (copies > 0)
		unless_copies_lost(o, fact, copies);
	else
		unless_speech_lost(o, fact);
}

static int64_t mute_patience(const struct observation *o)
{
	int64_t speech = speech_patience(o);
	return speech > MUTE_PATIENCE ? speech : MUTE_PATIENCE;
}

/* Whether the server ended it, by itself. In somebody else's capture the client may have
 * done so before, or may have been silent until sshd lost its patience (LoginGraceTime). */
#define GRACE MILLISECONDS(20000)

static bool server_ended(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	if (c->server_end_ns == 0 || o->run->planned)
		return c->server_end_ns != 0;
	if (c->client_end_ns != 0 && c->client_end_ns < c->server_end_ns)
		return false;
	int64_t heard_ns =
		c->client_data_ns > c->server_data_ns ? c->client_data_ns : c->server_data_ns;
	return c->server_data_ns == 0 || c->dialog.side[SSH_CLIENT].milestone >= SSH_KEXINIT ||
	       c->server_end_ns - heard_ns < GRACE;
}

/* The server has shown its key: the next word is the client's, who may ask its user. */
static bool waits_for_user(const struct observation *o)
{
	const struct ssh_dialog *dialog = &o->kernel->connection->dialog;
	return !o->run->planned && dialog->side[SSH_SERVER].milestone >= SSH_KEX &&
	       dialog->side[SSH_CLIENT].milestone < SSH_NEWKEYS;
}

static const char *end_word(const struct connection *c)
{
	return c->server_reset_frame != 0 ? "reset" : "closed";
}

/* -- ssh: one function for each stage, the latest first --------------------------- */

static bool reached_authentication(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct event *auth = event_of(o, EVENT_AUTH);
	const struct event *end = event_of(o, EVENT_SSH);
	if (end != NULL && end->word == WORD_SSH_AUTH_REFUSED) {
		fact_packet(fact_set(o, ANSWER_SSH_AUTH_REFUSED,
				     "the server refuses authentication; methods offered: %s",
				     auth != NULL ? auth->text : "unknown"),
			    c->server_data_frame);
		return true;
	}
	if (auth != NULL && c->server_data_after_end) {
		/* interference.md 2.1: it fits no byte of the server's, which goes on behind it */
		struct fact *fact = fact_set(
			o, ANSWER_SSH_SURVIVED,
			"the handshake reaches authentication, but a reset in the server's "
			"name comes meanwhile that the server, which goes on, did not send: "
			"another client would end");
		fact_packet(fact, c->server_reset_frame);
		return true;
	}
	if (auth != NULL) {
		fact_packet(fact_set(o, ANSWER_SSH_AUTH,
				     "the handshake reaches authentication; methods: %s",
				     auth->text[0] ? auth->text : "none needed"),
			    c->server_data_frame);
		return true;
	}
	/* In somebody else's capture: a service request and its answer follow NEWKEYS. */
	if (!o->run->planned && c->encrypted[SSH_CLIENT] > 0 && c->encrypted[SSH_SERVER] > 0) {
		fact_packet(fact_set(o, ANSWER_SSH_AUTH,
				     "the handshake completes and encrypted packets go both ways"),
			    c->server_data_frame);
		return true;
	}
	return false;
}

/* No packet makes connect() say so: another process has taken the socket away (tcp_abort() of
 * Linux, which sock_diag's SOCK_DESTROY calls). */
static bool destroyed_here(struct observation *o)
{
	fact_packet(fact_set(o, ANSWER_SSH_ABORTED,
			     "connect() fails after %.0f ms, \"%s\": this machine ends its own "
			     "connection, and no packet asks for it",
			     (double)(o->kernel->answered_ns - o->kernel->opened_ns) / 1e6,
			     strerror(ECONNABORTED)),
		    o->kernel->sent[0].frame);
	return true;
}

/* A reset answers the SYN before the SYN-ACK comes: a server sends one or the other
 * (interference.md 2.1, SYN_RST). */
static bool forestalled(struct observation *o)
{
	const struct sent *syn = opening(o->kernel);
	if (syn->reply != REPLY_RESET)
		return false;
	struct fact *fact =
		fact_set(o, ANSWER_SSH_CUT,
			 "a reset answers the SYN, and then the server's SYN-ACK comes: "
			 "the server has not sent both");
	fact_packet(fact, syn->reply_frame);
	fact_packet(fact, o->kernel->connection->syn_ack_frame);
	return true;
}

/* A reset goes out that nobody asked for: neither the server, which has ended nothing, nor
 * the client, which learns of the end by it. */
static bool aborted_here(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct event *end = event_of(o, EVENT_SSH);
	if (o->kernel->connect_error == ECONNABORTED)
		return destroyed_here(o);
	/* what the kernel told the client of it, and when */
	if (c->server_end_local) {
		fact_packet(fact_set(o, ANSWER_SSH_ABORTED,
				     "a %s in the server's name comes from this machine itself: it "
				     "is on the loopback interface, not on the wire",
				     c->server_reset_frame != 0 ? "reset" : "FIN"),
			    c->server_reset_frame != 0 ? c->server_reset_frame
						       : c->server_fin_frame);
		return true;
	}
	int error = end != NULL ? end->error : o->kernel->connect_error;
	int64_t told_ns = end != NULL ? end->time_ns : o->kernel->answered_ns;
	if (error == 0 || c->client_reset_frame == 0 || c->server_end_ns != 0 ||
	    c->client_end_ns > told_ns)
		return false;
	fact_packet(fact_set(o, ANSWER_SSH_ABORTED,
			     "this machine resets its own connection after %.0f ms, \"%s\"; "
			     "nothing that came asks for it",
			     (double)(c->client_end_ns - opening(o->kernel)->time_ns) / 1e6,
			     strerror(error)),
		    c->client_reset_frame);
	return true;
}

/* -- sizes ------------------------------------------------------------------------- */

/* A kernel acknowledges what arrives, whatever its service does. Segments below this size
 * pass every sound link: RFC 8200 5 asks for packets of 1280 bytes. */
#define LARGE	   1200
#define LARGE_BACK 700 /* of the server: its first large words are these (KEXINIT) */
/* So often in vain, it is no accident; where packets are lost on the way, more often. */
#define LARGE_SENT	 4
#define SOME_LOSS	 0.15
#define LARGE_SENT_LOSSY 5

/* -- small segments ---------------------------------------------------------------- */

enum small { SMALL_UNTRIED, SMALL_OPEN, SMALL_FURTHER, SMALL_NO_FURTHER };

/* What became of the same conversation with small segments. */
static enum small small_outcome(const struct observation *o)
{
	size_t i = 0;
	const struct exchange *small = track_next(o->track, PURPOSE_SMALL, &i);
	if (small == NULL)
		return SMALL_UNTRIED;
	const struct connection *c = small->connection;
	if (c != NULL && c->dialog.side[SSH_SERVER].milestone >= SSH_NEWKEYS)
		return SMALL_FURTHER;
	int64_t patience =
		o->facts->paths.far_end.lost > 0 ? LOSSY_TIMES * SMALL_PATIENCE : SMALL_PATIENCE;
	bool over =
		(c != NULL && c->server_end_ns != 0) || o->now_ns - small->opened_ns >= patience;
	return over ? SMALL_NO_FURTHER : SMALL_OPEN;
}

/* Where so much is lost, what stalled once and passed the next time was chance. */
#define LOSSY 0.2
static bool lossy(const struct observation *o)
{
	return paths_loss(&o->facts->paths) > LOSSY;
}

/* Words of the client wait for their acknowledgement, and have not gone out so often that
 * this way cannot have lost them all. */
static bool waits_by_chance(const struct observation *o)
{
	const struct awaited *awaited = &o->kernel->connection->awaited;
	unsigned enough = paths_loss(&o->facts->paths) > SOME_LOSS ? LARGE_SENT_LOSSY : LARGE_SENT;
	unsigned copies = awaited->sent + echoes_missed(o);
	return awaited->sent > 0 && (copies < enough || !no_accident(o, awaited->sent));
}

/* How many bytes the server has sent that do not come: later ones did, or it acknowledges
 * from behind them (RFC 9293 3.4: an acknowledgement stands at SND.NXT). */
static uint32_t missing_of_server(const struct connection *c)
{
	const struct stream *stream = &c->stream[SSH_SERVER];
	uint32_t claimed = c->server_claimed - c->server_first;
	if (stream->cut)
		return 0;
	if (stream->spans > 0)
		return stream->span[0].from - stream->length;
	return (int32_t)(claimed - stream->length) > 0 ? claimed - stream->length : 0;
}

/* Whether what waits is larger than all that came that way before: then it may be its size. */
static bool waits_for_large(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct awaited *awaited = &c->awaited;
	if (awaited->sent > 0)
		return awaited->length >= LARGE && awaited->length > c->longest_acked;
	return c->longest_received < LARGE_BACK || missing_of_server(c) > c->longest_received;
}

/* The second conversation came through, and size is not why the first did not: that was
 * chance. */
static void comes_through(struct observation *o, const struct exchange *small)
{
	const struct event *end = find_event_of(o->run, EVENT_SSH, small->local_port);
	enum answer answer = ANSWER_NONE;
	if (find_event_of(o->run, EVENT_AUTH, small->local_port) != NULL)
		answer = ANSWER_SSH_AUTH;
	if (end != NULL && end->word == WORD_SSH_AUTH_REFUSED)
		answer = ANSWER_SSH_AUTH_REFUSED;
	if (answer != ANSWER_NONE)
		fact_packet(fact_set(o, answer, "a second handshake reaches authentication%s",
				     answer == ANSWER_SSH_AUTH ? "" : ", which is refused"),
			    small->connection->server_data_frame);
}

/* Whether it is the size, or chance. */
static bool small_segments_pass(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	if (c->server_end_ns != 0 || small_outcome(o) != SMALL_FURTHER)
		return false;
	size_t i = 0;
	const struct exchange *small = track_next(o->track, PURPOSE_SMALL, &i);
	if (!waits_for_large(o)) {
		comes_through(o, small);
		return true;
	}
	bool says_it_again = c->awaited.sent == 0 && !waited(o, c->progress_ns, speech_patience(o));
	if (lossy(o) || waits_by_chance(o) || says_it_again)
		return true;
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
	return true;
}

/* -- large packets vanish --------------------------------------------------------- */

/* One small segment behind a large one may be lost by chance. */
#define BEHIND 2

/* RFC 5681 4.2: "A TCP receiver SHOULD send an immediate duplicate ACK when an out-of-order
 * segment arrives." */
static bool later_ones_come(const struct awaited *awaited)
{
	return awaited->selected_frame != 0 || awaited->repeated;
}

/* What follows the identification is not acknowledged, and size is not why: the segment has
 * come to the VM, is no larger than those that came before, or none behind it comes either. */
static bool client_goes_unheard(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct awaited *awaited = &c->awaited;
	bool sized = awaited->length >= LARGE && awaited->length > c->longest_acked;
	bool behind = awaited->behind >= BEHIND && !lossy(o);
	bool lost_alike = !later_ones_come(awaited) && (behind || echoes_missed(o) >= LARGE_SENT);
	if (awaited->sent == 0 || awaited->sent + echoes_missed(o) < LARGE_SENT ||
	    c->client_acked_frame == 0 || !unheard_for_good(o, awaited->sent) ||
	    !waited(o, awaited->first_ns, HEARING_PATIENCE) ||
	    (sized && !lost_alike && !at_the_vm(o->run)))
		return false;
	struct fact *fact =
		fact_set(o, ANSWER_SSH_SWALLOWED,
			 "the server acknowledges the client's identification; what "
			 "follows, %u bytes, is sent %u time%s and never acknowledged%s",
			 awaited->length, awaited->sent, awaited->sent == 1 ? "" : "s",
			 lost_alike ? ", nor is anything that is sent besides" : "");
	unless_copies_lost(o, fact, awaited->sent);
	fact_packet(fact, c->client_acked_frame);
	fact_packet(fact, awaited->frame);
	return true;
}

static bool client_segment_vanishes(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct awaited *awaited = &c->awaited;
	if (awaited->sent == 0 || waits_by_chance(o) || awaited->length < LARGE ||
	    awaited->length <= c->longest_acked || !waited(o, awaited->first_ns, HEARING_PATIENCE))
		return false;
	/* So many that it is not known whether all of them are. */
	if (!o->run->planned && awaited->behind > 0 && !later_ones_come(awaited))
		return true;
	struct fact *fact = fact_set(o, ANSWER_SSH_LARGE_LOST,
				     "the client's segment of %u bytes is sent %u times and never "
				     "acknowledged; smaller ones%s arrive",
				     awaited->length, awaited->sent,
				     awaited->selected_frame ? " before and after it" : "");
	unless_copies_lost(o, fact, awaited->sent);
	fact_packet(fact, awaited->frame);
	fact_packet(fact, awaited->selected_frame);
	return true;
}

static bool server_segment_vanishes(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	uint32_t missing = missing_of_server(c);
	if (missing == 0 || o->frames_lost || !waited(o, c->progress_ns, speech_patience(o)))
		return false;
	if (lossy(o)) {
		(void)small_segments_pass(o);
		return true;
	}
	struct fact *fact;
	if (missing >= LARGE_BACK && c->longest_received > 0 && c->longest_received < LARGE_BACK)
		fact = fact_set(o, ANSWER_SSH_LARGE_LOST,
				"%u bytes of the server never come; its smaller segments do",
				missing);
	else
		fact = fact_set(o, ANSWER_SSH_UNHEARD,
				"the server has said %u bytes that never come, by the sequence "
				"numbers of what does",
				missing);
	unless_speech_lost(o, fact);
	fact_packet(fact, c->server_data_frame);
	fact_packet(fact, c->server_claimed_frame);
	return true;
}

/* Nothing has come for long, and that is no accident: so many copies, or where nothing else is
 * lost a second conversation that came no further. */
static bool stalls(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	bool again = small_outcome(o) == SMALL_NO_FURTHER && o->facts->paths.far_end.lost == 0;
	return waited(o, c->progress_ns, speech_patience(o)) && (again || !waits_by_chance(o));
}

static const char *missing_algorithm(const struct ssh_dialog *dialog)
{
	char agreed[128];
	for (int list = SSH_LIST_KEX; list <= SSH_LIST_COMPRESSION_S2C; list++)
		if (!ssh_negotiate(dialog, (enum ssh_list)list, agreed))
			return ssh_list_names[list];
	return NULL;
}

static void key_exchange(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *client = &c->dialog.side[SSH_CLIENT];
	const struct event *end = event_of(o, EVENT_SSH);
	if (end != NULL && end->word == WORD_SSH_UNFOLLOWED) {
		fact_packet(fact_set(o, ANSWER_SSH_UNFOLLOWED,
				     "the server asks for algorithms that OpenSSH has and this "
				     "program has not: %s",
				     end->detail),
			    c->server_data_frame);
		return;
	}
	if (client->milestone >= SSH_KEXINIT) {
		const char *missing = missing_algorithm(&c->dialog);
		if (missing != NULL) {
			fact_packet(fact_set(o, ANSWER_SSH_NO_COMMON,
					     "client and server offer no common %s algorithm",
					     missing),
				    c->server_data_frame);
			return;
		}
	}
	struct fact *fact = NULL;
	if (end != NULL && end->word == WORD_SSH_NO_COMMON) {
		/* the client may see that before it has named its own algorithms */
		fact = fact_set(o, ANSWER_SSH_NO_COMMON, "%s",
				end->detail[0] != '\0' ? end->detail : "no common algorithm");
		fact_packet(fact, c->server_data_frame);
	} else if (server_ended(o) &&
		   (c->client_end_ns == 0 || c->server_end_ns <= c->client_end_ns)) {
		fact = fact_set(o, ANSWER_SSH_KEX_CUT, "the connection is %s during key exchange",
				end_word(c));
		fact_packet(fact, c->server_reset_frame);
		fact_packet(fact, c->server_fin_frame);
	} else if (client->milestone >= SSH_KEXINIT && !waits_for_user(o) && stalls(o)) {
		fact = fact_set(o, ANSWER_SSH_KEX_STALLED,
				"both sides name their algorithms, then key exchange stalls");
		unless_words_lost(o, fact);
		fact_packet(fact, c->client_data_frame);
	}
}

/* The server's identification came; the client's is not heard. */
static void swallowed(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	if (c->client_data_frame == 0 || c->client_acked_frame != 0 ||
	    !waited(o, c->client_data_ns, HEARING_PATIENCE) ||
	    !unheard_for_good(o, c->client_data_sent))
		return;
	struct fact *fact = fact_set(o, ANSWER_SSH_SWALLOWED,
				     "the server's identification comes; the client's is sent %u "
				     "times and never acknowledged",
				     c->client_data_sent);
	unless_copies_lost(o, fact, c->client_data_sent);
	fact_packet(fact, c->server_data_frame);
	fact_packet(fact, c->client_data_frame);
}

/* The server's identification came; what became of the client's? */
static void after_identification(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *server = &c->dialog.side[SSH_SERVER];
	bool sized = small_outcome(o) != SMALL_NO_FURTHER; /* else it is not the size */
	if (c->server_end_ns == 0 && client_goes_unheard(o))
		return;
	if (c->server_end_ns == 0 && sized &&
	    (client_segment_vanishes(o) || server_segment_vanishes(o)))
		return;
	if (small_segments_pass(o))
		return;
	/* what the server says after the end did not come before it */
	bool ended_before =
		c->server_data_after_end && c->dialog.side[SSH_CLIENT].milestone < SSH_KEXINIT;
	if (server->milestone >= SSH_KEXINIT && c->client_acked_frame != 0 && !ended_before) {
		key_exchange(o);
		return;
	}
	struct fact *fact = NULL;
	if (c->client_data_frame == 0 && !server_ended(o))
		return;
	if (server_ended(o)) {
		fact = fact_set(o, ANSWER_SSH_CUT,
				"the server identifies itself as %s; the connection is %s %s",
				server->ident, end_word(c),
				c->client_data_frame ? "when the client does" : "at once");
		fact_packet(fact, c->server_reset_frame);
		fact_packet(fact, c->server_fin_frame);
	} else if (c->client_acked_frame == 0) {
		swallowed(o);
	} else if (stalls(o)) {
		fact = fact_set(o, ANSWER_SSH_STALLED,
				"both sides identify themselves, the client's is acknowledged, "
				"then nothing comes");
		unless_words_lost(o, fact);
	}
	if (fact == NULL)
		return;
	fact_packet(fact, c->server_data_frame);
	fact_packet(fact, c->client_data_frame);
}

/* What OpenSSH's sshd says instead of its identification (sshd.c, srclimit.c). */
static bool is_words_of_sshd(const char *line)
{
	static const char *const words[] = { "Exceeded MaxStartups", "Not allowed at this time" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(line, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* Bytes came that are no identification string. */
static void other_words(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *server = &c->dialog.side[SSH_SERVER];
	struct fact *fact = NULL;
	if (server->not_ssh)
		fact = fact_set(o, ANSWER_SSH_OTHER, "what answers does not speak SSH: \"%s\"",
				server->first_line);
	else if (server->cut)
		return; /* the capture lacks the rest of its words */
	else if (server_ended(o) && is_words_of_sshd(server->first_line))
		fact = fact_set(o, ANSWER_SSH_LIMITED,
				"sshd itself refuses: \"%s\"; then the connection is %s",
				server->first_line, end_word(c));
	else if (server_ended(o))
		fact = fact_set(o, ANSWER_SSH_REFUSED_TEXT,
				"the server says \"%s\" and closes, without identifying itself",
				server->first_line);
	else if (waited(o, c->server_data_ns, speech_patience(o)))
		fact = fact_set(o, ANSWER_SSH_DRIP,
				"the server sends lines (%u so far) and never its identification",
				server->lines);
	if (fact == NULL)
		return;
	fact_packet(fact, c->server_data_frame);
	fact_packet(fact, c->server_fin_frame);
	fact_packet(fact, c->server_reset_frame);
}

/* The end follows the client's first words so closely that they are why. */
static bool ended_by_words(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct sent *syn = opening(o->kernel);
	int64_t round_trip = syn->reply_ns - syn->time_ns;
	return c->client_data_ns != 0 &&
	       c->server_end_ns - c->client_data_ns <= 2 * round_trip + PROMPT;
}

static void not_a_word(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	struct fact *fact = NULL;
	const struct sent *syn = opening(o->kernel);
	if (server_ended(o) && ended_by_words(o) && c->server_reset_bare) {
		fact = fact_set(o, ANSWER_SSH_GONE,
				"the server says nothing, and the client's first words draw a "
				"reset without ACK, as of a kernel that has no such connection "
				"(any more)");
		fact_packet(fact, c->server_reset_frame);
	} else if (server_ended(o) && ended_by_words(o)) {
		fact = fact_set(o, ANSWER_SSH_HUNG_UP,
				"the server says nothing; the connection is %s as soon as the "
				"client identifies itself",
				end_word(c));
		fact_packet(fact, c->server_fin_frame);
		fact_packet(fact, c->server_reset_frame);
	} else if (server_ended(o)) {
		fact = fact_set(o, ANSWER_SSH_CLOSED,
				"the connection is accepted, then %s after %.0f ms without a byte",
				end_word(c), (double)(c->server_end_ns - syn->time_ns) / 1e6);
		fact_packet(fact, c->server_fin_frame);
		fact_packet(fact, c->server_reset_frame);
	} else if (c->client_data_frame != 0 && c->client_acked_frame == 0) {
		if (waited(o, c->client_data_ns, HEARING_PATIENCE) &&
		    unheard_for_good(o, c->client_data_sent)) {
			fact = fact_set(o, ANSWER_SSH_DEAF,
					"the connection is accepted; what the client says is sent "
					"%u times, never acknowledged",
					c->client_data_sent);
			unless_copies_lost(o, fact, c->client_data_sent);
		}
	} else if (server_segment_vanishes(o)) {
		return;
	} else if (c->syn_ack_window == 0 && c->client_data_frame == 0 &&
		   c->server_data_frame == 0 && waited(o, syn->reply_ns, mute_patience(o))) {
		fact = fact_set(
			o, ANSWER_SSH_HELD,
			"the connection is accepted with a window of 0, and it never opens: "
			"so answers a SYN proxy that waits for whom it stands for, or a "
			"tarpit");
	} else if (c->client_acked_frame != 0 && c->server_data_frame == 0 &&
		   missing_of_server(c) == 0 && waited(o, syn->reply_ns, mute_patience(o))) {
		fact = fact_set(o, ANSWER_SSH_MUTE,
				"the connection is accepted and the client's bytes acknowledged; "
				"the service says nothing");
		fact_packet(fact, c->client_acked_frame);
	}
	if (fact == NULL)
		return;
	fact_packet(fact, c->syn_ack_frame);
	fact_packet(fact, c->client_data_frame);
}

/* One side acknowledges words of the other that the capture does not hold. One more than
 * there are is the end of the connection (RFC 9293 3.4). */
static bool words_missed(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct stream *server = &c->stream[SSH_SERVER];
	uint32_t heard = c->server_heard - c->server_first;
	if (server->length < SSH_STREAM_MAX && heard > server->length + 1)
		return true;
	/* Whoever takes keys into use has had the other's (RFC 4253 7.3): by another way, as with
	 * multipath TCP, or the capture lacks it. */
	if (!o->run->planned && c->dialog.side[SSH_CLIENT].milestone == SSH_NEWKEYS &&
	    c->dialog.side[SSH_SERVER].milestone < SSH_KEXINIT)
		return true;
	return !o->run->planned && (int32_t)(c->server_acked - c->client_next) > 1;
}

/* Whether what is said can be judged. Not when the capture lacks words of it, nor when one
 * side speaks no SSH 2: how far they came is not known then, nor what an end or a silence
 * means. */
static bool words_readable(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *server = &c->dialog.side[SSH_SERVER];
	const struct ssh_side *client = &c->dialog.side[SSH_CLIENT];
	return !server->cut && !words_missed(o) && !client->not_ssh &&
	       (server->milestone < SSH_IDENTIFIED || ident_is_version_2(server->ident)) &&
	       (client->milestone < SSH_IDENTIFIED || ident_is_version_2(client->ident));
}

/* Of a capture that cuts packets short, as far as it goes: two bytes are left of them with the
 * usual 68. */
static bool begins_like_ssh(const struct ssh_side *server)
{
	size_t length = strlen(server->first_line);
	return server->milestone >= SSH_IDENTIFIED ||
	       (server->milestone == SSH_TALKING && !server->not_ssh && length >= 2 &&
		strncmp(server->first_line, "SSH-", length < 4 ? length : 4) == 0);
}

/* -- by the lengths of what is said ------------------------------------------------------ */

/* Of RFC 4253: identifications, KEXINIT, two rounds of a key exchange at most, the service and
 * the first word of authentication. So many turns are not had without encryption, nor with so
 * few bytes. */
#define FLIGHTS_OF_SERVER 5
#define FLIGHTS_OF_CLIENT 4
#define LENGTH_OF_KEXINIT 400
#define IDENT_LENGTH	  SSH_IDENT_MAX
#define SSH_PORT	  22

static uint32_t said(const struct connection *c, enum ssh_peer peer)
{
	return peer == SSH_SERVER ? c->server_next - c->server_first
				  : c->client_next - c->client_first;
}

static bool goes_on_past_key_exchange(const struct connection *c)
{
	return c->flights[SSH_SERVER] >= FLIGHTS_OF_SERVER &&
	       c->flights[SSH_CLIENT] >= FLIGHTS_OF_CLIENT &&
	       said(c, SSH_SERVER) >= LENGTH_OF_KEXINIT && said(c, SSH_CLIENT) >= LENGTH_OF_KEXINIT;
}

/* The server has said no more than its identification, of which the version is left at least,
 * when another ends it. */
static void cut_by_lengths(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	if (!ident_is_version_2(c->dialog.side[SSH_SERVER].first_line))
		return;
	bool all_there = (int32_t)(c->server_heard - c->server_next) <= 1 &&
			 (int32_t)(c->server_acked - c->client_next) <= 1;
	if (!server_ended(o) || c->client_data_frame == 0 || said(c, SSH_SERVER) > IDENT_LENGTH ||
	    c->flights[SSH_SERVER] != 1 || !all_there)
		return;
	struct fact *fact = fact_set(o, ANSWER_SSH_CUT,
				     "the server says %u bytes that begin as its identification "
				     "does; the connection is %s when the client has spoken",
				     said(c, SSH_SERVER), end_word(c));
	fact_packet(fact, c->server_data_frame);
	fact_packet(fact, c->client_data_frame);
	fact_packet(fact, c->server_reset_frame);
	fact_packet(fact, c->server_fin_frame);
}

static void judge_lengths(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *server = &c->dialog.side[SSH_SERVER];
	bool unread = server->milestone == SSH_SILENT && o->run->port == SSH_PORT;
	if (o->run->planned || c->dialog.side[SSH_CLIENT].not_ssh ||
	    !(unread || begins_like_ssh(server)))
		return;
	if (!goes_on_past_key_exchange(c)) {
		cut_by_lengths(o);
		return;
	}
	struct fact *fact =
		fact_set(o, ANSWER_TALK_GOES_ON,
			 "what is said is not in the capture whole; by its lengths (%u bytes of "
			 "the client's "
			 "in %u turns, %u of the server's in %u) it goes on past the key exchange",
			 said(c, SSH_CLIENT), c->flights[SSH_CLIENT], said(c, SSH_SERVER),
			 c->flights[SSH_SERVER]);
	fact_packet(fact, c->client_data_frame);
	fact_packet(fact, c->server_data_frame);
}

/* That the client is not heard shows all the same. */
static void words_unread(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *server = &c->dialog.side[SSH_SERVER];
	bool begins = begins_like_ssh(server);
	if (c->server_end_ns == 0 &&
	    ((begins && client_goes_unheard(o)) || client_segment_vanishes(o)))
		return;
	if (c->server_end_ns == 0 && begins)
		swallowed(o);
	if (fact_answer(o->facts, QUESTION_SSH) == ANSWER_NONE)
		judge_lengths(o);
	/* A box of the organisation's that gives the answer may relay as it should. */
	if (fact_answer(o->facts, QUESTION_SSH) == ANSWER_NONE)
		fact_forget(o, QUESTION_WHO);
}

static void judge_conversation(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	const struct ssh_side *server = &c->dialog.side[SSH_SERVER];
	if (reached_authentication(o) || forestalled(o) || aborted_here(o))
		return;
	if (!words_readable(o))
		words_unread(o);
	else if (server->milestone >= SSH_IDENTIFIED)
		after_identification(o);
	else if (server->milestone == SSH_TALKING)
		other_words(o);
	else
		not_a_word(o);
	bool damaged = server->malformed || c->dialog.side[SSH_CLIENT].malformed;
	if (damaged && fact_answer(o->facts, QUESTION_SSH) == ANSWER_NONE)
		judge_lengths(o);
}

/* -- key ------------------------------------------------------------------------ */

/* The key that the server showed, if not in the first conversation, in the second. */
static const struct event *key_event(const struct observation *o)
{
	size_t i = 0;
	const struct event *event = event_of(o, EVENT_HOST_KEY);
	const struct exchange *small = track_next(o->track, PURPOSE_SMALL, &i);
	if (event == NULL && small != NULL)
		event = find_event_of(o->run, EVENT_HOST_KEY, small->local_port);
	return event;
}

void observe_key(struct observation *o)
{
	if (!converses(o))
		return;
	const struct event *event = key_event(o);
	if (event == NULL || event->word == WORD_NONE)
		return;
	fact_packet(fact_set(o, word_answer(event->word), "the server's key is %s (%s%s%s)",
			     event->text, event_word_name(event->word),
			     event->detail[0] != '\0' ? ": " : "", event->detail),
		    o->kernel->connection->server_data_frame);
}

void observe_ssh(struct observation *o)
{
	if (converses(o))
		judge_conversation(o);
	else if (o->kernel != NULL && o->kernel->connection == NULL &&
		 fact_answer(o->facts, QUESTION_OUT) != ANSWER_OUT_DIVERTED &&
		 fact_answer(o->facts, QUESTION_IN) != ANSWER_IN_IGNORED &&
		 o->kernel->connect_error == ECONNABORTED && o->kernel->sent_count > 0)
		(void)destroyed_here(o);
}
