/* handshake: beside login.c the only file that knows libssh (0.10).
 *
 * What its source taught (src/socket.c, src/client.c, src/packet_cb.c):
 * - ssh_connect() on a given descriptor does one poll() a call, and the first one,
 *   which sends our identification string, makes the descriptor blocking: that is
 *   undone at once.
 * - After a write it waits for POLLOUT before the next.
 * - It closes the descriptor on errors and leaves it open otherwise, so it gets a
 *   duplicate, and ssh_get_fd() tells which it was.
 * - How the connection ended is told in words only, and a write that is still
 *   pending overwrites them ("Socket error: ..."): a look into the socket before each
 *   call sees FIN, reset and the server's lists first (listen.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "handshake/handshake.h"
#include "handshake/listen.h"
#include "handshake/login.h"
#include "handshake/offers.h"
#include "sshwhy/patience.h"

enum { LISTEN_MS = LISTEN_FIRST / MILLISECONDS(1), TIMEOUT_MS = RUN_DEADLINE / MILLISECONDS(1) };

/* Calls into libssh in one step. A server that keeps talking gets no more than that
 * before the caller's clock is asked again. */
enum { CALLS_MAX = 64 };

/* libssh tells its progress in parts of one (src/client.c): at 0.6 the server's
 * KEXINIT is in, at 0.8 the algorithms are chosen; choosing is all that can fail in
 * between. */
#define KEXINIT_IS_IN	   0.55f
#define METHODS_ARE_CHOSEN 0.75f

enum phase { PHASE_CONNECT, PHASE_NONE, PHASE_LOGIN };

struct handshake {
	int fd; /* the caller's */
	enum handshake_state state;
	enum phase phase;
	bool started;
	int64_t speak_ns, give_up_ns;
	struct eavesdropper *eavesdropper; /* until it is done */
	ssh_session session;
	int library_fd;	  /* a duplicate of fd, for libssh */
	bool handed_over; /* and libssh has it */
	struct ssh_callbacks_struct callbacks;
	struct ssh_counter_struct on_socket;
	float progress; /* libssh's own measure */
	uint64_t moved; /* bytes of the server's that were read when it last came further */

	char *user, *key_algorithms; /* the second may be NULL */
	struct offers offers;
	int rsa_bits;
	const int *agent; /* may be NULL */
	unsigned listen_ms, timeout_ms;
	bool authenticate;
	bool (*trusts)(void *context, const char *type, const char *fingerprint);
	void *context;
	struct login login;

	struct handshake_result result;
};

/* -- what we offer --------------------------------------------------------------- */

/* Of KEXINIT's lists, in its order. */
static const enum ssh_options_e list_options[EAVESDROPPER_LISTS] = {
	SSH_OPTIONS_KEY_EXCHANGE,    SSH_OPTIONS_HOSTKEYS,	  SSH_OPTIONS_CIPHERS_C_S,
	SSH_OPTIONS_CIPHERS_S_C,     SSH_OPTIONS_HMAC_C_S,	  SSH_OPTIONS_HMAC_S_C,
	SSH_OPTIONS_COMPRESSION_C_S, SSH_OPTIONS_COMPRESSION_S_C,
};

