/* The server has identified itself: the conversation ends, stalls, or comes as far as the key
 * exchange and authentication. */
#include <string.h>

#include "observe/chance.h"
#include "observe/farewell.h"
#include "observe/judge.h"
#include "observe/proof.h"
#include "observe/small.h"
#include "observe/words.h"

/* -- after the identifications --------------------------------------------------------- */

static void first_words_packets(const struct observation *o, struct fact *fact)
{
	fact_packet(fact, o->kernel->connection->server_data_frame);
	fact_packet(fact, o->kernel->connection->client_data_frame);
}

static void end_packets(const struct observation *o, struct fact *fact)
{
	fact_packet(fact, o->kernel->connection->server_reset_frame);
	fact_packet(fact, o->kernel->connection->server_fin_frame);
}

void tell_cut(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	struct fact *fact = fact_set(o, ANSWER_SSH_CUT,
				     "the server identifies itself as %s; the connection is %s %s",
				     c->dialog.side[SSH_SERVER].ident, end_text(c),
				     c->client_data_frame ? "when the client does" : "at once");
	end_packets(o, fact);
	first_words_packets(o, fact);
}

void tell_swallowed(struct observation *o)
{
	unsigned copies = o->kernel->connection->client_data_sent;
	struct fact *fact = fact_set(o, ANSWER_SSH_SWALLOWED,
				     "the server's identification comes; the client's is sent %u "
				     "times and never acknowledged",
				     copies);
	unless_copies_lost(o, fact, copies);
	first_words_packets(o, fact);
}

/* Nothing has come for long, and that is no accident: so many copies, or where nothing else is
 * lost a second conversation that came no further. */
bool conversation_stalls(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	bool again = small_outcome(o) == SMALL_NO_FURTHER && o->facts->paths.far_end.lost == 0;
	return waited(o, c->progress_ns, speech_patience(o)) &&
	       (again || !loss_may_delay_client(o));
}

void tell_stalled(struct observation *o)
{
	struct fact *fact = fact_set(o, ANSWER_SSH_STALLED,
				     "both sides identify themselves, the client's is "
				     "acknowledged, then nothing comes");
	unless_words_lost(o, fact);
	first_words_packets(o, fact);
}

/* -- key exchange ------------------------------------------------------------------------ */

static bool client_named_algorithms(const struct observation *o)
{
	return o->kernel->connection->dialog.side[SSH_CLIENT].milestone >= SSH_KEXINIT;
}

static const char *detail_of_end(const struct observation *o, const char *otherwise)
{
	const struct event *end = event_of(o, EVENT_SSH);
	return end != NULL && end->detail[0] != '\0' ? end->detail : otherwise;
}

bool is_unfollowed(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_UNFOLLOWED;
}

void tell_unfollowed(struct observation *o)
{
	fact_packet(fact_set(o, ANSWER_SSH_UNFOLLOWED,
			     "the server asks for algorithms that OpenSSH has and this program has "
			     "not: %s",
			     detail_of_end(o, "")),
		    o->kernel->connection->server_data_frame);
}

static const char *missing_algorithm(const struct ssh_dialog *dialog)
{
	char agreed[128];
	for (int list = SSH_LIST_KEX; list <= SSH_LIST_COMPRESSION_S2C; list++)
		if (!ssh_negotiate(dialog, (enum ssh_list)list, agreed))
			return ssh_list_names[list];
	return NULL;
}

bool algorithms_differ(const struct observation *o)
{
	return client_named_algorithms(o) &&
	       missing_algorithm(&o->kernel->connection->dialog) != NULL;
}

/* What has no match may be what the person has chosen. `what` names the list. */
static const char *choice_quoted(const struct observation *o, const char *what)
{
	static const struct {
		const char *list, *keyword;
	} rows[] = { { "key exchange", "kexalgorithms" },
		     { "host key", "hostkeyalgorithms" },
		     { "cipher", "ciphers" },
		     { "MAC", "macs" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strstr(what, rows[i].list) == NULL)
			continue;
		const char *quote = setting_quoted(o, rows[i].keyword);
		return quote[0] != '\0'
			       ? arena_format(o->arena, "; ssh is told what to offer%s", quote)
			       : "";
	}
	return "";
}