/* Nothing but these: no configuration, no known_hosts, no identity. */
static const struct {
	enum ssh_options_e option;
	const char *text;
} silences[] = {
	{ SSH_OPTIONS_SSH_DIR, "/dev/null" },
	{ SSH_OPTIONS_KNOWNHOSTS, "/dev/null" },
	{ SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null" },
};

static bool libssh_knows(void *context, int list, const char *name)
{
	const struct handshake *h = context;
	return ssh_options_set(h->session, list_options[list], name) == SSH_OK;
}

static bool set_lists(struct handshake *h)
{
	const char *ours[EAVESDROPPER_LISTS];
	offers_choose(&h->offers, libssh_knows, h);
	for (int i = 0; i < EAVESDROPPER_LISTS; i++) {
		ours[i] = h->offers.ours[i].names;
		if (ssh_options_set(h->session, list_options[i], ours[i]) != SSH_OK)
			return false;
	}
	h->eavesdropper = eavesdropper_new(h->fd, ours);
	return h->eavesdropper != NULL;
}

static bool set_silences(ssh_session session)
{
	bool no = false;
	for (size_t i = 0; i < sizeof(silences) / sizeof(silences[0]); i++) {
		if (ssh_options_set(session, silences[i].option, silences[i].text) != SSH_OK)
			return false;
	}
	return ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK;
}

/* -- the end ---------------------------------------------------------------------- */

enum ending { ENDING_SILENT, ENDING_CLOSED, ENDING_RESET, ENDING_FAILED };

/* What an ending means at each stage that it can come at. */
static const enum event_word meanings[][ENDING_FAILED + 1] = {
	[HANDSHAKE_STAGE_CONNECTED] = { WORD_SSH_SILENT, WORD_SSH_CLOSED, WORD_SSH_RESET,
					WORD_SSH_NOT_SSH },
	[HANDSHAKE_STAGE_IDENTIFIED] = { WORD_SSH_IDENT_SILENT, WORD_SSH_IDENT_CLOSED,
					 WORD_SSH_IDENT_RESET, WORD_SSH_KEX_FAILED },
	[HANDSHAKE_STAGE_KEXINIT] = { WORD_SSH_KEX_SILENT, WORD_SSH_KEX_CLOSED, WORD_SSH_KEX_RESET,
				      WORD_SSH_KEX_FAILED },
	[HANDSHAKE_STAGE_KEX] = { WORD_SSH_AUTH_SILENT, WORD_SSH_AUTH_CLOSED, WORD_SSH_AUTH_RESET,
				  WORD_SSH_AUTH_FAILED },
	/* Keys were offered: a server that hangs up over them refuses them. */
	[HANDSHAKE_STAGE_AUTH] = { WORD_SSH_AUTH_SILENT, WORD_SSH_AUTH_REFUSED,
				   WORD_SSH_AUTH_REFUSED, WORD_SSH_AUTH_REFUSED },
};

/* The same before the identification string, when there were other bytes. */
static const enum event_word text_meanings[] = { WORD_SSH_DRIP, WORD_SSH_TEXT_CLOSED,
						 WORD_SSH_TEXT_RESET, WORD_SSH_NOT_SSH };

static void copy_text(char *out, size_t size, const char *text)
{
	/* Long texts are cut on purpose. */
	snprintf(out, size, "%.*s", (int)size - 1, text != NULL ? text : "");
}

/* What the eavesdropper heard, where libssh has not said it better. */
static void stop_listening(struct handshake *h)
{
	struct handshake_result *result = &h->result;
	if (h->eavesdropper == NULL)
		return;
	result->lines = eavesdropper_lines(h->eavesdropper);
	copy_text(result->first_line, sizeof(result->first_line),
		  eavesdropper_first_line(h->eavesdropper));
	copy_text(result->banner, sizeof(result->banner), eavesdropper_ident(h->eavesdropper));
	if (result->kex[0] == '\0')
		eavesdropper_kex(h->eavesdropper, result->kex);
	if (result->fingerprint[0] == '\0')
		eavesdropper_host_key(h->eavesdropper, result->host_key_type, result->fingerprint);
	eavesdropper_free(h->eavesdropper);
	h->eavesdropper = NULL;
}

/* Says good-bye where somebody listens, and lets go of libssh's descriptor. */
static void disconnect(struct handshake *h)
{
	if (!h->handed_over) {
		if (h->library_fd >= 0)
			close(h->library_fd);
		h->library_fd = -1;
		return;
	}
	if (h->session == NULL || h->result.stage < HANDSHAKE_STAGE_KEX ||
	    ssh_get_fd(h->session) < 0)
		return; /* ssh_free() closes it, or it is closed */
	(void)ssh_session_set_disconnect_message(h->session, "diagnosis complete");
	ssh_set_fd_towrite(h->session);
	ssh_disconnect(h->session); /* leaves the descriptor open, and forgets it */
	close(h->library_fd);
}

static void leave(struct handshake *h)
{
	disconnect(h);
	login_leave(&h->login);
	if (h->session == NULL)
		return;
	ssh_free(h->session);
	h->session = NULL;
	/* The caller may hold its own descriptor for long, and the server may have few
	 * places. */
	if (h->result.stage >= HANDSHAKE_STAGE_IDENTIFIED)
		(void)shutdown(h->fd, SHUT_WR);
}

static void finish(struct handshake *h, enum event_word end)
{
	h->result.end = end;
	stop_listening(h);
	leave(h);
	if (h->result.message[0] == '\0')
		copy_text(h->result.message, sizeof(h->result.message), h->result.first_line);
	h->state = HANDSHAKE_DONE;
}

static void finish_early(struct handshake *h, enum ending ending, int error)
{
	enum handshake_stage stage = h->result.stage;
	h->result.error = error;
	if (stage == HANDSHAKE_STAGE_AUTH && ending != ENDING_FAILED)
		login_describe(&h->login, ending == ENDING_SILENT);
	if (stage == HANDSHAKE_STAGE_CONNECTED && eavesdropper_has_bytes(h->eavesdropper))
		finish(h, text_meanings[ending]);
	else
		finish(h, meanings[stage][ending]);
}

/* -- libssh's words ----------------------------------------------------------------- */

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Where libssh has words for the socket only: how the connection stands. */
static enum ending tcp_ending(const struct handshake *h)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);
	if (getsockopt(h->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
		return ENDING_FAILED;
	if (info.tcpi_state == TCP_CLOSE)
		return ENDING_RESET;
	return info.tcpi_state == TCP_CLOSE_WAIT ? ENDING_CLOSED : ENDING_FAILED;
}

/* What libssh and the server cannot agree on, ssh and the server may. */
static void finish_without_common(struct handshake *h)
{
	const char *what;
	bool ssh_agrees = false;
	const char *list = offers_unshared(&h->offers, h->eavesdropper, &what, &ssh_agrees);
	if (list != NULL)
		snprintf(h->result.message, sizeof(h->result.message),
			 "nothing in common for the %s; the server offers %s", what, list);
	finish(h, ssh_agrees ? WORD_SSH_UNFOLLOWED : WORD_SSH_NO_COMMON);
}

/* libssh agrees with the server, but on what ssh does not offer. */
static bool is_led_astray(const struct handshake *h)
{
	const char *what;
	bool ignored;
	return h->offers.stands_in && h->result.stage == HANDSHAKE_STAGE_KEXINIT &&
	       offers_unshared(&h->offers, h->eavesdropper, &what, &ignored) != NULL;
}

/* The text of the server's SSH_MSG_DISCONNECT, as it was heard, or as libssh tells it once all is
 * encrypted; NULL: it sent none. */
static const char *farewell_in(struct handshake *h, const char *words)
{
	int used = 0;
	const char *heard = eavesdropper_disconnect(h->eavesdropper, &h->result.reason);
	if (heard != NULL)
		return heard;
	if (sscanf(words, "Received SSH_MSG_DISCONNECT: %" SCNu32 ":%n", &h->result.reason, &used) <
		    1 ||
	    used == 0)
		return NULL;
	return words + used;
}

static void finish_with_words(struct handshake *h)
{
	char words[1024];
	copy_text(words, sizeof(words), ssh_get_error(h->session));
	if (begins(words, "Can't verify server in known hosts")) /* what silence leaves behind */
		copy_text(words, sizeof(words), "libssh does not say why");
	const char *farewell = farewell_in(h, words);
	copy_text(h->result.message, sizeof(h->result.message),
		  farewell != NULL ? farewell : words);

	if (farewell != NULL && h->result.stage < HANDSHAKE_STAGE_AUTH) {
		finish(h, WORD_SSH_DISCONNECTED);
	} else if (h->progress > KEXINIT_IS_IN && h->progress < METHODS_ARE_CHOSEN) {
		finish_without_common(h);
	} else if (begins(words, "Failed to verify server hostkey signature")) {
		finish(h, WORD_SSH_BAD_SIGNATURE);
	} else if (begins(words, "Socket error: ") || !h->result.spoke) {
		enum ending ending = tcp_ending(h);
		finish_early(h, ending, ending == ENDING_RESET ? ECONNRESET : 0);
	} else {
		finish_early(h, ENDING_FAILED, 0);
	}
}

/* -- stages -------------------------------------------------------------------------- */

static void on_progress(void *context, float part)
{
	struct handshake *h = context;
	h->progress = part;
	h->moved = h->on_socket.in_bytes;
}

static void note_host_key(struct handshake *h)
{
	ssh_key key = NULL;
	unsigned char *hash = NULL;
	size_t length = 0;
	if (ssh_get_server_publickey(h->session, &key) != SSH_OK)
		return;
	copy_text(h->result.host_key_type, sizeof(h->result.host_key_type),
		  ssh_key_type_to_char(ssh_key_type(key)));
	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) == SSH_OK) {
		char *text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
		copy_text(h->result.fingerprint, sizeof(h->result.fingerprint), text);
		ssh_string_free_char(text);
		ssh_clean_pubkey_hash(&hash);
	}
	ssh_key_free(key);
	/* ssh_packet_newkeys() of libssh: without a valid signature it goes no further. */
	h->result.signature_verified = true;
}

static void note_kex(struct handshake *h)
{
	/* It has no name for group exchange: that one the eavesdropper knows. */
	copy_text(h->result.kex, sizeof(h->result.kex), ssh_get_kex_algo(h->session));
	note_host_key(h);
	h->result.stage = HANDSHAKE_STAGE_KEX;
}

static int advance_connect(struct handshake *h)
{
	h->handed_over = true;
	int answer = ssh_connect(h->session);
	if (!h->result.spoke && ssh_get_clientbanner(h->session) != NULL) {
		/* The call that sends our identification string makes the descriptor
		 * blocking. */
		(void)fcntl(h->fd, F_SETFL, fcntl(h->fd, F_GETFL) | O_NONBLOCK);
		h->result.spoke = true;
	}
	if (h->progress > KEXINIT_IS_IN && h->result.stage < HANDSHAKE_STAGE_KEXINIT)
		h->result.stage = HANDSHAKE_STAGE_KEXINIT;
	if (is_led_astray(h)) {
		finish_without_common(h);
		return SSH_OK;
	}
	if (answer == SSH_OK) {
		note_kex(h);
		h->phase = PHASE_NONE;
	}
	return answer;
}

static bool server_is_trusted(const struct handshake *h)
{
	return h->trusts == NULL ||
	       h->trusts(h->context, h->result.host_key_type, h->result.fingerprint);
}