static void tell_no_common(struct observation *o, const char *text)
{
	struct fact *fact = fact_set(o, ANSWER_SSH_NO_COMMON, "%s", text);
	fact->text = arena_format(o->arena, "%s%s", fact->text, choice_quoted(o, text));
	fact_packet(fact, o->kernel->connection->server_data_frame);
}

void tell_algorithms_differ(struct observation *o)
{
	tell_no_common(o, arena_format(o->arena, "client and server offer no common %s algorithm",
				       missing_algorithm(&o->kernel->connection->dialog)));
}

/* The client may see that before it has named its own algorithms. */
bool client_finds_none_in_common(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_NO_COMMON;
}

void tell_none_in_common(struct observation *o)
{
	tell_no_common(o, detail_of_end(o, "no common algorithm"));
}

void tell_kex_cut(struct observation *o)
{
	end_packets(o, fact_set(o, ANSWER_SSH_KEX_CUT, "the connection is %s during key exchange",
				end_text(o->kernel->connection)));
}

/* The server has shown its key: the next word is the client's, who may ask its user. */
static bool waits_for_user(const struct observation *o)
{
	const struct ssh_dialog *dialog = &o->kernel->connection->dialog;
	return !o->run->planned && dialog->side[SSH_SERVER].milestone >= SSH_KEX &&
	       dialog->side[SSH_CLIENT].milestone < SSH_NEWKEYS;
}

bool key_exchange_stalls(const struct observation *o)
{
	return client_named_algorithms(o) && !waits_for_user(o) && is_servers_turn(o) &&
	       conversation_stalls(o);
}

void tell_kex_stalled(struct observation *o)
{
	struct fact *fact = fact_set(o, ANSWER_SSH_KEX_STALLED,
				     "both sides name their algorithms, then key exchange stalls");
	unless_words_lost(o, fact);
	fact_packet(fact, o->kernel->connection->client_data_frame);
}

/* -- packets that lead nowhere ------------------------------------------------------------- */

static uint32_t server_bytes(const struct connection *c)
{
	return c->server_next - c->server_first;
}

/* In somebody else's capture: it has said so much in the clear, and all of it that is looked at is
 * there to be read. */
static bool floods_in_the_clear(const struct connection *c)
{
	const struct ssh_side *server = &c->dialog.side[SSH_SERVER];
	return c->stream[SSH_SERVER].length == SSH_STREAM_MAX && server->cut &&
	       server->milestone >= SSH_IDENTIFIED && server_bytes(c) >= SPEECH_BYTES;
}

bool never_comes_further(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_ENDLESS || floods_in_the_clear(o->kernel->connection);
}

void tell_endless(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	fact_packet(fact_set(o, ANSWER_SSH_DRIP,
			     "the server identifies itself as %s, then sends packets without end "
			     "(%u bytes so far) that bring the conversation no further",
			     c->dialog.side[SSH_SERVER].ident, server_bytes(c)),
		    c->server_data_frame);
}

/* What comes in place of its algorithms cannot be read. (Later on it may be our own library that
 * does not know what others do.) */
bool breaks_protocol(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_KEX_FAILED &&
	       o->kernel->connection->dialog.side[SSH_SERVER].milestone < SSH_KEXINIT;
}

void tell_broken(struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	fact_packet(fact_set(o, ANSWER_SSH_OTHER,
			     "what answers identifies itself as %s, and then says what is no SSH: "
			     "%s",
			     c->dialog.side[SSH_SERVER].ident,
			     detail_of_end(o, "no packet can be so long")),
		    c->server_data_frame);
}

/* -- authentication ------------------------------------------------------------------------ */

bool is_refused(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_AUTH_REFUSED || takes_leave_of_user(o);
}

static const char *methods_offered(const struct observation *o)
{
	const struct event *auth = event_of(o, EVENT_AUTH);
	if (auth == NULL)
		return "unknown";
	return auth->text[0] != '\0' ? auth->text : "none";
}

void tell_auth_refused(struct observation *o)
{
	const char *words = farewell_words(o);
	if (words == NULL && handshake_end(o) == WORD_SSH_AUTH_REFUSED)
		words = detail_of_end(o, NULL);
	fact_packet(fact_set(o, ANSWER_SSH_AUTH_REFUSED,
			     "the server refuses authentication%s%s; methods offered: %s",
			     words != NULL ? ": " : "", words != NULL ? words : "",
			     methods_offered(o)),
		    o->kernel->connection->server_data_frame);
}