/* The methods are known. */
static void choose_what_to_offer(struct handshake *h)
{
	bool is_free = h->result.no_auth_needed;
	if (!is_free && login_is_hopeless(&h->login, h->authenticate)) {
		(void)login_quote(&h->login);
		finish(h, WORD_SSH_AUTH_REFUSED); /* whoever comes */
	} else if (!h->authenticate) {
		finish(h, WORD_SSH_AUTHENTICATION);
	} else if (!is_free && !server_is_trusted(h)) {
		h->result.withheld = true;
		finish(h, WORD_SSH_AUTHENTICATION);
	} else {
		h->phase = PHASE_LOGIN;
		login_begin(&h->login, is_free);
	}
}

static int advance_none(struct handshake *h)
{
	int answer = ssh_userauth_none(h->session, NULL);
	if (answer == SSH_AUTH_AGAIN || answer == SSH_AUTH_ERROR)
		return answer == SSH_AUTH_AGAIN ? SSH_AGAIN : SSH_ERROR;
	h->login.session = h->session;
	h->result.no_auth_needed = answer == SSH_AUTH_SUCCESS;
	if (!h->result.no_auth_needed)
		login_note_methods(&h->login);
	h->result.stage = HANDSHAKE_STAGE_AUTH;
	choose_what_to_offer(h);
	return SSH_OK;
}

static int advance_login(struct handshake *h)
{
	if (h->login.end == WORD_NONE) {
		int answer = login_advance(&h->login);
		if (answer != SSH_OK)
			return answer;
	}
	if (h->login.end != WORD_NONE)
		finish(h, h->login.end);
	return SSH_OK;
}

static int advance(struct handshake *h)
{
	switch (h->phase) {
	case PHASE_CONNECT:
		return advance_connect(h);
	case PHASE_NONE:
		return advance_none(h);
	case PHASE_LOGIN:
		return advance_login(h);
	}
	return SSH_ERROR;
}

/* -- talking ------------------------------------------------------------------------- */

/* libssh closes what it is given. It asks and waits within one call, so that handshakes side by
 * side share one connection. */
static bool share_agent(struct handshake *h)
{
	int own = fcntl(*h->agent, F_DUPFD_CLOEXEC, 0);
	return own >= 0 && ssh_set_agent_socket(h->session, own) == SSH_OK;
}

/* Of those that ssh signs with, as many as libssh knows; where it knows none, its own. */
static void set_key_algorithms(struct handshake *h)
{
	if (h->key_algorithms != NULL)
		(void)ssh_options_set(h->session, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES,
				      h->key_algorithms);
}