/* -- with --auth ---------------------------------------------------------------------- */

bool has_nothing_to_offer(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_NO_KEY;
}

/* What ssh could do if there were somebody to ask. */
static const char *way_out(const char *methods)
{
	bool asks = strstr(methods, "password") != NULL || strstr(methods, "keyboard") != NULL;
	return asks ? "; at a terminal ssh could ask for a password" : "";
}

/* By no packet: all of it is encrypted. */
void tell_no_key(struct observation *o)
{
	const char *methods = methods_offered(o);
	bool keys = strstr(methods, "publickey") != NULL;
	const char *lacks = detail_of_end(o, keys ? "no key" : "it takes no keys");
	struct fact *fact =
		fact_set(o, ANSWER_SSH_NO_KEY,
			 "ssh has nothing to offer of what the server accepts (%s): %s%s", methods,
			 lacks, way_out(methods));
	if (o->kernel->connection != NULL)
		fact_packet(fact, o->kernel->connection->server_data_frame);
}

/* The methods were listed, something was offered, and no answer comes. */
bool login_stalls(const struct observation *o)
{
	return handshake_end(o) == WORD_SSH_AUTH_SILENT && event_of(o, EVENT_AUTH) != NULL;
}

void tell_login_stalled(struct observation *o)
{
	const char *words = detail_of_end(o, NULL);
	struct fact *fact =
		fact_set(o, ANSWER_SSH_AUTH_STALLED,
			 "the server lists its methods (%s), and then goes no further%s%s",
			 methods_offered(o), words != NULL ? ": " : "", words != NULL ? words : "");
	unless_speech_lost(o, fact);
	fact_packet(fact, o->kernel->connection->server_data_frame);
}

/* Bytes of the server's come that stand behind those which the reset ends. */
bool goes_on_after_reset(const struct observation *o)
{
	return event_of(o, EVENT_AUTH) != NULL && o->kernel->connection->server_data_after_end;
}

void tell_survived(struct observation *o)
{
	fact_packet(fact_set(o, ANSWER_SSH_SURVIVED,
			     "the handshake reaches authentication, but a reset in the server's "
			     "name comes meanwhile that the server, which goes on, did not send: "
			     "another client would end"),
		    o->kernel->connection->server_reset_frame);
}

void tell_auth(struct observation *o)
{
	const struct event *auth = event_of(o, EVENT_AUTH);
	const char *words = detail_of_end(o, NULL);
	struct fact *fact;
	if (handshake_end(o) == WORD_SSH_AUTHENTICATED)
		fact = fact_set(o, ANSWER_SSH_AUTH, "authentication succeeds; methods: %s%s%s%s",
				auth != NULL && auth->text[0] ? auth->text : "none needed",
				words != NULL ? "; it opens no session (" : "",
				words != NULL ? words : "", words != NULL ? ")" : "");
	else if (auth != NULL)
		fact = fact_set(o, ANSWER_SSH_AUTH,
				"the handshake reaches authentication; methods: %s",
				auth->text[0] ? auth->text : "none needed");
	else
		fact = fact_set(o, ANSWER_SSH_AUTH,
				"the handshake completes and encrypted packets go both ways");
	fact_packet(fact, o->kernel->connection->server_data_frame);
}

/* Source translation gives it a port that is not listened to, or it takes an interface that is
 * not. The handshake itself hears what no packet shows. */
void tell_auth_unseen(struct observation *o)
{
	static const struct {
		enum event_word end;
		enum answer answer;
		const char *words;
	} ends[] = { { WORD_SSH_AUTH_REFUSED, ANSWER_SSH_AUTH_REFUSED, ", which is refused" },
		     { WORD_SSH_AUTH_SILENT, ANSWER_SSH_AUTH_STALLED, " and goes no further" },
		     { WORD_NONE, ANSWER_SSH_AUTH, "" } };
	const char *methods = event_of(o, EVENT_AUTH)->text;
	size_t i = 0;
	while (ends[i].end != WORD_NONE && ends[i].end != handshake_end(o))
		i++;
	fact_set(o, ends[i].answer,
		 "the handshake reaches authentication%s, by a port or an interface that is not "
		 "listened to; methods: %s",
		 ends[i].words, methods[0] ? methods : "none needed");
}