static bool set_options(struct handshake *h)
{
	set_key_algorithms(h);
	return set_silences(h->session) && set_lists(h) &&
	       ssh_options_set(h->session, SSH_OPTIONS_RSA_MIN_SIZE, &h->rsa_bits) == SSH_OK &&
	       ssh_options_set(h->session, SSH_OPTIONS_USER, h->user) == SSH_OK &&
	       (h->agent == NULL || share_agent(h)) &&
	       ssh_options_set(h->session, SSH_OPTIONS_FD, &h->library_fd) == SSH_OK;
}

static bool set_up(struct handshake *h)
{
	int on = 1;
	h->session = ssh_new();
	if (h->session == NULL || h->library_fd < 0)
		return false;
	ssh_set_blocking(h->session, 0);
	ssh_set_counters(h->session, &h->on_socket, NULL);
	ssh_callbacks_init(&h->callbacks);
	h->callbacks.userdata = h;
	h->callbacks.connect_status_function = on_progress;
	h->callbacks.auth_function = login_no_passphrase;
	/* Each of our packets is waited for. */
	(void)setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return ssh_set_callbacks(h->session, &h->callbacks) == SSH_OK && set_options(h);
}

/* Our identification string goes out. */
static void speak(struct handshake *h)
{
	h->state = HANDSHAKE_TALKING;
	if (advance_connect(h) == SSH_ERROR)
		finish_with_words(h);
}

/* FIN or reset, when nothing else is left to read. */
static bool connection_over(struct handshake *h)
{
	int error;
	switch (eavesdropper_overhear(h->eavesdropper, h->on_socket.in_bytes, &error)) {
	case HEARD_CLOSED:
		finish_early(h, ENDING_CLOSED, 0);
		return true;
	case HEARD_RESET:
		finish_early(h, ENDING_RESET, error);
		return true;
	default:
		return false;
	}
}

static short libssh_events(const struct handshake *h)
{
	int flags = ssh_get_poll_flags(h->session);
	return (short)(POLLIN | (flags & SSH_WRITE_PENDING ? POLLOUT : 0));
}

static bool can_go_on(const struct handshake *h)
{
	struct pollfd poll_fd = { .fd = h->fd, .events = libssh_events(h) };
	return poll(&poll_fd, 1, 0) > 0;
}

/* One call into libssh; false: it waits for the server. */
static bool talk_on(struct handshake *h)
{
	int answer = advance(h);
	if (answer != SSH_AGAIN)
		h->moved = h->on_socket.in_bytes;
	/* After SSH_MSG_DISCONNECT it closes, and says "again" all the same. */
	if (answer == SSH_ERROR || (h->session != NULL && ssh_get_fd(h->session) < 0))
		finish_with_words(h);
	else if (h->on_socket.in_bytes - h->moved >= SPEECH_BYTES)
		finish(h, WORD_SSH_ENDLESS);
	return answer != SSH_AGAIN || (h->state != HANDSHAKE_DONE && can_go_on(h));
}

static void talk(struct handshake *h)
{
	for (int i = 0; i < CALLS_MAX && h->state != HANDSHAKE_DONE; i++)
		if (connection_over(h) || !talk_on(h))
			return;
}

/* -- listening ------------------------------------------------------------------------ */

static void identified(struct handshake *h)
{
	bool version_2 = eavesdropper_has_version_2(h->eavesdropper);
	h->result.stage = HANDSHAKE_STAGE_IDENTIFIED;
	if (!version_2) {
		copy_text(h->result.message, sizeof(h->result.message),
			  "the server speaks SSH version 1 only");
		finish(h, WORD_SSH_NO_COMMON);
		return;
	}
	if (h->state == HANDSHAKE_LISTENING)
		speak(h);
}

static void listen_on(struct handshake *h)
{
	int error;
	switch (eavesdropper_hear(h->eavesdropper, &error)) {
	case HEARD_NOTHING:
	case HEARD_TEXT:
		break;
	case HEARD_IDENT:
		identified(h);
		break;
	case HEARD_OTHER:
		finish(h, WORD_SSH_NOT_SSH);
		break;
	case HEARD_ENDLESS:
		finish(h, WORD_SSH_DRIP);
		break;
	case HEARD_CLOSED:
		finish_early(h, ENDING_CLOSED, 0);
		break;
	case HEARD_RESET:
		finish_early(h, ENDING_RESET, error);
		break;
	}
}

/* -- what the caller sees --------------------------------------------------------------- */

static char *copy_option(const char *text, bool *failed)
{
	char *copy = text != NULL ? strdup(text) : NULL;
	*failed |= text != NULL && copy == NULL;
	return copy;
}

static void prepare_login(struct handshake *h, const struct handshake_options *options)
{
	h->login = (struct login){ .sent = &h->on_socket.out_bytes,
				   .methods = h->result.auth_methods,
				   .methods_room = sizeof(h->result.auth_methods),
				   .message = h->result.message,
				   .message_room = sizeof(h->result.message),
				   .has_agent = options->agent != NULL,
				   .keys = options->keys,
				   .key_count = options->key_count,
				   .lacks = options->lacks };
}

#define RSA_BITS 1024 /* OpenSSH's RequiredRSASize */

struct handshake *handshake_new(int fd, const struct handshake_options *options,
				struct error *error)
{
	bool failed = false;
	struct handshake *h = calloc(1, sizeof(*h));
	if (h == NULL || ssh_init() != SSH_OK) { /* counted: each ssh_finalize() undoes one */
		free(h);
		error_set(error, EXIT_UNAVAILABLE, "libssh cannot be initialised");
		return NULL;
	}
	bool named = options->user != NULL && options->user[0] != '\0';
	h->fd = fd;
	h->library_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	h->user = copy_option(named ? options->user : "root", &failed);
	bool limited = options->key_algorithms != NULL && options->key_algorithms[0] != '\0';
	h->key_algorithms = copy_option(limited ? options->key_algorithms : NULL, &failed);
	failed |= !offers_set(&h->offers, options);
	h->rsa_bits = options->rsa_bits != 0 ? (int)options->rsa_bits : RSA_BITS;
	h->agent = options->agent;
	h->listen_ms = options->listen_ms != 0 ? options->listen_ms : LISTEN_MS;
	h->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_MS;
	h->authenticate = options->authenticate;
	h->trusts = options->trusts;
	h->context = options->context;
	prepare_login(h, options);
	if (!failed && set_up(h))
		return h;
	error_set(error, EXIT_UNAVAILABLE, "the SSH handshake cannot be set up: %s",
		  h->session != NULL ? ssh_get_error(h->session) : "out of memory");
	handshake_free(h);
	return NULL;
}

/* Whether libssh has to wait: for its turn, or for the server to identify itself. */
static bool is_heard_only(const struct handshake *h)
{
	return h->state == HANDSHAKE_LISTENING ||
	       (h->result.spoke && h->result.stage == HANDSHAKE_STAGE_CONNECTED);
}

short handshake_poll_events(const struct handshake *h)
{
	if (h->state == HANDSHAKE_DONE)
		return 0;
	return is_heard_only(h) ? POLLIN : libssh_events(h);
}

int64_t handshake_deadline(const struct handshake *h)
{
	if (h->state == HANDSHAKE_DONE)
		return INT64_MAX;
	if (!h->started)
		return 0;
	return h->state == HANDSHAKE_LISTENING && h->speak_ns < h->give_up_ns ? h->speak_ns
									      : h->give_up_ns;
}

enum handshake_state handshake_step(struct handshake *h, int64_t now_ns)
{
	if (!h->started) {
		h->started = true;
		h->speak_ns = now_ns + h->listen_ms * MILLISECONDS(1);
		h->give_up_ns = now_ns + h->timeout_ms * MILLISECONDS(1);
	}
	if (h->state != HANDSHAKE_DONE && h->result.stage == HANDSHAKE_STAGE_CONNECTED)
		listen_on(h);
	if (h->state == HANDSHAKE_LISTENING && now_ns >= h->speak_ns)
		speak(h);
	if (h->state == HANDSHAKE_TALKING && !is_heard_only(h))
		talk(h);
	if (h->state != HANDSHAKE_DONE && now_ns >= h->give_up_ns)
		finish_early(h, ENDING_SILENT, 0);
	return h->state;
}

enum handshake_state handshake_state(const struct handshake *h)
{
	return h->state;
}

const struct handshake_result *handshake_result(const struct handshake *h)
{
	return &h->result;
}

void handshake_free(struct handshake *h)
{
	if (h == NULL)
		return;
	leave(h);
	eavesdropper_free(h->eavesdropper);
	free(h->user);
	free(h->key_algorithms);
	offers_free(&h->offers);
	free(h);
	ssh_finalize();
}
